#include "l2echo/wire/neighbor_discovery.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <optional>

#include "exact_bytes.hpp"
#include "test_addresses.hpp"

namespace l2echo::wire {
namespace {

using namespace packets;

Bytes neighbor_message(unsigned type, const Bytes& flags, const Bytes& options, unsigned code = 0) {
    return join({byte(type), byte(code), word(0), flags, kOur6, options});
}
Bytes solicitation(const Bytes& options) {
    return neighbor_message(135, Bytes(4), options);
}
const Bytes kSourceMac = join({{1, 1}, kTester});
const Bytes kTargetMac = join({{2, 1}, kTester});
const Bytes kNonce{14, 1, 1, 2, 3, 4, 5, 6};

HeaderFault solicitation_fault(const Bytes& bytes) {
    NeighborSolicitation found;
    return read_exactly(bytes, found).fault;
}
template <typename Message>
Bytes bytes_of(const Message& message) {
    std::array<std::byte, kMaxNeighborMessageLength> to;
    const std::uint32_t length = write_header(message, to.data());
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(to.data());
    return {bytes, bytes + length};
}

TEST(NeighborSolicitation, IsReadWithItsOptions) {
    NeighborSolicitation found;
    EXPECT_EQ(read_exactly(solicitation({}), found).length, 24);
    EXPECT_EQ(found, (NeighborSolicitation{v6(kOur6), std::nullopt, std::nullopt}));
    const Bytes unknown = join({{99, 2}, Bytes(14)});
    const Bytes all = solicitation(join({kSourceMac, unknown, kNonce}));
    EXPECT_EQ(read_exactly(all, found).length, all.size());
    EXPECT_EQ(found, (NeighborSolicitation{v6(kOur6), kTesterMac, 0x0102'0304'0506}));
}

TEST(NeighborSolicitation, SkipsANonceOfAnotherLength) {
    NeighborSolicitation found;
    ASSERT_TRUE(read_exactly(solicitation(join({{14, 2}, Bytes(14)})), found));
    EXPECT_FALSE(found.nonce);
}

TEST(NeighborMessages, AreRefusedWithTheReason) {
    EXPECT_EQ(solicitation_fault({}), HeaderFault::Truncated);
    EXPECT_EQ(solicitation_fault(Bytes(23)), HeaderFault::Truncated);
    EXPECT_EQ(solicitation_fault(neighbor_message(136, Bytes(4), {})), HeaderFault::Version);
    EXPECT_EQ(solicitation_fault(neighbor_message(135, Bytes(4), {}, 1)), HeaderFault::Version);
    EXPECT_EQ(solicitation_fault(solicitation({1, 0, 0, 0, 0, 0, 0, 0})), HeaderFault::Option) << "no length";
    EXPECT_EQ(solicitation_fault(solicitation(join({{1, 2}, Bytes(14)}))), HeaderFault::Option)
        << "a longer MAC";
    EXPECT_EQ(solicitation_fault(solicitation(join({{99, 2}, Bytes(6)}))), HeaderFault::Option)
        << "beyond the end";
    EXPECT_EQ(solicitation_fault(solicitation({99})), HeaderFault::Option) << "half an option";
    NeighborAdvertisement advertisement;
    EXPECT_EQ(read_exactly(solicitation({}), advertisement).fault, HeaderFault::Version);
}

TEST(NeighborAdvertisement, HasEachFlagAtItsBit) {
    const auto read_flags = [](unsigned flags) {
        NeighborAdvertisement found;
        EXPECT_TRUE(read_exactly(
            neighbor_message(136, {static_cast<std::uint8_t>(flags), 0, 0, 0}, kTargetMac), found));
        EXPECT_EQ(found.target_mac, kTesterMac);
        return found;
    };
    EXPECT_TRUE(read_flags(0x80).from_router);
    EXPECT_TRUE(read_flags(0x40).solicited);
    EXPECT_TRUE(read_flags(0x20).overrides);
    const NeighborAdvertisement none = read_flags(0x1F);
    EXPECT_FALSE(none.from_router || none.solicited || none.overrides);
}

TEST(NeighborMessages, AreReadAsTheyWereWritten) {
    const std::optional<MacAddress> mac = kTesterMac;
    const std::optional<std::uint64_t> nonce = 0xFFFF'FFFF'FFFE;
    for (const auto& one :
         {NeighborSolicitation{v6(kOur6), {}, {}}, NeighborSolicitation{v6(kOur6), mac, {}},
          NeighborSolicitation{v6(kOur6), {}, nonce}, NeighborSolicitation{v6(kOur6), mac, nonce}}) {
        NeighborSolicitation again;
        EXPECT_EQ(read_exactly(bytes_of(one), again).length, bytes_of(one).size());
        EXPECT_EQ(again, one);
    }
    for (unsigned bits = 0; bits < 16; ++bits) {
        const NeighborAdvertisement one{v6(kOur6), (bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0,
                                        (bits & 8) != 0 ? mac : std::nullopt};
        NeighborAdvertisement again;
        EXPECT_EQ(read_exactly(bytes_of(one), again).length, bytes_of(one).size());
        EXPECT_EQ(again, one);
    }
    EXPECT_EQ(bytes_of(NeighborAdvertisement{v6(kOur6), false, true, true, mac}),
              neighbor_message(136, {0x60, 0, 0, 0}, kTargetMac));
}

TEST(NeighborSolicitation, IsValidAsRfc4861Section711Says) {
    const NeighborSolicitation plain{v6(kOur6), {}, {}};
    const NeighborSolicitation with_mac{v6(kOur6), kTesterMac, {}};
    const auto packet = [](const IpAddress& source, const IpAddress& destination, std::uint8_t hops = 255) {
        return Ipv6Header{.source = source, .destination = destination, .hop_limit = hops};
    };
    EXPECT_TRUE(is_valid(with_mac, packet(v6(kTester6), v6(kSolicited6))));
    EXPECT_TRUE(is_valid(plain, packet(v6(kTester6), v6(kOur6))));
    EXPECT_TRUE(is_valid(plain, packet(kNobody6, v6(kSolicited6))));
    EXPECT_FALSE(is_valid(with_mac, packet(kNobody6, v6(kSolicited6)))) << "nobody has a MAC address";
    EXPECT_FALSE(is_valid(plain, packet(kNobody6, v6(kOur6)))) << "nobody knows our MAC address";
    EXPECT_FALSE(is_valid(plain, packet(v6(kTester6), v6(kOur6), 254)));
    EXPECT_FALSE(is_valid(plain, packet(v6(kSolicited6), v6(kOur6))));
    EXPECT_FALSE(is_valid(NeighborSolicitation{v6(kSolicited6), {}, {}}, packet(v6(kTester6), v6(kOur6))));
}

TEST(NeighborAdvertisement, IsValidAsRfc4861Section712Says) {
    const NeighborAdvertisement solicited{v6(kTester6), false, true, true, kTesterMac};
    const NeighborAdvertisement unsolicited{v6(kTester6), false, false, true, kTesterMac};
    const auto packet = [](const IpAddress& source, const IpAddress& destination, std::uint8_t hops = 255) {
        return Ipv6Header{.source = source, .destination = destination, .hop_limit = hops};
    };
    EXPECT_TRUE(is_valid(solicited, packet(v6(kTester6), v6(kOur6))));
    EXPECT_TRUE(is_valid(unsolicited, packet(v6(kTester6), all_nodes_address())));
    EXPECT_FALSE(is_valid(solicited, packet(v6(kTester6), all_nodes_address())));
    EXPECT_FALSE(is_valid(solicited, packet(v6(kTester6), v6(kOur6), 64)));
    EXPECT_FALSE(is_valid(solicited, packet(kNobody6, v6(kOur6))));
    NeighborAdvertisement for_group = solicited;
    for_group.target = v6(kSolicited6);
    EXPECT_FALSE(is_valid(for_group, packet(v6(kTester6), v6(kOur6))));
}

TEST(Groups, HaveTheAddressesOfTheStandards) {
    Bytes address = kOur6;
    address[13] = 0xAB;
    address[14] = 0xCD;
    address[15] = 0xEF;
    Bytes group = kSolicited6;
    std::copy(address.begin() + 13, address.end(), group.begin() + 13);
    EXPECT_EQ(solicited_node_address(v6(address)), v6(group));
    EXPECT_EQ(format_mac(multicast_mac(v6(group))), "33:33:ff:ab:cd:ef");
    EXPECT_EQ(format_mac(multicast_mac(all_nodes_address())), "33:33:00:00:00:01");
    EXPECT_EQ(format_mac(multicast_mac(v4({239, 0x81, 2, 3}))), "01:00:5e:01:02:03");
}

}  // namespace
}  // namespace l2echo::wire
