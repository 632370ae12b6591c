#include "l2echo/control/session.hpp"

#include <gtest/gtest.h>
#include <rte_cycles.h>

namespace l2echo {
namespace {

using namespace std::chrono_literals;

Refusal closed_in(Session& session, double seconds, std::size_t port = 0) {
    return session.gate(port).closed_by(
        rte_rdtsc() + static_cast<std::uint64_t>(seconds * static_cast<double>(rte_get_tsc_hz())));
}

TEST(Session, IsArmedWithoutEndUnlessToldOtherwise) {
    Session session(2, false, std::nullopt);
    EXPECT_EQ(session.ports(), 2u);
    for (const std::size_t port : {0U, 1U}) {
        EXPECT_EQ(closed_in(session, 1e6, port), Refusal::None);
        EXPECT_EQ(name_of(session.state(port)), "armed");
        EXPECT_FALSE(session.state(port).remaining_seconds);
    }
}

TEST(Session, EndsAfterItsTime) {
    Session session(1, false, 100s);
    EXPECT_EQ(closed_in(session, 99), Refusal::None);
    EXPECT_EQ(closed_in(session, 100), Refusal::Expired);
    const SessionState state = session.state(0);
    EXPECT_EQ(state.closed_by, Refusal::None);
    EXPECT_LE(state.remaining_seconds.value(), 100);
    EXPECT_GT(state.remaining_seconds.value(), 90);
}

TEST(Session, ThatIsOverHasNothingLeft) {
    Session session(1, false, 0ms);
    const SessionState state = session.state(0);
    EXPECT_EQ(name_of(state), "expired");
    EXPECT_FALSE(state.remaining_seconds);
}

TEST(Session, IsDisarmedAtStartAndArmedWithItsOwnTimeOrAnother) {
    Session session(2, true, 100s);
    EXPECT_EQ(name_of(session.state(1)), "disarmed");
    EXPECT_FALSE(session.state(1).remaining_seconds);
    session.arm();
    EXPECT_EQ(closed_in(session, 99, 1), Refusal::None);
    EXPECT_EQ(closed_in(session, 100, 1), Refusal::Expired);
    session.arm(1000s);
    EXPECT_EQ(closed_in(session, 999, 1), Refusal::None);
    session.arm(std::nullopt);
    EXPECT_EQ(closed_in(session, 1e6, 1), Refusal::None);
    session.disarm();
    for (const std::size_t port : {0U, 1U})
        EXPECT_EQ(closed_in(session, 0, port), Refusal::Disarmed);
}

TEST(Session, TellsOfEachPortWhomItFacesUntilItIsArmedAgain) {
    Session session(2, false, 100s);
    session.gate(1).face(Facing::AnotherReflector);
    EXPECT_EQ(name_of(session.state(0)), "armed");
    EXPECT_EQ(name_of(session.state(1)), "facing-reflector");
    EXPECT_EQ(session.state(1).facing, Facing::AnotherReflector);
    EXPECT_TRUE(session.state(1).remaining_seconds) << "its time goes on";
    session.arm();
    EXPECT_EQ(name_of(session.state(1)), "armed");
    EXPECT_EQ(session.state(1).facing, Facing::Nobody);
}

TEST(Session, TheLongestTimeDoesNotWrap) {
    Session session(1, false, std::chrono::seconds(1'000'000'000));
    EXPECT_EQ(closed_in(session, 1e6), Refusal::None);
    EXPECT_GT(session.state(0).remaining_seconds.value(), 9e8);
}

}  // namespace
}  // namespace l2echo
