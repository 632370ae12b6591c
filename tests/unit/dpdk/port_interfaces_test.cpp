#include "dpdk/port_interfaces.hpp"

#include <gtest/gtest.h>

namespace l2echo::dpdk {
namespace {

TEST(PortInterfaces, AreReadFromDeviceArguments) {
    using Names = std::vector<std::string>;
    EXPECT_EQ(interfaces_in("iface=echo0,remote=eth0", {"remote"}), Names{"eth0"});
    EXPECT_EQ(interfaces_in("iface=remote", {"remote"}), Names{});
    EXPECT_EQ(interfaces_in("rx_iface=eth0,rx_iface=eth1,tx_iface=eth2", {"rx_iface", "tx_iface"}),
              (Names{"eth0", "eth1", "eth2"}));
    EXPECT_EQ(interfaces_in("", {"remote"}), Names{});
}

}  // namespace
}  // namespace l2echo::dpdk
