#include "dpdk/startup_failures.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <regex>
#include <sstream>

namespace l2echo::dpdk {
namespace {

bool makes_run_time_files(const FailedStart& failed) {
    return !failed.has_option("--no-shconf") && !failed.has_option("--in-memory");
}

bool has_slash_in_prefix(const FailedStart& failed) {
    for (std::size_t i = 0; i < failed.eal_arguments.size(); ++i) {
        const std::string& argument = failed.eal_arguments[i];
        const std::string& value = argument == "--file-prefix" && i + 1 < failed.eal_arguments.size()
                                       ? failed.eal_arguments[i + 1]
                                       : argument;
        if (argument.starts_with("--file-prefix") && value.find('/') != std::string::npos)
            return true;
    }
    return false;
}

bool lacks_sysfs(const FailedStart& failed) {
    return !failed.host.sysfs;
}

bool is_root(const FailedStart& failed) {
    return makes_run_time_files(failed) && failed.host.root;
}

bool is_no_root(const FailedStart& failed) {
    return makes_run_time_files(failed) && !failed.host.root;
}

bool has_no_hugepages(const FailedStart& failed) {
    return failed.wants_hugepages() && failed.host.hugepages_reserved == 0;
}

bool has_no_free_hugepages(const FailedStart& failed) {
    return failed.wants_hugepages() && failed.host.hugepages_free == 0;
}

bool needs_a_mount(const FailedStart& failed) {
    return failed.wants_hugepages() && !failed.has_option("--in-memory");
}

bool has_no_hugetlbfs(const FailedStart& failed) {
    return needs_a_mount(failed) && failed.host.hugetlbfs.empty();
}

bool names_hugetlbfs(const FailedStart& failed) {
    return needs_a_mount(failed) && failed.has_option("--huge-dir");
}

bool wants_hugepages(const FailedStart& failed) {
    return failed.wants_hugepages();
}

bool wants_no_hugepages(const FailedStart& failed) {
    return !failed.wants_hugepages();
}

bool is_denied(const FailedStart& failed) {
    return !failed.host.root && (failed.error == EACCES || failed.error == EPERM);
}

bool may_not_use_packet_sockets(const FailedStart& failed) {
    return !failed.host.may(CAP_NET_RAW) || !failed.host.may(CAP_NET_ADMIN);
}

bool may_not_load_xdp(const FailedStart& failed) {
    return may_not_use_packet_sockets(failed) || !failed.host.may(CAP_SYS_ADMIN);
}

bool may_not_capture(const FailedStart& failed) {
    return !failed.host.may(CAP_NET_RAW);
}

bool may_not_make_a_tap(const FailedStart& failed) {
    return !failed.host.may(CAP_NET_ADMIN);
}

bool lacks_tun_device(const FailedStart& failed) {
    return !failed.host.tun_device;
}

bool may_lock_too_little(const FailedStart& failed) {
    return !failed.host.may(CAP_IPC_LOCK);
}

constexpr std::string_view kCapabilityRemedy =
    "type it with sudo, or give it what it needs (AmbientCapabilities= of a unit, --cap-add of a container)";
constexpr std::string_view kInterfaceRemedy =
    "ip link shows which there are (those of the host are not in a container's network namespace)";

// l2echo/dpdk/version.hpp says of which versions of DPDK the log lines are.
constexpr auto kKnownFailures = std::to_array<KnownFailure>({
    // System requirements of EAL, in the order of its steps.
    {Step::Eal, "", "", lacks_sysfs, "/sys is empty, so EAL finds no CPUs",
     "mount it: sudo mount -t sysfs sysfs /sys"},
    {Step::Eal, "", "unsupported cpu type", nullptr,
     "this CPU lacks instructions that this DPDK was built for",
     "take a newer CPU (a VM: -cpu host), or a DPDK built for this one"},
    {Step::Eal, "", "Error creating '(.*)': ", has_slash_in_prefix,
     "--file-prefix is the name of a folder, and has a slash", "leave the slash out"},
    {Step::Eal, "", "Error creating '(.*)': Read-only file system", makes_run_time_files,
     "{1}, for its run-time files, is on a read-only file system",
     "mount a tmpfs on /run (a container: --tmpfs /run), or do without the files: --no-shconf --no-telemetry"},
    {Step::Eal, "", "Error creating '(.*)': No such file or directory", is_no_root,
     "{1}, for the run-time files of a user other than root, is in a folder that does not exist",
     "set XDG_RUNTIME_DIR to a folder that does (a stale one stays behind after su or in a container), "
     "or do without the files: --no-shconf --no-telemetry"},
    {Step::Eal, "", "Error creating '(.*)': No such file or directory", is_root,
     "{1}, for the run-time files of root, is in a folder that does not exist",
     "make it, or do without the files: --no-shconf --no-telemetry"},
    {Step::Eal, "", "Error creating '(.*)': Permission denied", makes_run_time_files,
     "{1}, for its run-time files, may not be made by this user",
     "set XDG_RUNTIME_DIR to a folder of your own, or do without the files: --no-shconf --no-telemetry"},
    {Step::Eal, "", "Error creating '(.*)': (.*)", makes_run_time_files,
     "{1}, for its run-time files, cannot be made ({2})",
     "set RUNTIME_DIRECTORY to another folder, or do without the files: --no-shconf --no-telemetry"},
    {Step::Eal, "", "Cannot open '(.*)' for rte_mem_config", nullptr, "{1} is another user's",
     "give this process files of its own: --file-prefix NAME"},
    {Step::Eal, "", "Cannot resize '(.*)' for rte_mem_config", nullptr, "no space is left for {1}",
     "make room there, or do without the file: --no-shconf"},
    {Step::Eal, "", "Cannot create lock on '(.*)'\\.", nullptr, "another DPDK process has {1}",
     "stop that one, or give this one files of its own: --file-prefix NAME"},
    {Step::Eal, "", "Cannot access DPDK runtime directory", nullptr,
     "DPDK's telemetry can make its socket neither among the run-time files nor in /tmp",
     "do without it: --no-telemetry"},
    {Step::Eal, "", "^(?:EAL: )?(.*): cannot open shared object file: (.*)", nullptr,
     "the driver {1} of -d cannot be opened ({2})",
     "check the path; Debian has its drivers below /usr/lib/*/dpdk, and loads them without -d"},
    {Step::Eal, "", "^(?:EAL: )?(.*): (undefined symbol.*|invalid ELF header|file too short)", nullptr,
     "the driver {1} of -d was not built for this DPDK ({2})",
     "leave -d out, or name a driver that was built with this DPDK"},
    {Step::Eal, "", "failed to parse device \"(.*)\"", nullptr,
     "no driver that is installed knows the device {1}",
     "check its name, and that its driver is there (dpkg -l 'librte-net-*')"},
    {Step::Eal, "", "--legacy-mem is not compatible with --in-memory", wants_no_hugepages,
     "--no-huge and --in-memory exclude each other", "leave one of them out"},
    {Step::Eal, "", "[Mm]ain lcore is not enabled", nullptr, "--main-lcore is none of the lcores",
     "name one of -l or --lcores"},
    {Step::Eal, "", "Failed to create thread|Cannot create thread", nullptr, "no further thread may be made",
     "raise the limit: ulimit -u, TasksMax= of a unit, --pids-limit of a container"},
    {Step::Eal, "", "since physical addresses are not available", nullptr,
     "--iova-mode=pa, or a NIC without IOMMU, needs physical addresses, which only root may read",
     "type it with sudo, or enable the IOMMU and bind the NIC to vfio-pci"},
    {Step::Eal, "", "Cannot open VFIO container (\\S+), error 13", nullptr, "this user may not open {1}",
     "type: sudo chmod 666 {1}"},

    // Memory.
    {Step::Eal, "", "hugepage|Cannot init memory|Cannot init memzone", has_no_hugepages,
     "no hugepages are reserved",
     "type: sudo dpdk-hugepages.py --reserve 512M --mount (or, to try without, add --no-huge -m 256)"},
    {Step::Eal, "", "open '(.*)/[^/]*' failed: Permission denied", needs_a_mount,
     "this user may not write to {1}, a hugetlbfs",
     "type: sudo chmod 1777 {1} (or take hugepages without a mount: --in-memory)"},
    {Step::Eal, "", "hugepage|Cannot init mem", has_no_free_hugepages, "all hugepages are in use",
     "type: sudo dpdk-hugepages.py --show, then stop the user or reserve more"},
    {Step::Eal, "", "hugepage|Cannot init mem", has_no_hugetlbfs,
     "hugepages are reserved, but no hugetlbfs is mounted",
     "type: sudo dpdk-hugepages.py --mount (or take them without a mount: --in-memory)"},
    {Step::Eal, "", "Failed to lock hugepage directory", needs_a_mount,
     "this user may not read the hugetlbfs that is mounted, or --huge-dir",
     "change its mode (sudo chmod 1777 /dev/hugepages), or take hugepages without a mount: --in-memory"},
    {Step::Eal, "", "Cannot get hugepage information", names_hugetlbfs,
     "--huge-dir is in no hugetlbfs of the page size that is reserved, or may not be read",
     "name a folder of one: findmnt -t hugetlbfs"},
    {Step::Eal, "", "Not enough memory available! Requested: (\\w+), available: (\\w+)", wants_hugepages,
     "-m or --socket-mem asks for {1} of hugepages, and {2} are free",
     "lower it, or reserve more: sudo dpdk-hugepages.py --reserve SIZE"},
    {Step::Eal, "", "error allocating rte services array", wants_hugepages,
     "hugepages are free, but none could be taken",
     "look whether another program took them meanwhile, and at the limit of the container (hugetlb in its cgroup)"},
    {Step::Eal, "", "Cannot init mem", wants_no_hugepages, "-m is more memory than this process may have",
     "lower it, or raise the limit (ulimit -v, the memory of the container)"},
    {Step::Eal, "", "", is_denied, "this user may not use the hugepages or devices that EAL needs",
     "type it with sudo, or give the user access to them"},

    // NICs that EAL could not use.
    {Step::Devices, "", "Cannot open (/dev/vfio/\\S+): Permission denied", nullptr,
     "this user may not open {1}, the IOMMU group of the NIC",
     "type: sudo chown $USER {1} (for good: a udev rule), or type it with sudo"},
    {Step::Devices, "", "Cannot open (/dev/(?:vfio/|uio)\\S+): Device or resource busy", nullptr,
     "another program has {1}, and with it the NIC", "stop that one, or take another NIC: -a ADDRESS"},
    {Step::Devices, "", "Cannot open VFIO container (\\S+), error 13", nullptr, "this user may not open {1}",
     "type: sudo chmod 666 {1}"},
    {Step::Devices, "", "DMA remapping.*error 12|Couldn't map user memory for DMA", may_lock_too_little,
     "this user may not lock as much memory as the NIC is to reach",
     "raise the limit to EAL's memory (ulimit -l, LimitMEMLOCK= of a unit), or give it CAP_IPC_LOCK; "
     "root without that capability has the limit too"},
    {Step::Devices, "", "Cannot open (/dev/uio\\S+): Permission denied", nullptr,
     "this user may not open {1}, and uio needs CAP_SYS_ADMIN too",
     "type it with sudo, or bind the NIC to vfio-pci"},

    // Devices of --vdev, when they are created and when they start.
    {Step::Devices, "net_af_packet", "", may_not_use_packet_sockets,
     "net_af_packet needs CAP_NET_RAW and CAP_NET_ADMIN", kCapabilityRemedy},
    {Step::Port, "net_af_packet", "", may_not_use_packet_sockets,
     "net_af_packet needs CAP_NET_RAW and CAP_NET_ADMIN", kCapabilityRemedy},
    {Step::Devices, "net_af_packet", "SIOCGIFINDEX.*No such device", nullptr,
     "the interface of net_af_packet does not exist", kInterfaceRemedy},
    {Step::Devices, "net_af_packet", "PACKET_FANOUT", nullptr,
     "another program of this network namespace has the same fan-out group",
     "start it again, or give it a namespace of its own"},
    {Step::Devices, "net_af_xdp", "Failed to get channel info of interface", nullptr,
     "the interface of net_af_xdp does not exist", kInterfaceRemedy},
    {Step::Port, "net_af_xdp", "", may_not_load_xdp,
     "net_af_xdp needs CAP_NET_RAW, CAP_NET_ADMIN and CAP_SYS_ADMIN", kCapabilityRemedy},
    {Step::Port, "net_af_xdp", "Failed to (?:create xsk socket|configure xdp socket)", nullptr,
     "libxdp made no socket (its own lines above say why)",
     "check that its BPF programs are installed (package libxdp1), that the interface has the queue of start_queue, "
     "and that no other XDP program has it"},
    {Step::Devices, "net_tap", "Unable to open /dev/net/tun", lacks_tun_device, "there is no /dev/net/tun",
     "type: sudo modprobe tun (a container: --device /dev/net/tun)"},
    {Step::Devices, "net_tap", "Unable to open /dev/net/tun", nullptr, "this user may not open /dev/net/tun",
     "type it with sudo, or: sudo chmod 666 /dev/net/tun"},
    {Step::Devices, "net_tap", "Unable to set TUNSETIFF", may_not_make_a_tap, "net_tap needs CAP_NET_ADMIN",
     kCapabilityRemedy},
    {Step::Devices, "net_tap",
     "Unable to set TUNSETIFF for (.*): (?:Invalid argument|Device or resource busy)", nullptr,
     "there is an interface {1} already", "give the tap another name: iface=NAME"},
    {Step::Devices, "net_tap", "Remote feature requires flow support", nullptr,
     "remote= needs sch_multiq and cls_flower, which this kernel does not have",
     "load them (sudo modprobe -a sch_multiq cls_flower act_mirred), or take net_af_packet"},
    {Step::Devices, "net_memif", "Invalid socket directory", nullptr,
     "the folder of socket= does not exist, or this user may not write to it", "make it, or name another"},
    {Step::Devices, "net_memif", "Failed to setup socket (.*): Address already in use", nullptr,
     "{1} is there already: of a program that runs, or left behind by one that was killed",
     "if none runs, type: rm {1}"},
    {Step::Port, "net_memif", "Failed to connect socket: (.*)\\.$", nullptr, "no memif server listens on {1}",
     "start the server (role=server) first, with the same socket= and socket-abstract="},
    {Step::Port, "net_vhost", "\\((.*)\\) failed to bind: No such file or directory", nullptr,
     "the folder of {1} does not exist", "make it, or name another: iface=PATH"},
    {Step::Port, "net_vhost", "\\((.*)\\) failed to bind: Permission denied", nullptr,
     "this user may not make {1}", "name a socket in a folder of your own: iface=PATH"},
    {Step::Port, "net_vhost", "\\((.*)\\) failed to bind: Address already in use", nullptr,
     "{1} is there already: of a program that runs, or left behind by one that was killed",
     "if none runs, type: rm {1}"},
    {Step::Devices, "net_virtio_user", "connect error, (.*)", nullptr,
     "nobody listens on the socket of path= ({1})", "start the vhost side first (net_vhost, QEMU)"},
    {Step::Devices, "net_virtio_user", "arg path is mandatory", nullptr,
     "net_virtio_user needs the vhost socket", "add path=SOCKET"},
    {Step::Devices, "net_pcap", "permission to perform this capture", may_not_capture,
     "net_pcap on an interface needs CAP_NET_RAW", kCapabilityRemedy},
    {Step::Devices, "net_pcap", "Couldn't open ([^:]*): .*No such device", nullptr,
     "there is no interface {1}", kInterfaceRemedy},
    {Step::Devices, "net_pcap", "Couldn't open ([^:]*): .*: (.*)", nullptr, "{1} cannot be read ({2})",
     "check the path of rx_pcap="},
    {Step::Devices, "net_pcap", "Couldn't open (.*) for writing", nullptr, "{1} cannot be written",
     "check the folder of tx_pcap="},
});

/// Replaces {1} and {2} with the matches of the groups of `said`.
std::string fill(std::string_view text, const std::smatch& found) {
    std::string filled(text);
    for (std::size_t group = 1; group < found.size(); ++group) {
        const std::string mark = "{" + std::to_string(group) + "}";
        for (std::size_t at = 0; (at = filled.find(mark, at)) != std::string::npos; at += found.length(group))
            filled.replace(at, mark.size(), found.str(group));
    }
    return filled;
}

/// Explains the first line that matches the pattern. Truncates lines to a length beyond any relevant one,
/// because std::regex recurses.
std::optional<std::string> explain_if_said(const KnownFailure& known, const std::string& said) {
    constexpr std::size_t kMaxLineLength = 1000;
    const std::regex pattern{std::string(known.said)};
    std::istringstream lines(said);
    for (std::string line; std::getline(lines, line);) {
        line.resize(std::min(line.size(), kMaxLineLength));
        if (std::smatch found; std::regex_search(line, found, pattern))
            return fill(known.cause, found) + "; " + fill(known.remedy, found);
    }
    return std::nullopt;
}

}  // namespace

bool FailedStart::has_option(std::string_view name) const {
    return std::ranges::any_of(eal_arguments, [name](const std::string& argument) {
        return argument == name || argument.starts_with(std::string(name) + "=");
    });
}

bool FailedStart::is_about(std::string_view driver_name) const {
    return driver.starts_with(driver_name) ||
           std::ranges::any_of(
               missing, [driver_name](const std::string& device) { return device.starts_with(driver_name); });
}

std::span<const KnownFailure> known_failures() {
    return kKnownFailures;
}

std::string explain_known(const FailedStart& failed) {
    for (const KnownFailure& known : kKnownFailures) {
        if (known.step != failed.step || !failed.is_about(known.driver))
            continue;
        if (known.holds != nullptr && !known.holds(failed))
            continue;
        if (known.said.empty())
            return fmt::format("{}; {}", known.cause, known.remedy);
        if (const auto text = explain_if_said(known, failed.said))
            return *text;
    }
    return "";
}

}  // namespace l2echo::dpdk
