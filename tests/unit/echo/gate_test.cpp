#include "l2echo/echo/gate.hpp"

#include <gtest/gtest.h>

namespace l2echo::echo {
namespace {

TEST(Gate, StartsOpenWithoutExpiry) {
    const Gate gate;
    EXPECT_EQ(gate.closed_by(0), verdict::Reason::None);
    EXPECT_EQ(gate.closed_by(Gate::kNever - 1), verdict::Reason::None);
    EXPECT_EQ(gate.facing(), verdict::Facing::Nobody);
}

TEST(Gate, ExpiresExactlyOnTime) {
    Gate gate;
    gate.arm(1000);
    EXPECT_EQ(gate.closed_by(999), verdict::Reason::None);
    EXPECT_EQ(gate.closed_by(1000), verdict::Reason::Expired);
    EXPECT_EQ(gate.expires_at(), 1000u);
    gate.arm();
    EXPECT_EQ(gate.closed_by(1000), verdict::Reason::None);
}

TEST(Gate, DisarmedTakesPrecedenceOverExpiredAndExpiredOverFacing) {
    Gate gate;
    gate.arm(1000);
    gate.face(verdict::Facing::Loop);
    EXPECT_EQ(gate.closed_by(999), verdict::Reason::FacingReflector);
    EXPECT_EQ(gate.closed_by(1000), verdict::Reason::Expired);
    gate.disarm();
    EXPECT_EQ(gate.closed_by(999), verdict::Reason::Disarmed);
    EXPECT_EQ(gate.closed_by(1000), verdict::Reason::Disarmed);
}

TEST(Gate, ArmingAndLinkChangesForgetTheReflector) {
    Gate gate;
    gate.face(verdict::Facing::Reflector);
    EXPECT_EQ(gate.facing(), verdict::Facing::Reflector);
    gate.arm();
    EXPECT_EQ(gate.closed_by(0), verdict::Reason::None);
    gate.face(verdict::Facing::Reflector);
    gate.forget_peer();
    EXPECT_EQ(gate.closed_by(0), verdict::Reason::None);
    gate.disarm();
    gate.forget_peer();
    EXPECT_EQ(gate.closed_by(0), verdict::Reason::Disarmed) << "a link change does not arm";
}

TEST(Gate, SendsChecksWhileItEchoesAndWhileItFacesAReflector) {
    Gate gate;
    gate.arm(1000);
    EXPECT_TRUE(gate.may_send_checks(0));
    gate.face(verdict::Facing::Reflector);
    EXPECT_TRUE(gate.may_send_checks(0));
    EXPECT_FALSE(gate.may_send_checks(1000));
    gate.disarm();
    EXPECT_FALSE(gate.may_send_checks(0));
}

}  // namespace
}  // namespace l2echo::echo
