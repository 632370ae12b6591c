#include "dpdk/startup_advice.hpp"

#include <gtest/gtest.h>

#include <cerrno>

namespace l2echo::dpdk {
namespace {

bool mentions(const std::string& text, const std::string& words) {
    return text.find(words) != std::string::npos;
}

TEST(EalFailure, NoHugepagesSaysWhatToType) {
    const std::string text = explain_eal_failure({"-l", "0-3"}, EACCES, {0, 0, true});
    EXPECT_TRUE(
        mentions(text, "no hugepages are reserved; type: sudo dpdk-hugepages.py --reserve 512M --mount "))
        << text;
}

TEST(EalFailure, HugepagesAreNotBlamedWhenNotAskedFor) {
    EXPECT_FALSE(mentions(explain_eal_failure({"--no-huge"}, EACCES, {0, 0, true}), "hugepages"));
}

TEST(EalFailure, WithoutRootItIsThePermission) {
    EXPECT_TRUE(mentions(explain_eal_failure({}, EACCES, {512, 512, false}), "sudo"));
}

TEST(EalFailure, AllHugepagesInUse) {
    EXPECT_TRUE(mentions(explain_eal_failure({}, ENOMEM, {512, 0, true}), "all hugepages are in use"));
}

TEST(EalFailure, ABadArgumentAnUnknownDeviceAndAnotherProcess) {
    EXPECT_TRUE(mentions(explain_eal_failure({}, EINVAL, {512, 512, true}), "does not accept its arguments"));
    EXPECT_TRUE(mentions(explain_eal_failure({"--vdev=net_foo"}, ENODEV, {}), "net_foo"));
    EXPECT_TRUE(mentions(explain_eal_failure({}, 0, {512, 512, true}), "--file-prefix"));
}

TEST(RequestedVdevs, AreNamedWithoutTheirArguments) {
    EXPECT_EQ(requested_vdevs({"-l", "0", "--vdev", "net_tap0,iface=x", "--vdev=net_null0"}),
              (std::vector<std::string>{"net_tap0", "net_null0"}));
    EXPECT_TRUE(requested_vdevs({"--vdev"}).empty());
}

TEST(NoPorts, SaysHowToGetOne) {
    EXPECT_TRUE(mentions(explain_no_ports({}, {0, 0, true}, {}), "--bind=vfio-pci"));
    const machine::PciNic nic{"0000:01:00.0", "ixgbe", "eth0", "", true, {}};
    EXPECT_TRUE(mentions(explain_no_ports({}, {0, 0, true}, {nic}), "eth0, driver ixgbe"));
    EXPECT_FALSE(mentions(explain_no_ports({"--no-pci"}, {0, 0, true}, {nic}), "eth0"));
    EXPECT_TRUE(
        mentions(explain_no_ports({"--vdev", "net_tap0"}, {0, 0, false}, {}), "could not create net_tap0"));
    EXPECT_TRUE(mentions(explain_no_ports({"--vdev", "net_tap0"}, {0, 0, false}, {}), "sudo"));
}

}  // namespace
}  // namespace l2echo::dpdk
