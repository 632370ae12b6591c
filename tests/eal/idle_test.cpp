#include "l2echo/engine/idle.hpp"

#include <gtest/gtest.h>
#include <rte_cycles.h>

#include <algorithm>
#include <cerrno>

#include "l2echo/dpdk/port.hpp"
#include "vdev.hpp"

namespace l2echo {
namespace {

std::uint64_t cycles_of_a_wait(const engine::IdleSettings& idle,
                               std::span<engine::QueuePair* const> pairs = {}) {
    const std::uint64_t began = rte_rdtsc();
    engine::wait_for_frames(idle, pairs);
    return rte_rdtsc() - began;
}

TEST(Idle, PauseTakesAMicrosecondAndSleepTakesTheConfiguredTime) {
    const std::uint64_t microsecond = rte_get_tsc_hz() / 1'000'000;
    EXPECT_GE(cycles_of_a_wait({.mode = engine::Idle::Pause}), microsecond);
    std::uint64_t shortest = ~0ULL;
    for (int round = 0; round < 20; ++round)
        shortest = std::min(shortest, cycles_of_a_wait({.mode = engine::Idle::Sleep}));
    EXPECT_GE(shortest, 50 * microsecond);
    EXPECT_LT(shortest, 3000 * microsecond);
    EXPECT_GE(cycles_of_a_wait({engine::Idle::Sleep, std::chrono::microseconds(3000)}), 3000 * microsecond);
}

TEST(Idle, DriverWithoutAMonitorAddressIsReportedAndNotWaitedFor) {
    const Vdev null("net_null_idle", "no-rx=1");
    const dpdk::Port port(null.port(), small_port_request(1), {0});
    EXPECT_EQ(engine::check_monitor(port.id(), 0), -ENOTSUP);
    engine::QueuePair pair({.port = port.id()});
    engine::QueuePair* pairs[] = {&pair};
    // Must not execute UMWAIT: this CPU may lack the instruction.
    engine::wait_for_frames({.mode = engine::Idle::Umwait}, pairs);
    pair.ask_to_end();
    ASSERT_TRUE(pair.end());
    engine::wait_for_frames({.mode = engine::Idle::Umwait}, pairs);
}

}  // namespace
}  // namespace l2echo
