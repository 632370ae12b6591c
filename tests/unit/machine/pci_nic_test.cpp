#include "l2echo/machine/pci_nic.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

namespace l2echo::machine {
namespace {

namespace fs = std::filesystem;

/// A folder laid out like /sys/bus/pci/devices.
class PciNicTest : public testing::Test {
  protected:
    PciNicTest() : root_(fs::temp_directory_path() / ("l2echo-pci-" + std::to_string(getpid()))) {
        fs::create_directories(devices());
    }
    ~PciNicTest() override { fs::remove_all(root_); }

    fs::path devices() const { return root_ / "devices"; }

    void add(const std::string& address, const std::string& pci_class, const std::string& driver,
             const std::string& group) const {
        const fs::path device = devices() / address;
        fs::create_directories(device);
        std::ofstream(device / "class") << pci_class << '\n';
        if (!driver.empty())
            fs::create_symlink("../../drivers/" + driver, device / "driver");
        if (group.empty())
            return;
        fs::create_directories(root_ / "groups" / group / "devices");
        fs::create_directory_symlink(root_ / "groups" / group, device / "iommu_group");
        fs::create_directory_symlink(device, root_ / "groups" / group / "devices" / address);
    }

    testing::AssertionResult explains(const std::string& words) const {
        const std::string text = explain_unused_nics(read_pci_nics(devices()));
        const bool found = text.find(words) != std::string::npos;
        return found ? testing::AssertionSuccess() : testing::AssertionFailure() << text;
    }

    fs::path root_;
};

TEST_F(PciNicTest, ListsOnlyNetworkFunctions) {
    add("0000:00:1f.2", "0x010601", "ahci", "1");
    EXPECT_TRUE(read_pci_nics(devices()).empty());
    EXPECT_EQ(explain_unused_nics({}), "");
    EXPECT_TRUE(read_pci_nics(devices() / "nowhere").empty());
}

TEST_F(PciNicTest, SuggestsBindingANicOfTheKernel) {
    add("0000:01:00.0", "0x020000", "virtio-pci", "1");
    fs::create_directories(devices() / "0000:01:00.0" / "virtio0" / "net" / "eth7");
    EXPECT_TRUE(
        explains("there is 0000:01:00.0 (eth7, driver virtio-pci); type: "
                 "sudo dpdk-devbind.py --bind=vfio-pci 0000:01:00.0"));
}

TEST_F(PciNicTest, DoesNotSuggestANicThatTheKernelNeeds) {
    add("0000:01:00.0", "0x020000", "ixgbe", "1");
    add("0000:02:00.0", "0x020000", "", "2");
    std::vector<PciNic> nics = read_pci_nics(devices());
    nics[0].reason_to_leave = "an SSH session";
    EXPECT_NE(explain_unused_nics(nics).find("--bind=vfio-pci 0000:02:00.0"), std::string::npos);
    nics.pop_back();
    EXPECT_EQ(explain_unused_nics(nics).find("--bind"), std::string::npos);
    EXPECT_NE(explain_unused_nics(nics).find("the kernel needs it (an SSH session)"), std::string::npos);
}

TEST_F(PciNicTest, SuggestsAnotherDriverWithoutAnIommu) {
    add("0000:01:00.0", "0x020000", "", "");
    EXPECT_TRUE(explains("no IOMMU"));
    EXPECT_TRUE(explains("--bind=uio_pci_generic 0000:01:00.0"));
}

TEST_F(PciNicTest, NamesTheOtherDevicesOfTheGroup) {
    add("0000:03:00.0", "0x060400", "pcieport", "5");
    add("0000:04:00.0", "0x020000", "vfio-pci", "5");
    add("0000:04:01.0", "0x020000", "", "5");
    EXPECT_TRUE(explains("0000:04:00.0 is bound to vfio-pci, but EAL did not take it"));
    add("0000:04:02.0", "0x010601", "ahci", "5");
    EXPECT_TRUE(
        explains("and 0000:04:02.0 is of the same group; type: "
                 "sudo dpdk-devbind.py --bind=vfio-pci 0000:04:02.0"));
}

}  // namespace
}  // namespace l2echo::machine
