#include "l2echo/machine/link.hpp"

#include <gtest/gtest.h>
#include <linux/if_arp.h>

namespace l2echo::machine {
namespace {

Link link(unsigned index, const std::string& kind, std::vector<unsigned> lowers, unsigned master = 0) {
    Link made;
    made.index = index;
    made.kind = kind;
    made.lowers = std::move(lowers);
    made.master = master;
    return made;
}

/// Links around interface 1.
struct Arrangement {
    const char* name;
    std::vector<Link> links;
    std::vector<unsigned> stack;
};

TEST(Link, FindsStackedInterfacesOfAnyKind) {
    const std::vector<Arrangement> arrangements{
        {"nothing stacked on it", {link(1, "", {}), link(2, "", {})}, {1}},
        {"missing", {link(2, "", {})}, {}},
        {"a member of a bridge that carries a VLAN",
         {link(1, "", {}, 2), link(2, "bridge", {}), link(3, "vlan", {2})},
         {1, 2, 3}},
        {"a member of a bond in a VRF",
         {link(1, "", {}, 2), link(2, "bond", {}, 3), link(3, "vrf", {})},
         {1, 2, 3}},
        {"below one of two macvlans",
         {link(1, "", {}), link(2, "macvlan", {1}), link(3, "macvlan", {4}), link(4, "", {})},
         {1, 2}},
        {"a port of an hsr", {link(1, "", {}), link(2, "", {}), link(3, "hsr", {1, 2})}, {1, 3}},
        {"a member of an Open vSwitch",
         {link(1, "", {}, 2), link(2, "openvswitch", {}), link(3, "openvswitch", {}), link(4, "", {})},
         {1, 2, 3}},
        {"a ring of links", {link(1, "", {2}), link(2, "", {1})}, {1, 2}},
    };
    for (const Arrangement& arrangement : arrangements) {
        std::vector<unsigned> stack;
        for (const Link& found : with_uppers(arrangement.links, 1))
            stack.push_back(found.index);
        EXPECT_EQ(stack, arrangement.stack) << arrangement.name;
    }
}

TEST(Link, FindsLoopback) {
    const auto loopback = find_link("lo");
    ASSERT_TRUE(loopback);
    EXPECT_EQ(loopback->name, "lo");
    EXPECT_TRUE(has_ethernet_header(*loopback));
    EXPECT_FALSE(find_link("no-such-if"));
}

TEST(Link, HardwareTypeTellsWhetherThereAreMacAddresses) {
    Link tun;
    for (const unsigned type :
         {ARPHRD_NONE, ARPHRD_PPP, ARPHRD_INFINIBAND, ARPHRD_TUNNEL, ARPHRD_IEEE80211_RADIOTAP}) {
        tun.hardware_type = type;
        EXPECT_FALSE(has_ethernet_header(tun)) << type;
    }
}

}  // namespace
}  // namespace l2echo::machine
