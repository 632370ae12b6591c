#include "dpdk/startup_advice.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <string>

namespace l2echo::dpdk {
namespace {

constexpr std::uint64_t kAllCapabilities = ~std::uint64_t{0};

machine::HostLimits root_with_hugepages() {
    return {.hugepages_reserved = 512,
            .hugepages_free = 512,
            .hugetlbfs = "/dev/hugepages",
            .root = true,
            .capabilities = kAllCapabilities};
}

machine::HostLimits user_with_hugepages() {
    machine::HostLimits host = root_with_hugepages();
    host.root = false;
    host.capabilities = 0;
    return host;
}

FailedStart eal_failure(int error, std::string said, std::vector<std::string> arguments = {}) {
    return {.step = Step::Eal,
            .eal_arguments = std::move(arguments),
            .error = error,
            .said = std::move(said),
            .host = root_with_hugepages()};
}

void expect_in(const std::string& text, std::initializer_list<const char*> words) {
    for (const char* word : words)
        EXPECT_NE(text.find(word), std::string::npos) << word << " is not in: " << text;
}

void expect_not_in(const std::string& text, const char* word) {
    EXPECT_EQ(text.find(word), std::string::npos) << text;
}

constexpr const char* kRunTimeFolder =
    "EAL: Error creating '/var/run/dpdk': Read-only file system\n"
    "EAL: Cannot create runtime directory\n"
    "EAL: Invalid 'command line' arguments.\n";

TEST(MisreadVdev, LettersAfterADriverNameAreRefused) {
    EXPECT_EQ(
        explain_misread_vdev("net_tapp0", "net_tap"),
        "--vdev=net_tapp0: no driver has this name, but EAL would take it for a net_tap; write net_tap0");
    EXPECT_NE(explain_misread_vdev("net_memiff12", "net_memif").find("write net_memif12"), std::string::npos);
    EXPECT_NE(explain_misread_vdev("eth_nullX", "net_null").find("write eth_null0"), std::string::npos);
    EXPECT_NE(explain_misread_vdev("virtio_users0", "net_virtio_user").find("write virtio_user0"),
              std::string::npos);
}

TEST(MisreadVdev, NamesOfDriversAndAliasesAreRight) {
    for (const auto& [name, driver] : {std::pair{"net_tap0", "net_tap"},
                                       {"net_tap", "net_tap"},
                                       {"net_tap_foo", "net_tap"},
                                       {"net_tap0foo", "net_tap"},
                                       {"eth_tap1", "net_tap"},
                                       {"virtio_user0", "net_virtio_user"},
                                       {"eth_bond0", "net_bonding"},
                                       {"net_virtio_user7", "net_virtio_user"},
                                       {"net_pcap-a", "net_pcap"},
                                       {"net_tun0", "net_tun"}})
        EXPECT_EQ(explain_misread_vdev(name, driver), "");
}

TEST(EalFailure, ReportsTheReasonFromTheLog) {
    const std::string text = explain_eal_failure(eal_failure(EINVAL, kRunTimeFolder));
    expect_in(text, {"EAL did not start: /var/run/dpdk", "read-only", "--no-shconf"});
    expect_not_in(text, "arguments");
}

TEST(EalFailure, OptionalFilesAreNotTheReason) {
    const std::string text = explain_eal_failure(
        eal_failure(EINVAL,
                    "EAL: Error creating '/var/run/dpdk': Read-only file system\n"
                    "EAL: No DPDK runtime directory created\n"
                    "EAL: Options -m and --socket-mem cannot be specified at the same time\n"
                    "EAL: Invalid 'command line' arguments.\n",
                    {"--no-shconf"}));
    expect_in(text, {"its arguments (Options -m and --socket-mem cannot be specified at the same time)"});
}

TEST(EalFailure, ArgumentThatGetoptRejectsIsReportedFirst) {
    expect_in(explain_eal_failure(eal_failure(EINVAL, "EAL: Invalid 'command line' arguments.\n")),
              {"does not accept its arguments (see above)", "before --"});
}

TEST(EalFailure, QuotesTheLastReasonIfNoneIsKnown) {
    expect_in(
        explain_eal_failure(eal_failure(EFAULT, "EAL: Cannot init trace, really\nEAL: something odd\n")),
        {"EAL did not start: something odd; its own lines above say more"});
    expect_in(explain_eal_failure(eal_failure(EFAULT, "EAL: Cannot init trace\n")), {"Bad address"});
}

TEST(EalFailure, ReportsThatAnotherProcessUsesTheFiles) {
    expect_in(
        explain_eal_failure(eal_failure(
            0,
            "EAL: Cannot create lock on '/var/run/dpdk/rte/config'. Is another primary process running?\n"
            "EAL: Cannot init config\n")),
        {"another DPDK process has /var/run/dpdk/rte/config", "--file-prefix"});
}

TEST(EalFailure, HugepagesAreBlamedOnlyIfRequired) {
    FailedStart failed = eal_failure(EACCES, "EAL: Cannot get hugepage information.\n", {"-l", "0-3"});
    failed.host.hugepages_reserved = failed.host.hugepages_free = 0;
    expect_in(explain_eal_failure(failed),
              {"no hugepages are reserved; type: sudo dpdk-hugepages.py --reserve 512M --mount "});
    failed.eal_arguments = {"--no-huge", "-m", "32"};
    failed.said = "EAL: Cannot init memory\n";
    expect_not_in(explain_eal_failure(failed), "hugepage");
    expect_in(explain_eal_failure(failed), {"-m is more memory"});
}

TEST(EalFailure, ReportsHugepagesThatThisUserMayNotUse) {
    FailedStart failed =
        eal_failure(ENOMEM,
                    "EAL: get_seg_fd(): open '/dev/hugepages/rtemap_0' failed: Permission denied\n"
                    "EAL: Couldn't get fd on hugepage file\nEAL: error allocating rte services array\n"
                    "EAL: rte_service_init() failed\n");
    failed.host = user_with_hugepages();
    expect_in(explain_eal_failure(failed), {"may not write to /dev/hugepages", "chmod 1777 /dev/hugepages"});
}

TEST(EalFailure, SudoIsAdvisedOnlyIfSomethingIsDenied) {
    FailedStart failed = eal_failure(EACCES, "");
    failed.host = user_with_hugepages();
    expect_in(explain_eal_failure(failed), {"sudo"});
    failed.error = EFAULT;
    expect_not_in(explain_eal_failure(failed), "sudo");
}

TEST(EalFailure, CoversFailuresThatATestCannotCause) {
    expect_in(explain_eal_failure(eal_failure(ENOTSUP, "EAL: unsupported cpu type.\n")),
              {"this CPU", "-cpu host"});
    expect_in(explain_eal_failure(eal_failure(
                  EINVAL, "EAL: Cannot use IOVA as 'PA' since physical addresses are not available\n")),
              {"physical addresses", "sudo", "IOMMU"});
    expect_in(explain_eal_failure(eal_failure(
                  EAGAIN, "EAL: Cannot open VFIO container /dev/vfio/vfio, error 13 (Permission denied)\n")),
              {"may not open /dev/vfio/vfio;", "chmod 666 /dev/vfio/vfio"});
    expect_in(explain_eal_failure(
                  eal_failure(EINVAL, "EAL: pmd.so: undefined symbol: rte_free\nEAL: Cannot init plugins\n")),
              {"pmd.so", "undefined symbol: rte_free", "was not built for"});
    expect_in(explain_eal_failure(eal_failure(0, "EAL: Cannot resize '/run/c' for rte_mem_config\n")),
              {"space", "/run/c"});
}

FailedStart device_failure(std::string said, std::vector<std::string> missing = {}) {
    return {.step = Step::Devices,
            .said = std::move(said),
            .missing = std::move(missing),
            .host = user_with_hugepages()};
}

const machine::PciNic kBound{"0000:01:00.0", "vfio-pci", "", "", true, {}};

TEST(NoPorts, ReportsAnInaccessibleVfioGroupFile) {
    expect_in(explain_no_ports(device_failure("EAL: Cannot open /dev/vfio/12: Permission denied\n"
                                              "EAL: Failed to open VFIO group 12\n"),
                               {kBound}),
              {"no port: ", "may not open /dev/vfio/12,", "chown $USER /dev/vfio/12"});
    expect_in(
        explain_no_ports(device_failure("EAL: Cannot open /dev/vfio/noiommu-0: Device or resource busy\n"),
                         {kBound}),
        {"another program has /dev/vfio/noiommu-0", "-a ADDRESS"});
    expect_in(explain_no_ports(device_failure("EAL: Cannot open /dev/uio0: Permission denied\n"), {kBound}),
              {"/dev/uio0", "vfio-pci"});
}

TEST(NoPorts, ReportsTheLockedMemoryLimit) {
    FailedStart failed = device_failure(
        "EAL: Cannot set up DMA remapping, error 12 (Cannot allocate memory)\n"
        "EAL: 0000:01:00.0 DMA remapping failed, error 12 (Cannot allocate memory)\n"
        "EAL: Requested device 0000:01:00.0 cannot be used\n");
    expect_in(explain_no_ports(failed, {kBound}), {"lock", "ulimit -l", "LimitMEMLOCK=", "CAP_IPC_LOCK"});
    failed.host.capabilities = std::uint64_t{1} << CAP_IPC_LOCK;
    expect_not_in(explain_no_ports(failed, {kBound}), "ulimit -l");
}

TEST(NoPorts, ReportsAMissingNic) {
    FailedStart failed = device_failure("");
    failed.eal_arguments = {"-a", "02:00.0,queues=4"};
    expect_in(explain_no_ports(failed, {kBound}), {"no NIC 0000:02:00.0"});
    failed.eal_arguments = {"-a", "01:00.0"};
    expect_not_in(explain_no_ports(failed, {kBound}), "no NIC");
}

TEST(NoPorts, SayHowToGetOne) {
    expect_in(explain_no_ports(device_failure(""), {}), {"--bind=vfio-pci"});
    const machine::PciNic nic{"0000:01:00.0", "ixgbe", "eth0", "", true, {}};
    FailedStart failed = device_failure("");
    expect_in(explain_no_ports(failed, {nic}), {"eth0, driver ixgbe"});
    failed.eal_arguments = {"--no-pci"};
    expect_not_in(explain_no_ports(failed, {nic}), "eth0");
}

TEST(MissingDevice, UnknownReasonQuotesTheDriver) {
    expect_in(
        explain_missing_device(device_failure("memif_set_role(): Unknown role: boss.\n"
                                              "vdev_probe(): failed to initialize net_memif0 device\n"
                                              "EAL: Bus (vdev) probe failed.\n"
                                              "TELEMETRY: No legacy callbacks, legacy socket not created\n",
                                              {"net_memif0"})),
        {"EAL could not create net_memif0: its driver says: Unknown role: boss.; "});
    expect_in(explain_missing_device(
                  device_failure("vdev_probe(): failed to initialize net_null0 device\n", {"net_null0"})),
              {"does not say why"});
    expect_in(explain_missing_device(device_failure(
                  "a_probe(): first is odd\nvdev_probe(): failed to initialize net_a0 device\n"
                  "b_probe(): second is odd\nvdev_probe(): failed to initialize net_b0 device\n",
                  {"net_a0"})),
              {"its driver says: first is odd;"});
    expect_in(explain_missing_device(
                  device_failure("a_probe(): first is odd\nvdev_probe(): failed to initialize net_a0 device\n"
                                 "vdev_probe(): failed to initialize net_b0 device\n",
                                 {"net_b0"})),
              {"does not say why"});
}

TEST(MissingDevice, TheReasonOfATapIsBeforeTheLineThatOnlyNamesTheStep) {
    expect_in(explain_missing_device(device_failure(
                  "set_interface_name(): TAP invalid remote interface name (abcdefghijklmnopqrstuvwxy)\n"
                  "rte_pmd_tap_probe(): Failed to create pmd for net_tap0 as dtap%d\n"
                  "vdev_probe(): failed to initialize net_tap0 device\n",
                  {"net_tap0"})),
              {"its driver says: TAP invalid remote interface name (abcdefghijklmnopqrstuvwxy);"});
}

TEST(MissingDevice, OnlyLinesAboutItsDriverCount) {
    expect_not_in(
        explain_missing_device(device_failure("Unable to open /dev/net/tun interface\n", {"net_pcap0"})),
        "modprobe");
    expect_in(explain_missing_device(device_failure(
                  "PACKET_FANOUT: could not set PACKET_FANOUT on AF_PACKET socket\n", {"net_af_packet0"})),
              {"CAP_NET_RAW"});
    FailedStart root = device_failure(
        "net_af_packet0: could not set PACKET_FANOUT on AF_PACKET socket for veth0\n", {"net_af_packet0"});
    root.host = root_with_hugepages();
    expect_in(explain_missing_device(root), {"fan-out group", "start it again"});
}

TEST(PortFailure, KnownCauseReplacesTheErrorNumber) {
    const auto explain = [](int error, std::string said, std::string driver) {
        return explain_port_failure("port 0 (a): rte_eth_dev_start", {.step = Step::Port,
                                                                      .error = error,
                                                                      .said = std::move(said),
                                                                      .driver = std::move(driver),
                                                                      .host = root_with_hugepages()});
    };
    EXPECT_EQ(explain(1, "memif_connect_client(): Failed to connect socket: /run/m.sock.\n", "net_memif"),
              "port 0 (a): rte_eth_dev_start: no memif server listens on /run/m.sock; "
              "start the server (role=server) first, with the same socket= and socket-abstract=");
    expect_in(explain(22, "ice_foo(): no queue is left\nPort0 dev_configure = -22\n", "net_ice"),
              {"rte_eth_dev_start: Invalid argument; its driver says: no queue is left"});
    EXPECT_EQ(explain(1, "", "net_ice"),
              "port 0 (a): rte_eth_dev_start: failed, or not permitted; "
              "its driver does not say why: check the arguments of the device");
}

TEST(LinkDown, ReportsThatAMemifClientDoesNotReconnect) {
    for (const char* arguments : {"", "role=client,socket=/run/m.sock", "role=slave"})
        expect_in(advice_for_link_down("net_memif", arguments), {"; a memif client does not", "start this"});
    EXPECT_EQ(advice_for_link_down("net_memif", "socket=/run/m.sock,role=server"), "");
    EXPECT_EQ(advice_for_link_down("net_tap", "role=client"), "");
}

TEST(RequestedVdevs, AreNamedWithoutTheirArguments) {
    EXPECT_EQ(requested_vdevs({"-l", "0", "--vdev", "net_tap0,iface=x", "--vdev=net_null0"}),
              (std::vector<std::string>{"net_tap0", "net_null0"}));
    EXPECT_TRUE(requested_vdevs({"--vdev"}).empty());
}

}  // namespace
}  // namespace l2echo::dpdk
