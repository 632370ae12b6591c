#include "l2echo/device/kernel_interface.hpp"

#include <gtest/gtest.h>

namespace l2echo {
namespace {

TEST(KernelInterface, OneThatTheKernelDoesNotNeedMayBeTaken) {
    EXPECT_EQ(reason_to_leave({"eth1", {}, false, false}), "");
}

TEST(KernelInterface, EachUseIsAReasonToLeaveIt) {
    EXPECT_EQ(reason_to_leave({"eth0", {"192.0.2.1 on eth0"}, false, false}),
              "the address 192.0.2.1 on eth0");
    EXPECT_EQ(reason_to_leave({"eth0", {}, true, false}), "the default route");
    EXPECT_EQ(reason_to_leave({"eth0", {"192.0.2.1 on br0"}, true, true}),
              "an established SSH session and the default route and the address 192.0.2.1 on br0");
}

TEST(KernelInterface, LoopbackCarriesItsAddresses) {
    const KernelInterfaceUse use = read_kernel_interface_use("lo");
    ASSERT_FALSE(use.addresses.empty());
    EXPECT_EQ(use.addresses.front(), "127.0.0.1 on lo");
}

TEST(KernelInterface, OneThatDoesNotExistIsNotUsed) {
    EXPECT_EQ(reason_to_leave(read_kernel_interface_use("no-such-if")), "");
}

TEST(KernelInterface, ATapWithARemoteTakesTheRemotesFrames) {
    EXPECT_EQ(tap_remote("iface=echo0,remote=eth0"), "eth0");
    EXPECT_EQ(tap_remote("remote=eth1"), "eth1");
    EXPECT_EQ(tap_remote("iface=remote"), std::nullopt);
    EXPECT_EQ(tap_remote(""), std::nullopt);
}

}  // namespace
}  // namespace l2echo
