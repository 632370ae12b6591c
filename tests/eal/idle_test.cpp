#include "l2echo/dataplane/idle.hpp"

#include <gtest/gtest.h>
#include <rte_cycles.h>

#include <algorithm>
#include <cerrno>

#include "l2echo/device/port.hpp"
#include "vdev.hpp"

namespace l2echo {
namespace {

std::uint64_t cycles_of_a_wait(const IdleSettings& idle, std::span<QueuePair* const> pairs = {}) {
    const std::uint64_t began = rte_rdtsc();
    wait_for_frames(idle, pairs);
    return rte_rdtsc() - began;
}

TEST(Idle, APauseTakesAMicrosecondAndANapAsLongAsItWasTold) {
    const std::uint64_t microsecond = rte_get_tsc_hz() / 1'000'000;
    EXPECT_GE(cycles_of_a_wait({.way = Idle::Pause}), microsecond);
    std::uint64_t shortest = ~0ULL;
    for (int round = 0; round < 20; ++round)
        shortest = std::min(shortest, cycles_of_a_wait({.way = Idle::Sleep}));
    EXPECT_GE(shortest, 50 * microsecond);
    EXPECT_LT(shortest, 3000 * microsecond);
    EXPECT_GE(cycles_of_a_wait({Idle::Sleep, std::chrono::microseconds(3000)}), 3000 * microsecond);
}

TEST(Idle, ADriverWithoutAnAddressToWaitForIsToldAndNotWaitedFor) {
    const Vdev null("net_null_idle", "no-rx=1");
    const Port port(null.port(), small_port_request(1), {0});
    EXPECT_EQ(check_monitor(port.id(), 0), -ENOTSUP);
    PortGate gate;
    QueuePair pair(gate);
    pair.port = port.id();
    QueuePair* pairs[] = {&pair};
    // It must not reach an instruction that this CPU may not have.
    wait_for_frames({.way = Idle::Umwait}, pairs);
    pair.polling = Polling::Ended;
    wait_for_frames({.way = Idle::Umwait}, pairs);
}

}  // namespace
}  // namespace l2echo
