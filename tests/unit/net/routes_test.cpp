#include "l2echo/net/routes.hpp"

#include <gtest/gtest.h>

#include <functional>

#include "l2echo/process/error.hpp"
#include "l2echo/wire/neighbor_discovery.hpp"
#include "test_addresses.hpp"

namespace l2echo::net {
namespace {

using namespace packets;
using wire::IpAddress;

/// An IPv6 address from its first words and its last.
IpAddress ip6(std::initializer_list<unsigned> first, unsigned last) {
    Bytes bytes;
    for (const unsigned value : first)
        bytes = join({bytes, word(value)});
    bytes.resize(14);
    return v6(join({bytes, word(last)}));
}
const IpAddress kFirst = v4({192, 0, 2, 1});
const IpAddress kSecond = v4({198, 51, 100, 130});
const IpAddress kGateway = v4({192, 0, 2, 254});
const IpAddress kOwn6 = ip6({0x2001, 0xDB8}, 1);
const IpAddress kUnique6 = ip6({0xFD00, 1}, 1);
const IpAddress kLocal6 = ip6({0xFE80}, 1);
const IpAddress kGateway6 = ip6({0xFE80}, 0xFE);

Routes routes() {
    return Routes({.addresses = {{kFirst, 24}, {kSecond, 25}, {kLocal6, 64}, {kOwn6, 64}, {kUnique6, 48}},
                   .on_link = {{v4({203, 0, 113, 0}), 28}, {ip6({0x2001, 0xDB8, 5}, 0), 64}},
                   .ipv4_gateway = kGateway,
                   .ipv6_gateway = kGateway6});
}

TEST(Prefix, ContainsWhatBeginsWithItsBits) {
    EXPECT_TRUE(contains({kFirst, 24}, v4({192, 0, 2, 255})));
    EXPECT_FALSE(contains({kFirst, 24}, v4({192, 0, 3, 1})));
    EXPECT_TRUE(contains({kFirst, 0}, v4({8, 8, 8, 8})));
    EXPECT_FALSE(contains({kFirst, 0}, kOwn6));
    EXPECT_TRUE(contains({kFirst, 32}, kFirst));
    EXPECT_FALSE(contains({kFirst, 32}, v4({192, 0, 2, 0})));
    EXPECT_TRUE(contains({kOwn6, 127}, ip6({0x2001, 0xDB8}, 0)));
}

TEST(Routes, KnowEachDestination) {
    const Routes known = routes();
    const auto solicited = wire::solicited_node_address(kOwn6);
    for (const auto& [address, kind] : std::vector<std::pair<IpAddress, Destination>>{
             {kFirst, Destination::Ours},
             {kSecond, Destination::Ours},
             {kOwn6, Destination::Ours},
             {kLocal6, Destination::Ours},
             {v4({255, 255, 255, 255}), Destination::Broadcast},
             {v4({192, 0, 2, 255}), Destination::Broadcast},
             {v4({198, 51, 100, 255}), Destination::Broadcast},
             {v4({198, 51, 100, 127}), Destination::Foreign},
             {v4({203, 0, 113, 15}), Destination::Foreign},
             {v4({224, 0, 0, 1}), Destination::Multicast},
             {v4({224, 0, 0, 251}), Destination::Foreign},
             {wire::all_nodes_address(), Destination::Multicast},
             {solicited, Destination::Multicast},
             {wire::solicited_node_address(ip6({0x2001, 0xDB8}, 2)), Destination::Foreign},
             {v4({192, 0, 2, 2}), Destination::Foreign},
             {ip6({0x2001, 0xDB8}, 2), Destination::Foreign},
             {IpAddress{}, Destination::Foreign},
         })
        EXPECT_EQ(known.kind_of(address), kind) << testing::PrintToString(address.bytes);
}

TEST(Routes, WithPrefixesOf31And32BitsHaveNoBroadcast) {
    const Routes known({.addresses = {{v4({10, 0, 0, 1}), 31}, {v4({10, 0, 1, 255}), 32}},
                        .on_link = {},
                        .ipv4_gateway = {},
                        .ipv6_gateway = {}});
    EXPECT_EQ(known.kind_of(v4({10, 0, 0, 1})), Destination::Ours);
    EXPECT_FALSE(known.is_broadcast(v4({10, 0, 0, 1})));
    EXPECT_FALSE(known.is_broadcast(v4({10, 0, 1, 255})));
    EXPECT_TRUE(known.is_acceptable_source(v4({10, 0, 0, 0}))) << "the other end";
}

TEST(Routes, RefuseSourcesThatNoHostCanHave) {
    const Routes known = routes();
    for (const IpAddress& source :
         {v4({0, 0, 0, 0}), v4({0, 1, 2, 3}), v4({127, 0, 0, 1}), v4({224, 0, 0, 1}), v4({239, 1, 2, 3}),
          v4({240, 0, 0, 1}), v4({255, 255, 255, 255}), v4({192, 0, 2, 255}), v4({192, 0, 2, 0}), kFirst,
          kSecond, kNobody6, ip6({}, 1), wire::all_nodes_address(), kOwn6,
          ip6({0, 0, 0, 0, 0, 0xFFFF, 0xC000}, 0x201), IpAddress{}})
        EXPECT_FALSE(known.is_acceptable_source(source)) << testing::PrintToString(source.bytes);
    for (const IpAddress& source :
         {v4({1, 0, 0, 0}), v4({192, 0, 2, 2}), v4({223, 255, 255, 255}), v4({169, 254, 1, 1}),
          v4({198, 51, 100, 127}), ip6({0x2001, 0xDB8}, 2), ip6({0xFE80}, 2), ip6({0xFD00}, 2)})
        EXPECT_TRUE(known.is_acceptable_source(source)) << testing::PrintToString(source.bytes);
}

TEST(Routes, SendToNeighboursDirectlyAndToOthersByTheGateway) {
    const Routes known = routes();
    const auto hop = [&known](const IpAddress& to) { return known.next_hop(to); };
    EXPECT_EQ(hop(v4({192, 0, 2, 7})), v4({192, 0, 2, 7}));
    EXPECT_EQ(hop(v4({203, 0, 113, 14})), v4({203, 0, 113, 14}));
    EXPECT_EQ(hop(v4({203, 0, 113, 16})), kGateway);
    EXPECT_EQ(hop(v4({169, 254, 9, 9})), v4({169, 254, 9, 9}));
    EXPECT_EQ(hop(v4({8, 8, 8, 8})), kGateway);
    EXPECT_EQ(hop(ip6({0x2001, 0xDB8, 5}, 9)), ip6({0x2001, 0xDB8, 5}, 9));
    EXPECT_EQ(hop(ip6({0x2001, 0xDB8, 6}, 9)), kGateway6);
    EXPECT_EQ(hop(ip6({0xFE80}, 7)), ip6({0xFE80}, 7));
    for (const IpAddress& nobody :
         {kFirst, v4({192, 0, 2, 255}), v4({224, 0, 0, 1}), kNobody6, v4({127, 0, 0, 1})})
        EXPECT_EQ(hop(nobody), std::nullopt);
    const Routes alone({.addresses = {{kFirst, 24}}, .on_link = {}, .ipv4_gateway = {}, .ipv6_gateway = {}});
    EXPECT_EQ(alone.next_hop(v4({8, 8, 8, 8})), std::nullopt);
    EXPECT_EQ(alone.next_hop(ip6({0xFE80}, 7)), std::nullopt) << "no IPv6 address of ours";
}

TEST(Routes, ChooseTheSourceByScopeThenByPrefix) {
    const Routes known = routes();
    const auto source = [&known](const IpAddress& to) { return known.source_for(to); };
    EXPECT_EQ(source(v4({192, 0, 2, 9})), kFirst);
    EXPECT_EQ(source(v4({198, 51, 100, 200})), kSecond);
    EXPECT_EQ(source(v4({198, 51, 100, 1})), kFirst) << "behind the gateway, whose prefix counts first";
    EXPECT_EQ(source(v4({255, 255, 255, 255})), kFirst);
    EXPECT_EQ(source(ip6({0xFE80}, 9)), kLocal6);
    EXPECT_EQ(source(wire::all_nodes_address()), kLocal6);
    EXPECT_EQ(source(ip6({0x2001, 0xDB8, 7}, 9)), kOwn6);
    EXPECT_EQ(source(ip6({0xFD00, 1, 3}, 9)), kUnique6);
    EXPECT_EQ(source(kOwn6), kOwn6);
    const Routes local_alone(
        {.addresses = {{kLocal6, 64}}, .on_link = {}, .ipv4_gateway = {}, .ipv6_gateway = {}});
    EXPECT_EQ(local_alone.source_for(ip6({0x2001}, 9)), kLocal6) << "better than none";
    EXPECT_EQ(local_alone.source_for(kFirst), std::nullopt);
}

TEST(Routes, RefuseSettingsThatCannotWork) {
    const auto message = [](const RouteSettings& settings) -> std::string {
        try {
            const Routes built(settings);
        } catch (const process::StartupError& error) {
            return error.what();
        }
        return "";
    };
    const auto with_address = [&](const IpAddress& address, std::uint8_t length) {
        return message(
            {.addresses = {{address, length}}, .on_link = {}, .ipv4_gateway = {}, .ipv6_gateway = {}});
    };
    EXPECT_EQ(with_address(kFirst, 24), "");
    EXPECT_NE(with_address(kFirst, 33).find("192.0.2.1/33: the prefix has at most 32 bits"),
              std::string::npos);
    EXPECT_NE(with_address(v4({192, 0, 2, 255}), 24), "");
    EXPECT_NE(with_address(v4({192, 0, 2, 0}), 24), "");
    EXPECT_EQ(with_address(v4({192, 0, 2, 0}), 31), "");
    EXPECT_NE(with_address(v4({127, 0, 0, 1}), 8), "");
    EXPECT_NE(with_address(v4({224, 0, 0, 1}), 24), "");
    EXPECT_NE(with_address(kNobody6, 64).find("0:0:0:0:0:0:0:0/64"), std::string::npos);
    EXPECT_NE(with_address(IpAddress{}, 0), "");
    const auto with_gateway = [&](const IpAddress& gateway) {
        return message(
            {.addresses = {{kFirst, 24}}, .on_link = {}, .ipv4_gateway = gateway, .ipv6_gateway = {}});
    };
    EXPECT_EQ(with_gateway(kGateway), "");
    EXPECT_NE(with_gateway(v4({192, 0, 3, 1})).find("must be in the prefix"), std::string::npos);
    EXPECT_NE(with_gateway(kFirst).find("another host"), std::string::npos);
    EXPECT_NE(with_gateway(kGateway6).find("must be an IPv4 address"), std::string::npos);
}

}  // namespace
}  // namespace l2echo::net
