// testpmd_pattern: the loop of burst_loops that replaces testpmd, on one lcore and a port of any driver, so
// that it can be compared with testpmd itself. Ends on SIGINT and prints its counts as JSON.
//
// testpmd_pattern EAL-ARGUMENTS (two lcores)

#include <fmt/format.h>
#include <rte_launch.h>
#include <rte_lcore.h>

#include <chrono>

#include "burst_loops.hpp"
#include "l2echo/dpdk/eal.hpp"
#include "l2echo/dpdk/lcore.hpp"
#include "l2echo/dpdk/port.hpp"
#include "l2echo/dpdk/port_choice.hpp"
#include "l2echo/dpdk/result.hpp"
#include "l2echo/process/error.hpp"
#include "l2echo/process/program.hpp"
#include "l2echo/process/stop_signal.hpp"

namespace l2echo {
namespace {

struct Forwarding {
    std::uint16_t port;
    const std::atomic<bool>& stop;
    std::uint64_t received = 0;
    std::uint64_t sent = 0;
};

int forward(void* argument) {
    auto& forwarding = *static_cast<Forwarding*>(argument);
    while (!forwarding.stop.load(std::memory_order_relaxed)) {
        const TestpmdPoll poll = testpmd_poll(forwarding.port);
        forwarding.received += poll.received;
        forwarding.sent += poll.sent;
    }
    return 0;
}

void run(const std::string& program, const std::vector<std::string>& eal_arguments) {
    process::StopSignal stop;
    const dpdk::Eal eal(program, eal_arguments);
    const std::vector<dpdk::Lcore> workers = eal.worker_lcores();
    if (workers.empty())
        throw process::UsageError("it forwards on a worker: give two lcores, such as -l 0-1");
    const dpdk::Lcore& worker = workers.front();
    const dpdk::Port port(dpdk::choose_first_port(eal), {}, {worker.numa_node});
    Forwarding forwarding{port.id(), stop.flag()};
    dpdk::throw_if_failed(rte_eal_remote_launch(forward, &forwarding, worker.id), "rte_eal_remote_launch");
    while (!stop.wait_until(std::chrono::steady_clock::now() + std::chrono::hours(1))) {
    }
    rte_eal_wait_lcore(worker.id);
    fmt::print("{{\"received\": {}, \"echoed\": {}, \"dropped\": {}}}\n", forwarding.received,
               forwarding.sent, forwarding.received - forwarding.sent);
}

}  // namespace
}  // namespace l2echo

int main(int argc, char** argv) {
    return l2echo::process::run_program(argv[0], [&](const std::string& program) {
        l2echo::run(program, {argv + 1, argv + argc});
    });
}
