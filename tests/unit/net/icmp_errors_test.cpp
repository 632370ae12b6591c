#include "l2echo/net/icmp_errors.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "l2echo/wire/icmp.hpp"
#include "test_addresses.hpp"

namespace l2echo::net {
namespace {

using namespace packets;
using namespace std::chrono_literals;
using Kind = ReceivedError::Kind;

const Bytes kRouter6 = join({{0xFE, 0x80}, Bytes(13), byte(1)});

Routes known_routes() {
    return Routes({.addresses = {{v4(kOur4), 24}, {v6(kOur6), 64}},
                   .on_link = {},
                   .ipv4_gateway = {},
                   .ipv6_gateway = {}});
}

Bytes error_about(OwnError error, const Bytes& packet, bool to_link_group = false) {
    ExactBytes offending(packet);
    std::array<std::byte, kMaxIpv6ErrorLength> to;
    const std::uint32_t length =
        write_error(error, {.packet = {offending.data(), packet.size()}, .to_link_group = to_link_group},
                    known_routes(), to.data());
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(to.data());
    return {bytes, bytes + length};
}
bool reported(const Bytes& packet) {
    return !error_about(OwnError::PortUnreachable, packet).empty();
}
/// The packet in a frame, with its checksums checked by the reference.
bool is_right(const Bytes& packet) {
    return checksums_are_right(
        join({kTester, kOurs, word(packet.at(0) >> 4 == 4 ? 0x0800 : 0x86DD), packet}));
}

const Bytes kUdp4 = ipv4({17, kTester4, kOur4}, udp());
const Bytes kUdp6 = ipv6({17, kTester6, kOur6}, udp());

TEST(OwnErrors, QuoteThePacketAndGoBackToItsSource) {
    const Bytes error = error_about(OwnError::PortUnreachable, kUdp4);
    ASSERT_EQ(error.size(), 20 + 8 + kUdp4.size());
    EXPECT_EQ(Bytes(error.begin() + 12, error.begin() + 16), kOur4);
    EXPECT_EQ(Bytes(error.begin() + 16, error.begin() + 20), kTester4);
    EXPECT_EQ(error[9], 1);
    EXPECT_EQ(Bytes(error.begin() + 28, error.end()), kUdp4);
    EXPECT_TRUE(is_right(error));
    const Bytes error6 = error_about(OwnError::PortUnreachable, kUdp6);
    ASSERT_EQ(error6.size(), 40 + 8 + kUdp6.size());
    EXPECT_EQ(Bytes(error6.begin() + 8, error6.begin() + 24), kOur6);
    EXPECT_EQ(Bytes(error6.begin() + 24, error6.begin() + 40), kTester6);
    EXPECT_EQ(Bytes(error6.begin() + 48, error6.end()), kUdp6);
    EXPECT_TRUE(is_right(error6));
}

TEST(OwnErrors, HaveTheTypeAndCodeOfTheStandards) {
    struct Row {
        OwnError error;
        unsigned type4, code4, type6, code6;
    };
    for (const Row& row :
         {Row{OwnError::PortUnreachable, 3, 3, 1, 4}, Row{OwnError::ProtocolUnreachable, 3, 2, 4, 1},
          Row{OwnError::ReassemblyTimeout, 11, 1, 3, 1}}) {
        const Bytes error = error_about(row.error, kUdp4);
        EXPECT_EQ(error.at(20), row.type4);
        EXPECT_EQ(error.at(21), row.code4);
        const Bytes error6 = error_about(row.error, kUdp6);
        EXPECT_EQ(error6.at(40), row.type6);
        EXPECT_EQ(error6.at(41), row.code6);
    }
}

TEST(OwnErrors, PointToTheNextHeaderThatIsUnknown) {
    const auto pointer = [](const Bytes& packet) {
        const Bytes error = error_about(OwnError::ProtocolUnreachable, packet);
        return error.at(44) << 24 | error.at(45) << 16 | error.at(46) << 8 | error.at(47);
    };
    EXPECT_EQ(pointer(ipv6({99, kTester6, kOur6}, Bytes(8))), 6);
    const Bytes extensions = join({{60, 1}, Bytes(14), {99, 0}, Bytes(6)});
    EXPECT_EQ(pointer(ipv6({0, kTester6, kOur6}, join({extensions, Bytes(8)}))), 56);
    const Bytes fragment{99, 200, 0, 1, 0, 0, 0, 9};
    EXPECT_EQ(pointer(ipv6({44, kTester6, kOur6}, join({fragment, Bytes(8)}))), 40) << "a first fragment";
}

TEST(OwnErrors, AreCutToTheLengthThatEveryLinkCarries) {
    EXPECT_EQ(error_about(OwnError::PortUnreachable, ipv4({17, kTester4, kOur4}, udp(1, 2, 1400))).size(),
              576U);
    const Bytes long6 = error_about(OwnError::PortUnreachable, ipv6({17, kTester6, kOur6}, udp(1, 2, 1400)));
    EXPECT_EQ(long6.size(), 1280U);
    EXPECT_TRUE(is_right(long6));
}

TEST(OwnErrors, AreNotSentWhereTheStandardsForbidThem) {
    EXPECT_TRUE(reported(kUdp4));
    EXPECT_TRUE(reported(kUdp6));
    EXPECT_TRUE(reported(ipv4({17, kTester4, kOur4, 64, 0x2000}, udp()))) << "a first fragment";
    EXPECT_TRUE(error_about(OwnError::PortUnreachable, kUdp4, true).empty()) << "a broadcast frame";
    const auto icmp = [](unsigned type) { return join({byte(type), Bytes(7)}); };
    for (const auto& [why, packet] : std::vector<std::pair<const char*, Bytes>>{
             {"an error", ipv4({1, kTester4, kOur4}, icmp(3))},
             {"a redirect", ipv4({1, kTester4, kOur4}, icmp(5))},
             {"ICMP without a type", ipv4({1, kTester4, kOur4}, {})},
             {"an ICMPv6 error", ipv6({58, kTester6, kOur6}, icmp(1))},
             {"an unknown ICMPv6 error", ipv6({58, kTester6, kOur6}, icmp(100))},
             {"an ICMPv6 redirect", ipv6({58, kTester6, kOur6}, icmp(137))},
             {"an error behind an extension header",
              ipv6({60, kTester6, kOur6}, join({{58, 0, 1, 4, 0, 0, 0, 0}, icmp(1)}))},
             {"a later fragment", ipv4({17, kTester4, kOur4, 64, 1}, udp())},
             {"a later IPv6 fragment", ipv6({44, kTester6, kOur6}, join({{17, 0, 0, 8, 0, 0, 0, 9}, udp()}))},
             {"to a directed broadcast", ipv4({17, kTester4, {192, 0, 2, 255}}, udp())},
             {"to the limited broadcast", ipv4({17, kTester4, {255, 255, 255, 255}}, udp())},
             {"to a group", ipv4({17, kTester4, {224, 0, 0, 1}}, udp())},
             {"to an IPv6 group", ipv6({17, kTester6, kSolicited6}, udp())},
             {"to someone else", ipv4({17, kTester4, kFar4}, udp())},
             {"from nobody", ipv4({17, Bytes(4), kOur4}, udp())},
             {"from nobody (IPv6)", ipv6({17, Bytes(16), kOur6}, udp())},
             {"from loopback", ipv4({17, {127, 0, 0, 1}, kOur4}, udp())},
             {"from a broadcast", ipv4({17, {192, 0, 2, 255}, kOur4}, udp())},
             {"from a group", ipv4({17, {224, 0, 0, 1}, kOur4}, udp())},
             {"from an IPv6 group", ipv6({17, kSolicited6, kOur6}, udp())},
             {"from a reserved address", ipv4({17, {240, 0, 0, 1}, kOur4}, udp())},
             {"from ourselves", ipv4({17, kOur4, kOur4}, udp())},
             {"no packet", {}},
             {"another version", Bytes(40, 0x55)},
             {"half a header", Bytes(kUdp4.begin(), kUdp4.begin() + 19)},
         })
        EXPECT_FALSE(reported(packet)) << why;
    EXPECT_TRUE(reported(ipv4({1, kTester4, kOur4}, icmp(13)))) << "a timestamp request";
}

TEST(ErrorLimit, AllowsABurstThenItsRate) {
    ErrorLimit limit(42, 0s);
    unsigned burst = 0;
    for (unsigned i = 0; i < 1000; ++i)
        burst += limit.allow(0s) ? 1 : 0;
    EXPECT_GE(burst, ErrorLimit::kBurst / 3);
    EXPECT_LE(burst, ErrorLimit::kBurst);
    unsigned sent = 0;
    for (Micros now(0); now < 10s; now += 100us)
        sent += limit.allow(now) ? 1 : 0;
    // An error costs one to three tokens.
    EXPECT_GT(sent, 10 * ErrorLimit::kTokensPerSecond / 3);
    EXPECT_LT(sent, 10 * ErrorLimit::kTokensPerSecond);
    EXPECT_TRUE(limit.allow(20s)) << "a pause fills the bucket";
}

TEST(ErrorLimit, DoesNotShowHowManyErrorsWereSent) {
    const auto burst_of = [](std::uint64_t seed) {
        ErrorLimit limit(seed, 0s);
        unsigned sent = 0;
        for (unsigned i = 0; i < 200; ++i)
            sent += limit.allow(0s) ? 1 : 0;
        return sent;
    };
    std::vector<unsigned> bursts;
    for (std::uint64_t seed = 1; seed <= 20; ++seed)
        bursts.push_back(burst_of(seed * 0x9E37'79B9'7F4A'7C15));
    EXPECT_NE(std::count(bursts.begin(), bursts.end(), bursts.front()), 20);
}

/// An error message with its checksum, to us from a router.
Bytes sealed_error(std::uint8_t version, unsigned type, unsigned code, unsigned rest, const Bytes& quote) {
    const Bytes message =
        join({byte(type), byte(code), word(0), word(rest >> 16), word(rest & 0xFFFF), quote});
    ExactBytes exact(message);
    const auto from = version == 4 ? v4(kFar4) : v6(kRouter6);
    const auto to = version == 4 ? v4(kOur4) : v6(kOur6);
    wire::store_icmp_checksum(from, to, {exact.data(), message.size()});
    return exact.bytes();
}
std::optional<ReceivedError> read(std::uint8_t version, const Bytes& message) {
    ExactBytes exact(message);
    return read_error(version == 4 ? v4(kFar4) : v6(kRouter6), version == 4 ? v4(kOur4) : v6(kOur6),
                      std::span<const std::byte>(exact.data(), message.size()));
}

const Bytes kSegment = join({word(0x0102), word(0x0304), {0xFE, 0xDC, 0xBA, 0x98}, Bytes(12)});
const Bytes kOurTcp4 = ipv4({6, kOur4, kTester4}, kSegment);
const Bytes kOurTcp6 = ipv6({6, kOur6, kTester6}, kSegment);

TEST(ReceivedErrors, AreReadFieldByField) {
    const auto error = read(4, sealed_error(4, 3, 4, 1400, Bytes(kOurTcp4.begin(), kOurTcp4.begin() + 28)));
    ASSERT_TRUE(error);
    EXPECT_EQ(error->kind, Kind::PacketTooBig);
    EXPECT_EQ(error->source, v4(kOur4));
    EXPECT_EQ(error->destination, v4(kTester4));
    EXPECT_EQ(error->protocol, 6);
    EXPECT_TRUE(error->has_transport);
    EXPECT_EQ(error->source_port, 0x0102);
    EXPECT_EQ(error->destination_port, 0x0304);
    EXPECT_EQ(error->sequence, 0xFEDC'BA98);
    EXPECT_EQ(error->mtu, 1400U);
    EXPECT_EQ(error->packet_length, 40U);
    const auto error6 = read(6, sealed_error(6, 2, 0, 1280, kOurTcp6));
    ASSERT_TRUE(error6);
    EXPECT_EQ(error6->destination, v6(kTester6));
    EXPECT_EQ(error6->sequence, 0xFEDC'BA98);
    EXPECT_EQ(error6->mtu, 1280U);
    EXPECT_EQ(error6->packet_length, 60U);
}

TEST(ReceivedErrors, HaveAKindForEachTypeAndCode) {
    struct Row {
        std::uint8_t version;
        unsigned type, code;
        std::optional<Kind> kind;
    };
    for (const Row& row : std::vector<Row>{
             {4, 3, 0, Kind::RouteUnreachable},
             {4, 3, 1, Kind::RouteUnreachable},
             {4, 3, 2, Kind::ProtocolUnreachable},
             {4, 3, 3, Kind::PortUnreachable},
             {4, 3, 4, Kind::PacketTooBig},
             {4, 3, 5, Kind::RouteUnreachable},
             {4, 3, 9, Kind::Prohibited},
             {4, 3, 10, Kind::Prohibited},
             {4, 3, 11, Kind::RouteUnreachable},
             {4, 3, 13, Kind::Prohibited},
             {4, 3, 16, std::nullopt},
             {4, 11, 0, Kind::TimeExceeded},
             {4, 11, 1, Kind::ReassemblyTimeout},
             {4, 12, 0, Kind::ParameterProblem},
             {4, 4, 0, std::nullopt},
             {4, 5, 1, std::nullopt},
             {4, 8, 0, std::nullopt},
             {4, 0, 0, std::nullopt},
             {6, 1, 0, Kind::RouteUnreachable},
             {6, 1, 1, Kind::Prohibited},
             {6, 1, 3, Kind::RouteUnreachable},
             {6, 1, 4, Kind::PortUnreachable},
             {6, 1, 5, Kind::Prohibited},
             {6, 1, 9, std::nullopt},
             {6, 2, 0, Kind::PacketTooBig},
             {6, 3, 0, Kind::TimeExceeded},
             {6, 3, 1, Kind::ReassemblyTimeout},
             {6, 4, 0, Kind::ParameterProblem},
             {6, 4, 1, Kind::ProtocolUnreachable},
             {6, 128, 0, std::nullopt},
             {6, 137, 0, std::nullopt},
             {6, 5, 0, std::nullopt},
         }) {
        const auto error = read(row.version, sealed_error(row.version, row.type, row.code, 1300,
                                                          row.version == 4 ? kOurTcp4 : kOurTcp6));
        const auto where = testing::Message() << unsigned{row.version} << ' ' << row.type << '/' << row.code;
        ASSERT_EQ(error.has_value(), row.kind.has_value()) << where;
        if (error) {
            EXPECT_EQ(error->kind, *row.kind) << where;
        }
    }
}

TEST(ReceivedErrors, WithAnMtuBelowTheMinimumAreIgnored) {
    EXPECT_FALSE(read(4, sealed_error(4, 3, 4, 67, kOurTcp4)));
    EXPECT_TRUE(read(4, sealed_error(4, 3, 4, 68, kOurTcp4)));
    EXPECT_EQ(read(4, sealed_error(4, 3, 4, 0xFFFF'0000, kOurTcp4))->mtu, 0U) << "an old router";
    EXPECT_FALSE(read(6, sealed_error(6, 2, 0, 1279, kOurTcp6)));
    EXPECT_FALSE(read(6, sealed_error(6, 2, 0, 0, kOurTcp6)));
    EXPECT_EQ(read(4, sealed_error(4, 3, 3, 5, kOurTcp4))->mtu, 0U) << "no MTU there";
}

TEST(ReceivedErrors, WithAWrongChecksumAreIgnored) {
    Bytes error = sealed_error(4, 3, 3, 0, kOurTcp4);
    error.back() ^= 1;
    EXPECT_FALSE(read(4, error));
    Bytes error6 = sealed_error(6, 1, 4, 0, kOurTcp6);
    error6[1] = 3;
    EXPECT_FALSE(read(6, error6));
}

TEST(ReceivedErrors, SayWhatIsThereOfATruncatedQuote) {
    for (const std::uint8_t version : {4, 6}) {
        const Bytes& packet = version == 4 ? kOurTcp4 : kOurTcp6;
        const std::size_t header = version == 4 ? 20 : 40;
        for (std::size_t length = 0; length <= packet.size(); ++length) {
            const auto error =
                read(version, sealed_error(version, version == 4 ? 3 : 1, 1, 0,
                                           Bytes(packet.begin(), packet.begin() + std::ptrdiff_t(length))));
            ASSERT_EQ(error.has_value(), length >= header) << length;
            if (!error)
                continue;
            EXPECT_EQ(error->has_transport, length >= header + 8) << length;
            EXPECT_EQ(error->source_port, length >= header + 8 ? 0x0102 : 0);
            EXPECT_EQ(error->sequence, length >= header + 8 ? 0xFEDC'BA98 : 0);
        }
    }
    for (std::size_t length = 0; length < 8; ++length)
        EXPECT_FALSE(read(4, Bytes(length, 0xFF)));
}

TEST(ReceivedErrors, HaveNoPortsForLaterFragmentsAndOtherProtocols) {
    const auto later = read(4, sealed_error(4, 11, 1, 0, ipv4({6, kOur4, kTester4, 64, 1}, kSegment)));
    ASSERT_TRUE(later);
    EXPECT_FALSE(later->has_transport);
    const auto ping = read(4, sealed_error(4, 3, 1, 0, ipv4({1, kOur4, kTester4}, kSegment)));
    ASSERT_TRUE(ping);
    EXPECT_FALSE(ping->has_transport);
    const auto datagram = read(6, sealed_error(6, 1, 4, 0, ipv6({17, kOur6, kTester6}, udp())));
    ASSERT_TRUE(datagram);
    EXPECT_TRUE(datagram->has_transport);
    EXPECT_EQ(datagram->sequence, 0U);
}

}  // namespace
}  // namespace l2echo::net
