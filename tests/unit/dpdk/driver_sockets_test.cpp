#include "dpdk/driver_sockets.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>

namespace l2echo::dpdk {
namespace {

using Sockets = std::vector<DriverSocket>;

TEST(DriverSockets, AreListedForServers) {
    EXPECT_EQ(driver_sockets({"--vdev=net_memif0,role=server,socket=/a,socket-abstract=no", "--vdev",
                              "net_vhost1,iface=/b,queues=2", "--vdev=net_virtio_user2,path=/c,server=1"}),
              (Sockets{{"net_memif0", "/a", SOCK_SEQPACKET},
                       {"net_vhost1", "/b", SOCK_STREAM},
                       {"net_virtio_user2", "/c", SOCK_STREAM}}));
}

TEST(DriverSockets, HaveDriverSpecificNamesAndDefaults) {
    EXPECT_EQ(driver_sockets({"--vdev=net_memif0,socket-abstract=no,role=master",
                              "--vdev=eth_vhost0,iface=/b", "--vdev=virtio_user0,server=1,path=/c"}),
              (Sockets{{"net_memif0", "/run/memif.sock", SOCK_SEQPACKET},
                       {"eth_vhost0", "/b", SOCK_STREAM},
                       {"virtio_user0", "/c", SOCK_STREAM}}));
}

TEST(DriverSockets, ExcludeClientsAbstractNamesAndOtherDrivers) {
    EXPECT_EQ(
        driver_sockets(
            {"--vdev=net_memif0,role=server,socket=/a",  // abstract unless the arguments say otherwise
             "--vdev=net_memif1,role=client,socket=/a,socket-abstract=no",
             "--vdev=net_memif2,socket=/a,socket-abstract=no", "--vdev=net_vhost0,iface=/b,client=1",
             "--vdev=net_virtio_user0,path=/c", "--vdev=net_null0", "--vdev=net_tap0,iface=x", "-l", "0"}),
        Sockets{});
}

TEST(DriverSockets, AreEmptyIfTheArgumentsDoNotParse) {
    EXPECT_EQ(driver_sockets({"--vdev=", "--vdev", ",", "--vdev=net_vhost0,", "--vdev=net_vhost0,=,iface"}),
              Sockets{});
}

}  // namespace
}  // namespace l2echo::dpdk
