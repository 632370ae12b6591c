#include "l2echo/echo/port_gate.hpp"

#include <gtest/gtest.h>

namespace l2echo::echo {
namespace {

TEST(PortGate, IsOpenWithoutEndAtFirst) {
    const PortGate gate;
    EXPECT_EQ(gate.closed_by(0), Refusal::None);
    EXPECT_EQ(gate.closed_by(PortGate::kNever - 1), Refusal::None);
    EXPECT_EQ(gate.facing(), Facing::Nobody);
}

TEST(PortGate, ExpiresAtItsTimeAndNotBefore) {
    PortGate gate;
    gate.arm(1000);
    EXPECT_EQ(gate.closed_by(999), Refusal::None);
    EXPECT_EQ(gate.closed_by(1000), Refusal::Expired);
    EXPECT_EQ(gate.expires_at(), 1000u);
    gate.arm();
    EXPECT_EQ(gate.closed_by(1000), Refusal::None);
}

TEST(PortGate, DisarmedGoesBeforeExpiredAndExpiredBeforeFacing) {
    PortGate gate;
    gate.arm(1000);
    gate.face(Facing::AnotherReflector);
    EXPECT_EQ(gate.closed_by(999), Refusal::FacingReflector);
    EXPECT_EQ(gate.closed_by(1000), Refusal::Expired);
    gate.disarm();
    EXPECT_EQ(gate.closed_by(999), Refusal::Disarmed);
    EXPECT_EQ(gate.closed_by(1000), Refusal::Disarmed);
}

TEST(PortGate, ArmingForgetsTheFarEndAndSoDoesTheLink) {
    PortGate gate;
    gate.face(Facing::OurOwnChecks);
    EXPECT_EQ(gate.facing(), Facing::OurOwnChecks);
    gate.arm();
    EXPECT_EQ(gate.closed_by(0), Refusal::None);
    gate.face(Facing::OurOwnChecks);
    gate.forget_far_end();
    EXPECT_EQ(gate.closed_by(0), Refusal::None);
    gate.disarm();
    gate.forget_far_end();
    EXPECT_EQ(gate.closed_by(0), Refusal::Disarmed) << "a link change arms nothing";
}

TEST(PortGate, ChecksAreSentWhileItEchoesAndWhileItFacesAReflector) {
    PortGate gate;
    gate.arm(1000);
    EXPECT_TRUE(gate.may_send_checks(0));
    gate.face(Facing::OurOwnChecks);
    EXPECT_TRUE(gate.may_send_checks(0));
    EXPECT_FALSE(gate.may_send_checks(1000));
    gate.disarm();
    EXPECT_FALSE(gate.may_send_checks(0));
}

TEST(PortGate, SharesNoCacheLine) {
    EXPECT_EQ(sizeof(PortGate), static_cast<std::size_t>(RTE_CACHE_LINE_SIZE));
}

}  // namespace
}  // namespace l2echo::echo
