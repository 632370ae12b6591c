#include "l2echo/dpdk/eal.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_lcore.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <string_view>

#include "dpdk/driver_sockets.hpp"
#include "dpdk/interrupt_thread.hpp"
#include "dpdk/lcore_option.hpp"
#include "dpdk/log_capture.hpp"
#include "dpdk/port_interfaces.hpp"
#include "dpdk/startup_advice.hpp"
#include "l2echo/cli/number.hpp"
#include "l2echo/dpdk/eal_arguments.hpp"
#include "l2echo/dpdk/lcore.hpp"
#include "l2echo/dpdk/log.hpp"
#include "l2echo/machine/capabilities.hpp"
#include "l2echo/machine/cpu_set.hpp"
#include "l2echo/machine/host_limits.hpp"
#include "l2echo/machine/numa.hpp"
#include "l2echo/process/error.hpp"
#include "l2echo/process/file_descriptor.hpp"

namespace l2echo::dpdk {
namespace {

/// Discards stdout. EAL prints a hundred lines of usage there if it rejects an argument, but stdout is for
/// results, and the reason is on stderr.
class StdoutToNowhere {
  public:
    StdoutToNowhere() : saved_(dup(STDOUT_FILENO)) {
        std::fflush(stdout);
        const process::FileDescriptor nowhere(open("/dev/null", O_WRONLY | O_CLOEXEC));
        dup2(nowhere.get(), STDOUT_FILENO);
    }
    ~StdoutToNowhere() {
        std::fflush(stdout);
        if (saved_.valid())
            dup2(saved_.get(), STDOUT_FILENO);
    }
    StdoutToNowhere(const StdoutToNowhere&) = delete;
    StdoutToNowhere& operator=(const StdoutToNowhere&) = delete;

  private:
    process::FileDescriptor saved_;
};

/// Refuses to run as a secondary process: on exit, it would stop the ports of the primary process.
void refuse_secondary() {
    if (rte_eal_process_type() != RTE_PROC_PRIMARY)
        throw process::UsageError(
            "--proc-type: another DPDK program runs with this --file-prefix, "
            "and its ports would be stopped; give a --file-prefix of your own");
}

/// Returns the first argument that EAL did not consume; empty if it consumed all. `said` gets the warnings
/// and errors that EAL logged.
std::string start_eal(const std::string& program, const std::vector<std::string>& arguments,
                      std::string& said) {
    std::string name = program;
    // EAL reorders argv and may modify the strings that it points to.
    std::vector<std::string> copies = with_nameless_hugepages(arguments);
    std::vector<char*> argv{name.data()};
    for (std::string& argument : copies)
        argv.push_back(argument.data());
    const int argc = static_cast<int>(argv.size());
    argv.push_back(nullptr);
    const StdoutToNowhere redirection;
    const LogCapture log;
    const int parsed = rte_eal_init(argc, argv.data());
    const int error = rte_errno;
    said = log.text();
    if (parsed < 0) {
        refuse_secondary();
        throw process::StartupError(explain_eal_failure({.step = Step::Eal,
                                                         .eal_arguments = arguments,
                                                         .error = error,
                                                         .said = said,
                                                         .host = machine::read_host_limits()}));
    }
    // EAL moves unknown arguments to the end and continues without them.
    return parsed + 1 < argc ? argv[static_cast<std::size_t>(parsed) + 1] : "";
}

/// If it runs out of file descriptors, EAL aborts, and drivers fail without naming the cause. EAL with two
/// null devices uses 20.
void require_descriptors() {
    constexpr rlim_t kFew = 64;
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= kFew)
        return;
    throw process::StartupError(fmt::format(
        "only {} file descriptors may be open (RLIMIT_NOFILE), and EAL with its drivers needs {} and more; "
        "type: ulimit -n 1024",
        limit.rlim_cur, kFew));
}

/// EAL reads -m 1G as 1 and -m abc as nothing.
void require_numbers(const std::vector<std::string>& arguments) {
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        const std::string option = arguments[i].substr(0, 2);
        if ((option != "-m" && option != "-n") || arguments[i].starts_with("--"))
            continue;
        const std::string value = arguments[i].size() > option.size() ? arguments[i].substr(option.size())
                                  : i + 1 < arguments.size()          ? arguments[i + 1]
                                                                      : "";
        if (!cli::read_number(value, std::numeric_limits<std::int32_t>::max()))
            throw process::UsageError(fmt::format("{}: '{}' is not a number{}", option, value,
                                                  option == "-m" ? " of MiB" : " of memory channels"));
    }
}

/// EAL takes a variable that is empty for a folder: its files would be in /dpdk.
void unset_empty_folders() {
    for (const char* const name : {"RUNTIME_DIRECTORY", "XDG_RUNTIME_DIR"})
        if (const char* const folder = std::getenv(name); folder != nullptr && *folder == '\0')
            unsetenv(name);
}

/// Locks memory, so that no page is swapped out and that later mappings (rings, the memory of a peer) are
/// resident before the first frame needs them: a page fault takes longer than thousands of frames. Existing
/// mappings are still populated on first access. If locked memory is limited, the first call fails and
/// nothing is locked. The second call alone would succeed, and mappings would fail later.
void lock_memory() {
    if (mlockall(MCL_CURRENT | MCL_ONFAULT) != 0 || mlockall(MCL_FUTURE) != 0)
        log_info(
            "Memory is not locked ({}), so a page fault may delay a frame; with more locked memory allowed "
            "(ulimit -l, LimitMEMLOCK=) it is",
            std::strerror(errno));
}

/// Returns the only CPU that an lcore may run on; -1 if there are several. (rte_lcore_to_cpu_id() returns a
/// core number.)
int cpu_of_lcore(unsigned id) {
    const rte_cpuset_t cpus = rte_lcore_cpuset(id);
    if (CPU_COUNT(&cpus) != 1)
        return -1;
    std::size_t cpu = 0;
    while (!CPU_ISSET(cpu, &cpus))
        ++cpu;
    return static_cast<int>(cpu);
}

Lcore describe_lcore(unsigned id) {
    const int cpu = cpu_of_lcore(id);
    const int node = machine::numa_node_of_cpu_id(cpu);
    return {id, cpu, node != machine::kUnknownNode ? node : static_cast<int>(rte_lcore_to_socket_id(id))};
}

/// Refuses devices that EAL gave to a driver by the beginning of their name only.
void refuse_misread_vdevs(const std::vector<std::string>& arguments) {
    for (const std::string& name : requested_vdevs(arguments)) {
        std::uint16_t port = 0;
        if (rte_eth_dev_get_port_by_name(name.c_str(), &port) != 0)
            continue;
        const std::string mistake = explain_misread_vdev(name, driver_of(port));
        if (!mistake.empty())
            throw process::UsageError(mistake);
    }
}

/// Closes ports that were not used, or that a failed start left open. rte_eal_cleanup() removes their devices
/// one after the other, and reads freed memory if a net_failsafe removes its sub-devices in between
/// (DPDK 22.11).
void close_other_ports() {
    std::uint16_t port = 0;
    RTE_ETH_FOREACH_DEV(port)
    (void)rte_eth_dev_close(port);
}

}  // namespace

Eal::Eal(const std::string& program, std::vector<std::string> arguments) : arguments_(std::move(arguments)) {
    machine::raise_permitted_capabilities();  // before EAL creates threads
    require_descriptors();
    check_cpus(arguments_, machine::allowed_cpus());
    refuse_empty_values(arguments_);
    require_numbers(arguments_);
    unset_empty_folders();
    remove_dead_driver_sockets(arguments_);
    refuse_taps_in_use(arguments_);
    const std::string left = start_eal(program, arguments_, said_);
    try {
        refuse_secondary();
        if (!left.empty())
            throw process::UsageError(fmt::format(
                "'{}' is not an EAL option; give a device with -a, and our options after --", left));
        refuse_misread_vdevs(arguments_);
        polling_.emplace();
    } catch (...) {
        close_other_ports();
        rte_eal_cleanup();
        throw;
    }
    lock_memory();
}

Eal::~Eal() {
    close_other_ports();
    park_interrupt_thread();
    polling_.reset();
    rte_eal_cleanup();
    try {
        remove_dead_driver_sockets(arguments_);  // the virtio_user driver leaves its socket behind
    } catch (const process::StartupError&) {
        // Another process uses that path by now.
    }
}

Lcore Eal::main_lcore() const {
    return describe_lcore(rte_get_main_lcore());
}

std::vector<Lcore> Eal::worker_lcores() const {
    std::vector<Lcore> workers;
    unsigned id = 0;
    RTE_LCORE_FOREACH_WORKER(id)
    workers.push_back(describe_lcore(id));
    return workers;
}

std::vector<std::uint16_t> Eal::ports() const {
    std::vector<std::uint16_t> ports;
    std::uint16_t port = 0;
    RTE_ETH_FOREACH_DEV(port)
    ports.push_back(port);
    return ports;
}

}  // namespace l2echo::dpdk
