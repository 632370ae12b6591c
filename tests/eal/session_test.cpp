#include <gtest/gtest.h>
#include <rte_cycles.h>

#include "l2echo/echo/arming.hpp"

namespace l2echo {
namespace {

using namespace std::chrono_literals;

echo::Refusal closed_in(echo::Session& session, double seconds, std::size_t port = 0) {
    return session.gate(port).closed_by(
        rte_rdtsc() + static_cast<std::uint64_t>(seconds * static_cast<double>(rte_get_tsc_hz())));
}

TEST(Session, IsArmedWithoutEndUnlessToldOtherwise) {
    echo::Session session(2, false, std::nullopt);
    EXPECT_EQ(session.ports(), 2u);
    for (const std::size_t port : {0U, 1U}) {
        EXPECT_EQ(closed_in(session, 1e6, port), echo::Refusal::None);
        EXPECT_EQ(report::name_of(session.state(port)), "armed");
        EXPECT_FALSE(session.state(port).remaining_seconds);
    }
}

TEST(Session, EndsAfterItsTime) {
    echo::Session session(1, false, 100s);
    EXPECT_EQ(closed_in(session, 99), echo::Refusal::None);
    EXPECT_EQ(closed_in(session, 100), echo::Refusal::Expired);
    const report::SessionState state = session.state(0);
    EXPECT_EQ(state.closed_by, echo::Refusal::None);
    EXPECT_LE(state.remaining_seconds.value(), 100);
    EXPECT_GT(state.remaining_seconds.value(), 90);
}

TEST(Session, ThatIsOverHasNothingLeft) {
    echo::Session session(1, false, 0ms);
    const report::SessionState state = session.state(0);
    EXPECT_EQ(report::name_of(state), "expired");
    EXPECT_FALSE(state.remaining_seconds);
}

TEST(Session, IsDisarmedAtStartAndArmedWithItsOwnTimeOrAnother) {
    echo::Session session(2, true, 100s);
    EXPECT_EQ(report::name_of(session.state(1)), "disarmed");
    EXPECT_FALSE(session.state(1).remaining_seconds);
    session.arm();
    EXPECT_EQ(closed_in(session, 99, 1), echo::Refusal::None);
    EXPECT_EQ(closed_in(session, 100, 1), echo::Refusal::Expired);
    session.arm(1000s);
    EXPECT_EQ(closed_in(session, 999, 1), echo::Refusal::None);
    session.arm(std::nullopt);
    EXPECT_EQ(closed_in(session, 1e6, 1), echo::Refusal::None);
    session.disarm();
    for (const std::size_t port : {0U, 1U})
        EXPECT_EQ(closed_in(session, 0, port), echo::Refusal::Disarmed);
}

TEST(Session, TellsOfEachPortWhomItFacesUntilItIsArmedAgain) {
    echo::Session session(2, false, 100s);
    session.gate(1).face(echo::Facing::AnotherReflector);
    EXPECT_EQ(report::name_of(session.state(0)), "armed");
    EXPECT_EQ(report::name_of(session.state(1)), "facing-reflector");
    EXPECT_EQ(session.state(1).facing, echo::Facing::AnotherReflector);
    EXPECT_TRUE(session.state(1).remaining_seconds) << "its time goes on";
    session.arm();
    EXPECT_EQ(report::name_of(session.state(1)), "armed");
    EXPECT_EQ(session.state(1).facing, echo::Facing::Nobody);
}

TEST(Session, TheLongestTimeDoesNotWrap) {
    echo::Session session(1, false, std::chrono::seconds(1'000'000'000));
    EXPECT_EQ(closed_in(session, 1e6), echo::Refusal::None);
    EXPECT_GT(session.state(0).remaining_seconds.value(), 9e8);
}

}  // namespace
}  // namespace l2echo
