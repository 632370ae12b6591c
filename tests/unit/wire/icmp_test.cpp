#include "l2echo/wire/icmp.hpp"

#include <gtest/gtest.h>

#include "exact_bytes.hpp"
#include "test_addresses.hpp"

namespace l2echo::wire {
namespace {

using namespace packets;

/// Type, code, no checksum, and the rest of the header.
Bytes icmp(unsigned type, unsigned code, const Bytes& rest, const Bytes& payload) {
    return join({byte(type), byte(code), word(0), rest, payload});
}

struct Quote {
    HeaderRead read;
    QuotedPacket packet;
    std::size_t payload = 0;
};
Quote quote_of(std::uint8_t version, const Bytes& bytes) {
    Quote quote;
    ExactBytes exact(bytes);
    quote.read = read_quote(version, std::span<const std::byte>(exact.data(), bytes.size()), quote.packet);
    quote.payload = quote.packet.payload.size();
    quote.packet.payload = {};  // its bytes end with `exact`
    return quote;
}

const Bytes kZeros(4);

TEST(IcmpHeader, IsReadFieldByField) {
    ExactBytes exact(icmp(8, 0, {0x12, 0x34, 0xAB, 0xCD}, counting(3)));
    IcmpHeader header;
    EXPECT_EQ(read_header(std::span<const std::byte>(exact.data(), 11), header).length, 8);
    EXPECT_EQ(header, (IcmpHeader{icmpv4::kEchoRequest, 0, IcmpHeader::echo(0x1234, 0xABCD)}));
    EXPECT_EQ(header.identifier(), 0x1234);
    EXPECT_EQ(header.sequence(), 0xABCD);
    EXPECT_EQ(read_header(std::span<const std::byte>(exact.data(), 7), header).fault, HeaderFault::Truncated);
}

TEST(IcmpHeader, IsReadAsItWasWritten) {
    const IcmpHeader header{icmpv6::kPacketTooBig, 7, 0xFFFF'0500};
    ExactBytes exact(Bytes(kIcmpHeaderLength, 0xA5));
    write_header(header, exact.data());
    EXPECT_EQ(exact.bytes(), (Bytes{2, 7, 0, 0, 0xFF, 0xFF, 5, 0}));
    IcmpHeader again;
    EXPECT_TRUE(read_header(std::span<const std::byte>(exact.data(), 8), again));
    EXPECT_EQ(again, header);
}

TEST(IcmpChecksum, CoversTheAddressesOfIpv6Only) {
    const auto right = [](const IpAddress& source, const IpAddress& destination, const Bytes& bytes) {
        ExactBytes exact(bytes);
        return icmp_checksum_is_right(source, destination,
                                      std::span<const std::byte>(exact.data(), bytes.size()));
    };
    const auto sealed = [](const IpAddress& source, const IpAddress& destination) {
        ExactBytes exact(icmp(128, 0, kZeros, counting(5)));
        store_icmp_checksum(source, destination, {exact.data(), 13});
        return exact.bytes();
    };
    const Bytes over4 = sealed(v4(kOur4), v4(kTester4));
    EXPECT_TRUE(right(v4(kOur4), v4(kTester4), over4));
    EXPECT_TRUE(right(v4(kOur4), v4(kFar4), over4));
    const Bytes over6 = sealed(v6(kOur6), v6(kTester6));
    EXPECT_TRUE(right(v6(kOur6), v6(kTester6), over6));
    EXPECT_FALSE(right(v6(kOur6), v6(kSolicited6), over6));
    EXPECT_FALSE(right(v4(kOur4), v4(kTester4), over6));
    Bytes corrupt = over6;
    corrupt.back() ^= 1;
    EXPECT_FALSE(right(v6(kOur6), v6(kTester6), corrupt));
    // The reference agrees.
    EXPECT_TRUE(
        checksums_are_right(join({kOurs, kTester, word(0x86DD), ipv6({58, kOur6, kTester6}, over6)})));
}

TEST(IcmpTypes, ThatReportErrorsAreNotAnsweredWithErrors) {
    for (const std::uint8_t type : {3, 4, 5, 11, 12})
        EXPECT_TRUE(reports_error(4, type)) << unsigned{type};
    for (const std::uint8_t type : {0, 8, 13, 128})
        EXPECT_FALSE(reports_error(4, type)) << unsigned{type};
    for (const std::uint8_t type : {0, 1, 2, 3, 4, 100, 127, 137})
        EXPECT_TRUE(reports_error(6, type)) << unsigned{type};
    for (const std::uint8_t type : {128, 129, 135, 136, 255})
        EXPECT_FALSE(reports_error(6, type)) << unsigned{type};
}

TEST(QuotedPacket, IsReadAlsoWhereItWasCut) {
    Bytes packet = ipv4({6, kOur4, kTester4, 61, 0, {1, 1, 1, 1}}, tcp());
    packet[2] = 5;  // longer than what is quoted
    const auto [read, found, payload] =
        quote_of(4, icmp(3, 4, kZeros, Bytes(packet.begin(), packet.begin() + 32)));
    ASSERT_TRUE(read);
    EXPECT_EQ(read.length, 24);
    EXPECT_EQ(found.source, v4(kOur4));
    EXPECT_EQ(found.destination, v4(kTester4));
    EXPECT_EQ(found.total_length, 0x500U + 44U);
    EXPECT_EQ(found.protocol, 6);
    EXPECT_FALSE(found.later_fragment);
    EXPECT_EQ(payload, 8U);
}

TEST(QuotedPacket, OfIpv6IsReadBehindItsExtensionHeaders) {
    const Bytes packet =
        ipv6({0, kOur6, kTester6}, join({{60, 0, 1, 4, 0, 0, 0, 0}, {17, 0, 1, 4, 0, 0, 0, 0}, udp()}));
    const auto [read, found, payload] =
        quote_of(6, icmp(1, 4, kZeros, Bytes(packet.begin(), packet.begin() + 60)));
    ASSERT_TRUE(read);
    EXPECT_EQ(read.length, 56);
    EXPECT_EQ(found.source, v6(kOur6));
    EXPECT_EQ(found.destination, v6(kTester6));
    EXPECT_EQ(found.total_length, packet.size());
    EXPECT_EQ(found.protocol, 17);
    EXPECT_EQ(payload, 4U);
}

TEST(QuotedPacket, FlagsLaterFragments) {
    EXPECT_TRUE(
        quote_of(4, icmp(11, 1, kZeros, ipv4({17, kOur4, kTester4, 64, 1}, udp()))).packet.later_fragment);
    EXPECT_FALSE(quote_of(4, icmp(11, 1, kZeros, ipv4({17, kOur4, kTester4, 64, 0x2000}, udp())))
                     .packet.later_fragment);
    const auto fragment = [](unsigned offset) {
        return ipv6({44, kOur6, kTester6}, join({{17, 0}, word(offset), {0, 0, 0, 9}, udp()}));
    };
    EXPECT_TRUE(quote_of(6, icmp(3, 1, kZeros, fragment(8))).packet.later_fragment);
    EXPECT_FALSE(quote_of(6, icmp(3, 1, kZeros, fragment(1))).packet.later_fragment);
}

TEST(QuotedPacket, EndsBeforeTheExtensionsOfTheMessage) {
    const Bytes quote = join({ipv4({17, kOur4, kTester4}, udp(1, 2, 200)), Bytes(40, 0xEE)});
    EXPECT_EQ(quote_of(4, icmp(3, 3, {0, 32, 0, 0}, quote)).payload, 128U - 20U);
    EXPECT_EQ(quote_of(4, icmp(5, 0, {0, 32, 0, 0}, quote)).payload, quote.size() - 20)
        << "a redirect has an address there";
    const Bytes quote6 = join({ipv6({17, kOur6, kTester6}, udp(1, 2, 200)), Bytes(40, 0xEE)});
    EXPECT_EQ(quote_of(6, icmp(1, 4, {16, 0, 0, 0}, quote6)).payload, 128U - 40U);
    EXPECT_EQ(quote_of(6, icmp(2, 0, {16, 0, 0, 0}, quote6)).payload, quote6.size() - 40)
        << "a packet too big has its MTU there";
    EXPECT_EQ(quote_of(4, icmp(3, 3, {0, 255, 0, 0}, quote)).payload, quote.size() - 20)
        << "a length beyond the message";
}

TEST(QuotedPacket, IsRefusedWithTheReasonAtEachLength) {
    const Bytes whole4 = icmp(3, 3, kZeros, ipv4({17, kOur4, kTester4, 64, 0, {1, 1, 1, 1}}, udp()));
    const Bytes whole6 =
        icmp(1, 4, kZeros, ipv6({60, kOur6, kTester6}, join({{17, 0, 1, 4, 0, 0, 0, 0}, udp()})));
    for (std::size_t length = 0; length <= whole4.size(); ++length)
        EXPECT_EQ(quote_of(4, Bytes(whole4.begin(), whole4.begin() + static_cast<std::ptrdiff_t>(length)))
                      .read.fault,
                  length < 8 + 24 ? HeaderFault::Truncated : HeaderFault::None)
            << length;
    for (std::size_t length = 0; length <= whole6.size(); ++length)
        EXPECT_EQ(quote_of(6, Bytes(whole6.begin(), whole6.begin() + static_cast<std::ptrdiff_t>(length)))
                      .read.fault,
                  length < 8 + 48 ? HeaderFault::Truncated : HeaderFault::None)
            << length;
    Bytes short_header = whole4;
    short_header[8] = 0x44;
    EXPECT_EQ(quote_of(4, short_header).read.fault, HeaderFault::HeaderLength);
    EXPECT_EQ(quote_of(4, join({Bytes(8), ipv6({17, kOur6, kTester6}, udp())})).read.fault,
              HeaderFault::Version);
    EXPECT_EQ(quote_of(6, join({Bytes(8), ipv4({17, kOur4, kTester4}, udp(1, 2, 40))})).read.fault,
              HeaderFault::Version);
}

}  // namespace
}  // namespace l2echo::wire
