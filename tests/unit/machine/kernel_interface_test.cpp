#include "l2echo/machine/kernel_interface.hpp"

#include <gtest/gtest.h>

namespace l2echo::machine {
namespace {

TEST(KernelInterface, UnusedInterfaceMayBeTaken) {
    EXPECT_EQ(reason_to_leave({{}, false, false, {}}), "");
}

TEST(KernelInterface, EveryUseIsAReasonNotToTakeIt) {
    EXPECT_EQ(reason_to_leave({{"192.0.2.1 on eth0"}, false, false, {}}), "the address 192.0.2.1 on eth0");
    EXPECT_EQ(reason_to_leave({{}, true, false, {}}), "the default route");
    EXPECT_EQ(reason_to_leave({{"192.0.2.1 on br0"}, true, true, {}}),
              "an established SSH session and the default route and the address 192.0.2.1 on br0");
}

TEST(KernelInterface, LoopbackHasItsAddresses) {
    const KernelInterfaceUse use = read_kernel_interface_use("lo");
    ASSERT_FALSE(use.addresses.empty());
    EXPECT_EQ(use.addresses.front(), "127.0.0.1 on lo");
}

TEST(KernelInterface, MissingInterfaceIsNotInUse) {
    EXPECT_EQ(reason_to_leave(read_kernel_interface_use("no-such-if")), "");
}

}  // namespace
}  // namespace l2echo::machine
