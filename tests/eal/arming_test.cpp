#include "l2echo/echo/arming.hpp"

#include <gtest/gtest.h>
#include <rte_cycles.h>

#include <array>

namespace l2echo {
namespace {

using namespace std::chrono_literals;

/// Gates and the Arming that controls them.
struct Gates {
    Gates(bool disarmed, std::optional<std::chrono::milliseconds> expire)
        : arming({&gates[0], &gates[1]}, disarmed, expire) {}

    verdict::Reason closed_in(double seconds, std::size_t port = 0) const {
        return gates.at(port).closed_by(
            rte_rdtsc() + static_cast<std::uint64_t>(seconds * static_cast<double>(rte_get_tsc_hz())));
    }

    std::array<echo::Gate, 2> gates;
    echo::Arming arming;
};

TEST(Arming, HasNoExpiryByDefault) {
    Gates it(false, std::nullopt);
    EXPECT_EQ(it.arming.ports(), 2u);
    for (const std::size_t port : {0U, 1U}) {
        EXPECT_EQ(it.closed_in(1e6, port), verdict::Reason::None);
        EXPECT_EQ(name_of(it.arming.state(port)), "armed");
        EXPECT_FALSE(it.arming.state(port).remaining_seconds);
    }
}

TEST(Arming, ExpiresAfterItsTime) {
    Gates it(false, 100s);
    EXPECT_EQ(it.closed_in(99), verdict::Reason::None);
    EXPECT_EQ(it.closed_in(100), verdict::Reason::Expired);
    const verdict::ArmingState state = it.arming.state(0);
    EXPECT_EQ(state.closed_by, verdict::Reason::None);
    EXPECT_LE(state.remaining_seconds.value(), 100);
    EXPECT_GT(state.remaining_seconds.value(), 90);
}

TEST(Arming, HasNoTimeLeftOnceExpired) {
    Gates it(false, 0ms);
    const verdict::ArmingState state = it.arming.state(0);
    EXPECT_EQ(name_of(state), "expired");
    EXPECT_FALSE(state.remaining_seconds);
}

TEST(Arming, StartsDisarmedAndIsArmedWithTheDefaultOrAnExplicitTime) {
    Gates it(true, 100s);
    EXPECT_EQ(name_of(it.arming.state(1)), "disarmed");
    EXPECT_FALSE(it.arming.state(1).remaining_seconds);
    it.arming.arm();
    EXPECT_EQ(it.closed_in(99, 1), verdict::Reason::None);
    EXPECT_EQ(it.closed_in(100, 1), verdict::Reason::Expired);
    it.arming.arm(1000s);
    EXPECT_EQ(it.closed_in(999, 1), verdict::Reason::None);
    it.arming.arm(std::nullopt);
    EXPECT_EQ(it.closed_in(1e6, 1), verdict::Reason::None);
    it.arming.disarm();
    for (const std::size_t port : {0U, 1U})
        EXPECT_EQ(it.closed_in(0, port), verdict::Reason::Disarmed);
}

TEST(Arming, ReportsPerPortWhatItFacesUntilArmedAgain) {
    Gates it(false, 100s);
    it.gates[1].face(verdict::Facing::Loop);
    EXPECT_EQ(name_of(it.arming.state(0)), "armed");
    EXPECT_EQ(name_of(it.arming.state(1)), "facing-reflector");
    EXPECT_EQ(it.arming.state(1).facing, verdict::Facing::Loop);
    EXPECT_TRUE(it.arming.state(1).remaining_seconds) << "the remaining time keeps counting down";
    it.arming.arm();
    EXPECT_EQ(name_of(it.arming.state(1)), "armed");
    EXPECT_EQ(it.arming.state(1).facing, verdict::Facing::Nobody);
}

TEST(Arming, MaximumTimeDoesNotWrap) {
    Gates it(false, std::chrono::seconds(1'000'000'000));
    EXPECT_EQ(it.closed_in(1e6), verdict::Reason::None);
    EXPECT_GT(it.arming.state(0).remaining_seconds.value(), 9e8);
}

}  // namespace
}  // namespace l2echo
