#include "l2echo/wire/frame_headers.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "exact_bytes.hpp"
#include "l2echo/wire/byte_order.hpp"
#include "test_packets.hpp"

namespace l2echo::wire {
namespace {

using namespace packets;

/// `reach` bytes are in the first segment; the frame length covers all bytes.
FrameHeaders headers_of(const Bytes& bytes, std::size_t reach = SIZE_MAX) {
    const ExactBytes frame(
        Bytes(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(std::min(reach, bytes.size()))));
    FrameView view = frame.view();
    view.frame_length = static_cast<std::uint32_t>(bytes.size());
    return read_headers(view);
}
FrameHeaders of_ipv4(const Bytes& packet) {
    return headers_of(ethernet(kOurs, kTester, {0x0800}, packet));
}
FrameHeaders of_ipv6(const Bytes& packet) {
    return headers_of(ethernet(kOurs, kTester, {0x86DD}, packet));
}
Bytes with(Bytes bytes, std::size_t at, unsigned value) {
    bytes.at(at) = static_cast<std::uint8_t>(value);
    return bytes;
}

TEST(FrameHeaders, FindUdpInIpv4) {
    const FrameHeaders headers = headers_of(udp4_frame());
    EXPECT_EQ(headers.type, kEtherTypeIpv4);
    EXPECT_EQ(headers.tags, 0u);
    EXPECT_EQ(headers.network, 14u);
    EXPECT_EQ(headers.ip_version, 4);
    EXPECT_EQ(headers.protocol, kProtocolUdp);
    EXPECT_EQ(headers.transport, 34u);
    EXPECT_EQ(headers.ports, 34u);
    EXPECT_EQ(headers.end, 60u);
    EXPECT_EQ(ip_source_offset(headers), 26u);
    EXPECT_EQ(ip_address_length(headers), 4u);
}

TEST(FrameHeaders, FindTcpInIpv6) {
    const FrameHeaders headers = headers_of(tcp6_frame());
    EXPECT_EQ(headers.ip_version, 6);
    EXPECT_EQ(headers.protocol, kProtocolTcp);
    EXPECT_EQ(headers.ports, 54u);
    EXPECT_EQ(ip_source_offset(headers), 22u);
    EXPECT_EQ(ip_address_length(headers), 16u);
}

TEST(FrameHeaders, WalkTheTagsAndKeepTheOutermostId) {
    const Bytes packet = ipv4({17, kTester4, kFar4}, udp());
    const FrameHeaders one = headers_of(ethernet(kOurs, kTester, {0x8100, 0xE005, 0x0800}, packet));
    EXPECT_EQ(one.tags, 1u);
    EXPECT_EQ(one.vlan_id, 5) << "without priority and DEI";
    EXPECT_EQ(one.network, 18u);
    EXPECT_EQ(one.ports, 38u);
    const FrameHeaders two = headers_of(ethernet(kOurs, kTester, {0x88A8, 100, 0x9100, 7, 0x0800}, packet));
    EXPECT_EQ(two.tags, 2u);
    EXPECT_EQ(two.vlan_id, 100);
    EXPECT_EQ(two.ip_version, 4);
}

TEST(FrameHeaders, TruncatedTagIsIgnored) {
    const Bytes frame = ethernet(kOurs, kTester, {0x8100, 5, 0x0800}, {});
    for (const std::size_t reach : {14U, 15U, 16U, 17U}) {
        EXPECT_EQ(headers_of(frame, reach).tags, 0u) << reach;
        EXPECT_EQ(headers_of(frame, reach).type, wire_order(0x8100)) << reach;
    }
    EXPECT_EQ(headers_of(frame, 18).tags, 1u);
    EXPECT_EQ(headers_of(frame, 18).network, 18u);
}

TEST(FrameHeaders, Ipv4OptionsMoveTheTransportHeader) {
    const FrameHeaders headers = of_ipv4(ipv4({17, kTester4, kFar4, 64, 0, {0x94, 4, 0, 0}}, udp()));
    EXPECT_EQ(headers.transport, 38u);
    EXPECT_EQ(headers.ports, 38u);
    EXPECT_FALSE(headers.source_routed);
}

TEST(FrameHeaders, SourceRoutesAreFoundAmongOtherOptions) {
    const auto routed = [](const Bytes& options) {
        return of_ipv4(ipv4({17, kTester4, kFar4, 64, 0, options}, udp())).source_routed;
    };
    EXPECT_TRUE(routed({131, 7, 4, 1, 2, 3, 4, 0}));
    EXPECT_TRUE(routed({137, 7, 4, 1, 2, 3, 4, 0}));
    EXPECT_TRUE(routed({1, 1, 1, 131}));
    EXPECT_TRUE(routed({148, 4, 0, 0, 131, 3, 4, 0}));
    EXPECT_FALSE(routed({0, 131, 7, 4})) << "after the end-of-options option";
    EXPECT_FALSE(routed({7, 4, 131, 131})) << "inside another option";
    EXPECT_FALSE(routed({7, 1, 131, 7})) << "an option is at least 2 bytes long: the rest cannot be parsed";
    EXPECT_FALSE(routed({1, 1, 1, 7})) << "its length is cut off";
    EXPECT_FALSE(routed({7, 200, 131, 7})) << "longer than the header";
}

TEST(FrameHeaders, Ipv4WithInconsistentLengthsIsNotIp) {
    const Bytes packet = ipv4({17, kTester4, kFar4}, udp());
    EXPECT_EQ(of_ipv4(packet).ip_version, 4);
    EXPECT_EQ(of_ipv4(with(packet, 0, 0x55)).ip_version, 0) << "version 5";
    EXPECT_EQ(of_ipv4(with(packet, 0, 0x44)).ip_version, 0) << "header of 16 bytes";
    EXPECT_EQ(of_ipv4(with(packet, 0, 0x4F)).ip_version, 0) << "header longer than the packet";
    EXPECT_EQ(of_ipv4(with(packet, 3, 19)).ip_version, 0) << "packet shorter than its header";
    EXPECT_EQ(of_ipv4(with(packet, 3, 47)).ip_version, 0) << "packet longer than the frame";
    EXPECT_EQ(of_ipv4(with(packet, 3, 46)).ip_version, 4) << "packet as long as the frame";
    EXPECT_EQ(headers_of(ethernet(kOurs, kTester, {0x86DD}, packet)).ip_version, 0);
    for (std::size_t reach = 14; reach < 34; ++reach)
        EXPECT_EQ(headers_of(udp4_frame(), reach).ip_version, 0) << reach;
}

TEST(FrameHeaders, PaddingIsNotPartOfThePacket) {
    const Bytes frame =
        ethernet(kOurs, kTester, {0x0800}, join({ipv4({17, kTester4, kFar4}, {1, 2, 3}), Bytes(23)}));
    const FrameHeaders headers = headers_of(frame);
    EXPECT_EQ(headers.end, 37u);
    EXPECT_EQ(headers.ports, 0u) << "padding contains no ports";
}

TEST(FrameHeaders, OnlyTheFirstFragmentHasPorts) {
    const auto fragment = [](unsigned field) {
        return of_ipv4(ipv4({17, kTester4, kFar4, 64, field}, udp()));
    };
    EXPECT_FALSE(fragment(0x4000).fragment) << "only the don't-fragment flag";
    EXPECT_TRUE(fragment(0x2000).fragment);
    EXPECT_FALSE(fragment(0x2000).later_fragment);
    EXPECT_EQ(fragment(0x2000).ports, 34u);
    EXPECT_TRUE(fragment(0x2001).later_fragment);
    EXPECT_TRUE(fragment(0x1FFF).fragment);
    EXPECT_EQ(fragment(0x1FFF).ports, 0u);
    EXPECT_EQ(fragment(0x1FFF).ip_version, 4);
}

TEST(FrameHeaders, PortsBeyondTheFirstSegmentAreIgnored) {
    EXPECT_EQ(headers_of(udp4_frame(), 38).ports, 34u);
    EXPECT_EQ(headers_of(udp4_frame(), 37).ports, 0u);
    EXPECT_EQ(headers_of(udp4_frame(), 37).ip_version, 4);
}

TEST(FrameHeaders, OnlyUdpAndTcpHavePorts) {
    for (const unsigned protocol : {1U, 2U, 47U, 50U, 132U})
        EXPECT_EQ(of_ipv4(ipv4({protocol, kTester4, kFar4}, udp())).ports, 0u) << protocol;
}

/// Next header, length in units of 8 bytes after the first 8, and the data that follows.
Bytes extension(unsigned next, unsigned length = 0, const Bytes& start = {}) {
    Bytes bytes = join({byte(next), byte(length), start});
    bytes.resize(8 * (length + 1));
    return bytes;
}
FrameHeaders of_chain(unsigned first, const Bytes& payload) {
    return of_ipv6(ipv6({first, kTester6, kOur6}, payload));
}

TEST(FrameHeaders, KnownIpv6ExtensionsAreWalked) {
    const FrameHeaders headers = of_chain(0, join({extension(60), extension(17, 1), udp()}));
    EXPECT_EQ(headers.protocol, kProtocolUdp);
    EXPECT_EQ(headers.transport, 54u + 8 + 16);
    EXPECT_EQ(headers.ports, headers.transport);
    EXPECT_FALSE(headers.fragment);
}

TEST(FrameHeaders, FirstUnknownExtensionEndsTheWalk) {
    const FrameHeaders headers = of_chain(0, join({extension(51), extension(17), udp()}));
    EXPECT_EQ(headers.ip_version, 6);
    EXPECT_EQ(headers.protocol, 51);
    EXPECT_EQ(headers.ports, 0u);
}

TEST(FrameHeaders, Ipv6FragmentsAreDetected) {
    const FrameHeaders first = of_chain(44, join({extension(17, 0, {0, 1}), udp()}));
    EXPECT_TRUE(first.fragment);
    EXPECT_FALSE(first.later_fragment);
    EXPECT_EQ(first.ports, 62u);
    const FrameHeaders later = of_chain(44, join({extension(60, 0, {0, 8}), udp()}));
    EXPECT_TRUE(later.later_fragment);
    EXPECT_EQ(later.ports, 0u);
    EXPECT_EQ(later.protocol, 60) << "a later fragment has no extension headers of its own";
    EXPECT_EQ(later.ip_version, 6);
}

TEST(FrameHeaders, UnfinishedRoutingHeaderIsASourceRoute) {
    EXPECT_TRUE(of_chain(43, join({extension(17, 2, {0, 1}), udp()})).source_routed);
    EXPECT_FALSE(of_chain(43, join({extension(17, 2, {0, 0}), udp()})).source_routed);
}

TEST(FrameHeaders, Ipv6WithInconsistentLengthsIsNotIp) {
    const Bytes packet = ipv6({6, kTester6, kOur6}, tcp());
    EXPECT_EQ(of_ipv6(with(packet, 0, 0x40)).ip_version, 0);
    EXPECT_EQ(of_ipv6(with(packet, 5, 21)).ip_version, 0) << "packet longer than the frame";
    EXPECT_EQ(of_chain(60, extension(17, 1)).ip_version, 6) << "ends after its extension";
    EXPECT_EQ(of_chain(60, with(extension(17), 1, 1)).ip_version, 0) << "extension longer than the packet";
    EXPECT_EQ(of_chain(60, Bytes(7)).ip_version, 0);
    EXPECT_EQ(of_chain(60, {}).ip_version, 0);
    for (std::size_t reach = 14; reach < 54; ++reach)
        EXPECT_EQ(headers_of(tcp6_frame(), reach).ip_version, 0) << reach;
}

TEST(FrameHeaders, NeverPointBeyondTheFirstSegmentForAnyBytes) {
    std::mt19937 random(5);
    const std::vector<Bytes> seeds{
        udp4_frame(), tcp6_frame(),
        ethernet(kOurs, kTester, {0x8100, 5, 0x0800}, ipv4({17, kTester4, kFar4}, udp())),
        ethernet(kOurs, kTester, {0x86DD},
                 ipv6({0, kTester6, kOur6}, join({extension(44), extension(6), tcp()})))};
    for (int round = 0; round < 200'000; ++round) {
        Bytes bytes = seeds[random() % seeds.size()];
        for (unsigned changes = random() % 4; changes > 0; --changes)
            bytes[12 + random() % (bytes.size() - 12)] = static_cast<std::uint8_t>(random());
        const std::size_t reach = random() % 2 == 0 ? bytes.size() : 14 + random() % (bytes.size() - 13);
        const FrameHeaders headers = headers_of(bytes, reach);
        const reference::Layout layout = reference::lay_out(bytes, reach);
        ASSERT_LE(headers.network, reach);
        ASSERT_EQ(headers.ip_version, layout.version) << testing::PrintToString(bytes);
        ASSERT_EQ(headers.ports, layout.has_ports ? layout.transport : 0) << testing::PrintToString(bytes);
        if (layout.version != 0) {
            ASSERT_LE(headers.transport, reach);
            ASSERT_EQ(headers.source_routed, layout.source_routed) << testing::PrintToString(bytes);
        }
    }
}

}  // namespace
}  // namespace l2echo::wire
