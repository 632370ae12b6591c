#include "l2echo/wire/ip.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <unordered_set>

#include "exact_bytes.hpp"
#include "test_addresses.hpp"

namespace l2echo::wire {
namespace {

using namespace packets;

/// The packet with the checksum that its IPv4 header needs.
Bytes sealed(Bytes packet) {
    const std::size_t header = 4 * (packet.at(0) & 0xFU);
    packet.at(10) = packet.at(11) = 0;
    unsigned sum = 0;
    for (std::size_t i = 0; i < header; i += 2)
        sum += packet.at(i) * 256U + packet.at(i + 1);
    sum = (sum & 0xFFFF) + (sum >> 16);
    sum = ~((sum & 0xFFFF) + (sum >> 16));
    packet.at(10) = static_cast<std::uint8_t>(sum >> 8);
    packet.at(11) = static_cast<std::uint8_t>(sum);
    return packet;
}

HeaderFault fault_of_ipv4(const Bytes& packet) {
    Ipv4Header header;
    return read_exactly(packet, header).fault;
}
HeaderFault fault_of_ipv6(const Bytes& packet) {
    Ipv6Header header;
    return read_exactly(packet, header).fault;
}

TEST(IpAddress, DiffersByBytesAndByVersion) {
    EXPECT_EQ(v4(kOur4), v4(kOur4));
    EXPECT_NE(v4(kOur4), v4(kTester4));
    Bytes same_bytes(16);
    std::copy(kOur4.begin(), kOur4.end(), same_bytes.begin());
    EXPECT_NE(v4(kOur4), v6(same_bytes));
    EXPECT_EQ(v4(kOur4).length(), 4U);
    EXPECT_EQ(v6(kOur6).length(), 16U);
}

TEST(IpAddress, IsAKeyOfOrderedAndOfHashedTables) {
    std::set<IpAddress> ordered;
    std::unordered_set<std::size_t> hashes;
    for (unsigned i = 0; i < 1000; ++i) {
        const IpAddress address =
            v4({10, 0, static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i)});
        ordered.insert(address);
        hashes.insert(std::hash<IpAddress>{}(address) % 65536);
    }
    EXPECT_EQ(ordered.size(), 1000U);
    EXPECT_GT(hashes.size(), 950U) << "a good hash has about 8 collisions among 1000 in 65536";
}

TEST(IpAddress, HasItsSpecialUses) {
    struct Row {
        IpAddress address;
        bool unspecified, multicast, loopback, link_local;
    };
    const auto first = [](std::uint8_t a, std::uint8_t b, std::uint8_t last = 0) {
        Bytes bytes(16);
        bytes[0] = a;
        bytes[1] = b;
        bytes[15] = last;
        return v6(bytes);
    };
    for (const Row& row : {
             Row{{}, false, false, false, false},
             Row{v4({0, 0, 0, 0}), true, false, false, false},
             Row{v4({0, 0, 0, 1}), false, false, false, false},
             Row{v4({223, 255, 255, 255}), false, false, false, false},
             Row{v4({224, 0, 0, 1}), false, true, false, false},
             Row{v4({239, 255, 255, 255}), false, true, false, false},
             Row{v4({240, 0, 0, 0}), false, false, false, false},
             Row{v4({127, 1, 2, 3}), false, false, true, false},
             Row{v4({169, 254, 0, 1}), false, false, false, true},
             Row{v4({169, 253, 0, 1}), false, false, false, false},
             Row{first(0, 0), true, false, false, false},
             Row{first(0, 0, 1), false, false, true, false},
             Row{first(0, 0, 2), false, false, false, false},
             Row{first(0x7F, 0, 1), false, false, false, false},
             Row{first(0xFE, 0x80, 1), false, false, false, true},
             Row{first(0xFE, 0xBF, 1), false, false, false, true},
             Row{first(0xFE, 0xC0, 1), false, false, false, false},
             Row{first(0xFF, 0x02, 1), false, true, false, false},
         }) {
        const auto first_bytes = [&] {
            return testing::PrintToString(std::vector<int>{row.address.version,
                                                           std::to_integer<int>(row.address.bytes[0]),
                                                           std::to_integer<int>(row.address.bytes[1])});
        };
        EXPECT_EQ(is_unspecified(row.address), row.unspecified) << first_bytes();
        EXPECT_EQ(is_multicast(row.address), row.multicast) << first_bytes();
        EXPECT_EQ(is_loopback(row.address), row.loopback) << first_bytes();
        EXPECT_EQ(is_link_local(row.address), row.link_local) << first_bytes();
    }
}

TEST(IpAddress, HasACommonPrefixInBits) {
    EXPECT_EQ(common_prefix(v4({192, 0, 2, 1}), v4({192, 0, 2, 1})), 32U);
    EXPECT_EQ(common_prefix(v4({192, 0, 2, 1}), v4({192, 0, 2, 0})), 31U);
    EXPECT_EQ(common_prefix(v4({192, 0, 2, 1}), v4({192, 0, 130, 1})), 16U);
    EXPECT_EQ(common_prefix(v4({192, 0, 2, 1}), v4({64, 0, 2, 1})), 0U);
    EXPECT_EQ(common_prefix(v6(kOur6), v6(kOur6)), 128U);
    EXPECT_EQ(common_prefix(v6(kOur6), v6(kTester6)), 121U);
    EXPECT_EQ(common_prefix(v4({0, 0, 0, 0}), v6(Bytes(16))), 0U);
}

TEST(Ipv4Header, IsReadFieldByField) {
    Bytes packet = ipv4({6, kTester4, kOur4, 63, 0x4000}, tcp());
    packet[1] = 0xB9;
    Ipv4Header header;
    const HeaderRead read = read_exactly(sealed(packet), header);
    ASSERT_EQ(read.fault, HeaderFault::None);
    EXPECT_EQ(read.length, 20);
    EXPECT_EQ(header, (Ipv4Header{.source = v4(kTester4),
                                  .destination = v4(kOur4),
                                  .total_length = static_cast<std::uint32_t>(packet.size()),
                                  .identification = 0x1234,
                                  .dont_fragment = true,
                                  .traffic_class = 0xB9,
                                  .hop_limit = 63,
                                  .protocol = 6}));
    EXPECT_FALSE(header.is_fragment());
}

TEST(Ipv4Header, FlagsFragments) {
    Ipv4Header first;
    ASSERT_TRUE(read_exactly(sealed(ipv4({17, kTester4, kOur4, 64, 0x2000}, udp())), first));
    EXPECT_TRUE(first.is_fragment());
    EXPECT_FALSE(first.is_later_fragment());
    Ipv4Header last;
    ASSERT_TRUE(read_exactly(sealed(ipv4({17, kTester4, kOur4, 64, 185}, udp())), last));
    EXPECT_TRUE(last.is_later_fragment());
    EXPECT_EQ(last.fragment_offset, 1480);
}

TEST(Ipv4Header, ExcludesThePaddingOfTheLink) {
    Bytes packet = sealed(ipv4({6, kTester4, kOur4}, counting(6)));
    packet.resize(46);
    Ipv4Header header;
    ASSERT_TRUE(read_exactly(packet, header));
    EXPECT_EQ(header.total_length, 26U);
}

TEST(Ipv4Header, FindsASourceRouteInTheOptions) {
    Ipv4Header header;
    const HeaderRead read = read_exactly(
        sealed(ipv4({6, kTester4, kOur4, 64, 0, {1, 131, 7, 4, 198, 51, 100, 9}}, tcp())), header);
    ASSERT_TRUE(read);
    EXPECT_EQ(read.length, 28);
    EXPECT_TRUE(header.source_routed);
    ASSERT_TRUE(read_exactly(sealed(ipv4({6, kTester4, kOur4, 64, 0, {148, 4, 0, 0}}, tcp())), header));
    EXPECT_FALSE(header.source_routed);
}

TEST(Ipv4Header, IsRefusedWithTheReason) {
    const Bytes good = sealed(ipv4({6, kTester4, kOur4}, tcp()));
    EXPECT_EQ(fault_of_ipv4(good), HeaderFault::None);
    EXPECT_EQ(fault_of_ipv4({}), HeaderFault::Truncated);
    EXPECT_EQ(fault_of_ipv4(Bytes(good.begin(), good.begin() + 19)), HeaderFault::Truncated);
    EXPECT_EQ(fault_of_ipv4(changed(good, 0, 0x65)), HeaderFault::Version);
    EXPECT_EQ(fault_of_ipv4(changed(good, 0, 0x44)), HeaderFault::HeaderLength);
    EXPECT_EQ(fault_of_ipv4(sealed(changed(good, 3, 19))), HeaderFault::PacketLength);
    EXPECT_EQ(fault_of_ipv4(Bytes(good.begin(), good.end() - 1)), HeaderFault::PacketLength);
    EXPECT_EQ(fault_of_ipv4(changed(good, 8, 63)), HeaderFault::Checksum);
    EXPECT_EQ(fault_of_ipv4(sealed(ipv4({6, kTester4, kOur4, 64, 0, {148, 1, 0, 0}}, tcp()))),
              HeaderFault::Option);
    EXPECT_EQ(fault_of_ipv4(sealed(ipv4({6, kTester4, kOur4, 64, 0, {148, 5, 0, 0}}, tcp()))),
              HeaderFault::Option);
}

TEST(Ipv6Header, IsReadFieldByField) {
    Bytes packet = ipv6({6, kTester6, kOur6, 9}, tcp());
    packet[0] = 0x6A;
    packet[1] = 0xB1;
    packet[2] = 0x23;
    packet[3] = 0x45;
    Ipv6Header header;
    const HeaderRead read = read_exactly(packet, header);
    ASSERT_EQ(read.fault, HeaderFault::None);
    EXPECT_EQ(read.length, 40);
    EXPECT_EQ(header, (Ipv6Header{.source = v6(kTester6),
                                  .destination = v6(kOur6),
                                  .total_length = static_cast<std::uint32_t>(packet.size()),
                                  .flow_label = 0x12345,
                                  .traffic_class = 0xAB,
                                  .hop_limit = 9,
                                  .protocol = 6}));
}

TEST(Ipv6Header, EndsAfterTheExtensionHeaders) {
    const Bytes options{44, 1, 1, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    const Bytes first_fragment{6, 0, 0, 1, 0, 0, 0, 7};
    Ipv6Header header;
    const HeaderRead read =
        read_exactly(ipv6({60, kTester6, kOur6}, join({options, first_fragment, tcp()})), header);
    ASSERT_TRUE(read);
    EXPECT_EQ(read.length, 64);
    EXPECT_EQ(header.protocol, 6);
    EXPECT_TRUE(header.is_fragment());
    EXPECT_FALSE(header.is_later_fragment());
}

TEST(Ipv6Header, IsRefusedWithTheReason) {
    const Bytes good = ipv6({6, kTester6, kOur6}, tcp());
    EXPECT_EQ(fault_of_ipv6(good), HeaderFault::None);
    EXPECT_EQ(fault_of_ipv6({}), HeaderFault::Truncated);
    EXPECT_EQ(fault_of_ipv6(Bytes(good.begin(), good.begin() + 39)), HeaderFault::Truncated);
    EXPECT_EQ(fault_of_ipv6(changed(good, 0, 0x45)), HeaderFault::Version);
    EXPECT_EQ(fault_of_ipv6(Bytes(good.begin(), good.end() - 1)), HeaderFault::PacketLength);
    EXPECT_EQ(fault_of_ipv6(ipv6({60, kTester6, kOur6}, {6, 1, 1, 4, 0, 0, 0, 0})), HeaderFault::Option);
    EXPECT_EQ(fault_of_ipv6(ipv6({60, kTester6, kOur6}, {6, 0, 1, 4})), HeaderFault::Option);
}

TEST(IpHeader, IsReadAsItWasWritten) {
    const Ipv4Header four{.source = v4(kOur4),
                          .destination = v4(kTester4),
                          .total_length = 60,
                          .identification = 0xBEEF,
                          .fragment_offset = 8 * 8191,
                          .dont_fragment = true,
                          .more_fragments = true,
                          .traffic_class = 3,
                          .hop_limit = 255,
                          .protocol = 6};
    Bytes bytes(60);
    write_header(four, reinterpret_cast<std::byte*>(bytes.data()));
    EXPECT_EQ(bytes, sealed(bytes)) << "the checksum is the reference's";
    Ipv4Header read4;
    ASSERT_TRUE(read_exactly(bytes, read4));
    EXPECT_EQ(read4, four);

    const Ipv6Header six{.source = v6(kOur6),
                         .destination = v6(kTester6),
                         .total_length = 60,
                         .flow_label = 0xF'FFFF,
                         .traffic_class = 0x5A,
                         .hop_limit = 1,
                         .protocol = 6};
    write_header(six, reinterpret_cast<std::byte*>(bytes.data()));
    Ipv6Header read6;
    ASSERT_TRUE(read_exactly(bytes, read6));
    EXPECT_EQ(read6, six);
}

TEST(PseudoHeader, CompletesTheChecksumOfTheReference) {
    for (const bool six : {false, true}) {
        // The frame's transport checksum is the reference's.
        const Bytes frame =
            six ? tcp6_frame() : ethernet(kOurs, kTester, {0x0800}, ipv4({6, kTester4, kOur4}, tcp()));
        ASSERT_TRUE(checksums_are_right(frame));
        const std::size_t header = six ? 54 : 34;
        const auto* segment = reinterpret_cast<const std::byte*>(frame.data()) + header;
        const std::size_t length = reference::lay_out(frame, frame.size()).end - header;
        const IpAddress source = six ? v6({frame.begin() + 22, frame.begin() + 38}) : v4(kTester4);
        const IpAddress destination = six ? v6({frame.begin() + 38, frame.begin() + 54}) : v4(kOur4);
        EXPECT_TRUE(is_right(pseudo_header_sum(source, destination, 6, static_cast<std::uint32_t>(length)) +
                             sum_of({segment, length})));
        EXPECT_FALSE(is_right(pseudo_header_sum(source, destination, 17, static_cast<std::uint32_t>(length)) +
                              sum_of({segment, length})));
    }
}

}  // namespace
}  // namespace l2echo::wire
