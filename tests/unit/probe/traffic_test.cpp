#include "l2echo/probe/traffic/traffic.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "l2echo/process/error.hpp"
#include "l2echo/wire/line_overhead.hpp"

namespace l2echo::probe {
namespace {

using Bytes = std::vector<std::byte>;

constexpr std::uint32_t kNonce = 12345;

TrafficShape shape_of(Network network, std::vector<std::uint16_t> vlans, std::uint32_t size) {
    TrafficShape shape;
    shape.network = network;
    shape.vlan_ids = std::move(vlans);
    shape.sizes = {size};
    shape.flows = 4;
    shape.source = 0x0A'00'00'00'00'02;
    shape.destination = 0x0B'00'00'00'00'02;
    return shape;
}

Bytes sent_frame(const Traffic& traffic, const Stamp& stamp, std::uint32_t size) {
    Bytes frame(size - wire::kFcsLength);
    traffic.write(frame, stamp);
    return frame;
}

void exchange(Bytes& frame, std::size_t at, std::size_t length) {
    const auto first = frame.begin() + static_cast<std::ptrdiff_t>(at);
    std::rotate(first, first + static_cast<std::ptrdiff_t>(length),
                first + 2 * static_cast<std::ptrdiff_t>(length));
}

Traffic::Verdict check(const Traffic& traffic, const Bytes& frame, Stamp* stamp = nullptr) {
    Bytes scratch(frame.size());
    Stamp found;
    const auto verdict = traffic.check(frame, scratch, found);
    if (stamp != nullptr)
        *stamp = found;
    return verdict;
}

std::uint32_t word_at(const Bytes& frame, std::size_t at) {
    return std::to_integer<std::uint32_t>(frame[at]) << 8 | std::to_integer<std::uint32_t>(frame[at + 1]);
}

/// RFC 1071: valid if the sum over checksum and data is all ones.
bool checksum_is_valid(const Bytes& frame, std::size_t from, std::size_t to, std::uint32_t start) {
    std::uint32_t sum = start;
    for (std::size_t at = from; at < to; at += 2)
        sum += at + 1 < to ? word_at(frame, at) : std::to_integer<std::uint32_t>(frame[at]) << 8;
    while (sum > 0xFFFF)
        sum = (sum & 0xFFFF) + (sum >> 16);
    return sum == 0xFFFF;
}

TEST(Traffic, SwappedFrameIsIntactAndCarriesItsStamp) {
    for (const Network network : {Network::None, Network::Ipv4, Network::Ipv6}) {
        for (const auto& vlans : {std::vector<std::uint16_t>{}, {7}, {100, 7}}) {
            for (const std::uint32_t size : {96u, 97u, 512u, 1518u, 9018u}) {
                const Traffic traffic(shape_of(network, vlans, size), wire::SwapLevel::Mac, kNonce);
                Bytes frame = sent_frame(traffic, {3, 0x1234'5678'9ABC, 0xCBA9'8765'4321}, size);
                exchange(frame, 0, 6);
                Stamp stamp;
                ASSERT_EQ(check(traffic, frame, &stamp), Traffic::Verdict::Intact);
                EXPECT_EQ(stamp.stream, 3);
                EXPECT_EQ(stamp.sequence, 0x1234'5678'9ABCu);
                EXPECT_EQ(stamp.planned, 0xCBA9'8765'4321u);
            }
        }
    }
}

TEST(Traffic, SixtyFourBytesHoldAnIpv4Frame) {
    const Traffic traffic(shape_of(Network::Ipv4, {}, 64), wire::SwapLevel::Mac, kNonce);
    EXPECT_EQ(traffic.smallest_size(), 64u);
    Bytes frame = sent_frame(traffic, {1, 2, 3}, 64);
    exchange(frame, 0, 6);
    EXPECT_EQ(check(traffic, frame), Traffic::Verdict::Intact);
}

TEST(Traffic, SizeThatIsTooSmallIsAnErrorThatNamesTheMinimum) {
    try {
        const Traffic traffic(shape_of(Network::Ipv6, {}, 64), wire::SwapLevel::Mac, kNonce);
        FAIL();
    } catch (const process::UsageError& error) {
        EXPECT_NE(std::string(error.what()).find("at least 84 bytes"), std::string::npos) << error.what();
    }
}

TEST(Traffic, EveryFlippedBitIsDetected) {
    for (const Network network : {Network::None, Network::Ipv4, Network::Ipv6}) {
        const Traffic traffic(shape_of(network, {7}, 128), wire::SwapLevel::Mac, kNonce);
        Bytes frame = sent_frame(traffic, {2, 77, 88}, 128);
        exchange(frame, 0, 6);
        for (std::size_t at = 0; at < frame.size(); ++at) {
            for (unsigned bit = 0; bit < 8; ++bit) {
                Bytes flipped = frame;
                flipped[at] ^= static_cast<std::byte>(1u << bit);
                ASSERT_NE(check(traffic, flipped), Traffic::Verdict::Intact)
                    << "byte " << at << " bit " << bit;
            }
        }
    }
}

TEST(Traffic, UnswappedFrameIsCorrupted) {
    const Traffic traffic(shape_of(Network::Ipv4, {}, 64), wire::SwapLevel::Mac, kNonce);
    EXPECT_EQ(check(traffic, sent_frame(traffic, {1, 2, 3}, 64)), Traffic::Verdict::Corrupted);
}

TEST(Traffic, TruncatedOrPaddedFramesAreNotIntact) {
    const Traffic traffic(shape_of(Network::None, {}, 128), wire::SwapLevel::Mac, kNonce);
    Bytes frame = sent_frame(traffic, {1, 2, 3}, 128);
    exchange(frame, 0, 6);
    for (const std::size_t length : {std::size_t{127 - 4}, std::size_t{64}, std::size_t{14}}) {
        const Bytes cut(frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(length));
        EXPECT_EQ(check(traffic, cut), Traffic::Verdict::Damaged) << length;
    }
    Bytes padded = frame;
    padded.push_back(std::byte{0});
    EXPECT_EQ(check(traffic, padded), Traffic::Verdict::Damaged);
}

TEST(Traffic, ForeignAndShortFramesAreHarmless) {
    const Traffic traffic(shape_of(Network::Ipv4, {}, 64), wire::SwapLevel::Mac, kNonce);
    for (const std::size_t length : {std::size_t{0}, std::size_t{1}, std::size_t{13}, std::size_t{60}})
        EXPECT_EQ(check(traffic, Bytes(length, std::byte{0x55})), Traffic::Verdict::Foreign) << length;
}

TEST(Traffic, FrameOfAnotherRunIsForeign) {
    const Traffic other(shape_of(Network::Ipv4, {}, 64), wire::SwapLevel::Mac, kNonce + 1);
    const Traffic traffic(shape_of(Network::Ipv4, {}, 64), wire::SwapLevel::Mac, kNonce);
    Bytes frame = sent_frame(other, {1, 2, 3}, 64);
    exchange(frame, 0, 6);
    EXPECT_EQ(check(traffic, frame), Traffic::Verdict::Damaged);
}

TEST(Traffic, SwapLevelsExpectSwappedAddressesAndPorts) {
    const auto frame_at = [](wire::SwapLevel level, Network network) {
        const bool v4 = network == Network::Ipv4;
        const Traffic traffic(shape_of(network, {7}, 128), level, kNonce);
        Bytes frame = sent_frame(traffic, {2, 5, 6}, 128);
        exchange(frame, 0, 6);
        EXPECT_EQ(check(traffic, frame) == Traffic::Verdict::Intact, level == wire::SwapLevel::Mac);
        exchange(frame, 18 + (v4 ? 12 : 8), v4 ? 4 : 16);
        EXPECT_EQ(check(traffic, frame) == Traffic::Verdict::Intact, level == wire::SwapLevel::MacIp);
        exchange(frame, 18 + (v4 ? 20 : 40), 2);
        EXPECT_EQ(check(traffic, frame) == Traffic::Verdict::Intact, level == wire::SwapLevel::MacIpPort);
    };
    for (const Network network : {Network::Ipv4, Network::Ipv6})
        for (const wire::SwapLevel level :
             {wire::SwapLevel::Mac, wire::SwapLevel::MacIp, wire::SwapLevel::MacIpPort})
            frame_at(level, network);
}

TEST(Traffic, ChecksumsAreValid) {
    for (const std::uint32_t size : {64u, 65u, 200u, 1517u, 1518u}) {
        const Traffic traffic(shape_of(Network::Ipv4, {}, size), wire::SwapLevel::Mac, kNonce);
        const Bytes frame = sent_frame(traffic, {1, size, 3}, size);
        EXPECT_EQ(word_at(frame, 16), size - 4 - 14) << "IPv4 total length";
        EXPECT_TRUE(checksum_is_valid(frame, 14, 34, 0)) << "IPv4 header";
        const std::uint32_t pseudo = 17 + word_at(frame, 38);
        EXPECT_TRUE(checksum_is_valid(frame, 26, frame.size(), pseudo)) << "UDP, size " << size;
    }
    for (const std::uint32_t size : {84u, 85u, 1518u}) {
        const Traffic traffic(shape_of(Network::Ipv6, {}, size), wire::SwapLevel::Mac, kNonce);
        const Bytes frame = sent_frame(traffic, {1, size, 3}, size);
        EXPECT_EQ(word_at(frame, 18), size - 4 - 54) << "IPv6 payload length";
        const std::uint32_t pseudo = 17 + word_at(frame, 58);
        EXPECT_TRUE(checksum_is_valid(frame, 22, frame.size(), pseudo)) << "UDP over IPv6, size " << size;
    }
}

TEST(Traffic, FlowsDifferInTheFieldsThatRssHashes) {
    const Traffic udp(shape_of(Network::Ipv4, {}, 64), wire::SwapLevel::Mac, kNonce);
    EXPECT_NE(word_at(sent_frame(udp, {0, 1, 1}, 64), 34), word_at(sent_frame(udp, {1, 1, 1}, 64), 34));
    const Traffic ethernet(shape_of(Network::None, {}, 64), wire::SwapLevel::Mac, kNonce);
    EXPECT_NE(word_at(sent_frame(ethernet, {0, 1, 1}, 64), 10),
              word_at(sent_frame(ethernet, {1, 1, 1}, 64), 10));
}

TEST(Traffic, FlowsUseDistinctPortsOfTheDynamicRange) {
    for (const Network network : {Network::Ipv4, Network::Ipv6}) {
        TrafficShape shape = shape_of(network, {}, 128);
        shape.flows = 65'535;
        const Traffic traffic(shape, wire::SwapLevel::Mac, kNonce);
        const std::size_t addresses = network == Network::Ipv4 ? 26 : 22;
        const std::size_t port = network == Network::Ipv4 ? 34 : 54;
        std::set<Bytes> flows;
        for (std::uint32_t stream = 0; stream < shape.flows; ++stream) {
            const Bytes frame = sent_frame(traffic, {static_cast<std::uint16_t>(stream), 1, 1}, 128);
            ASSERT_GE(word_at(frame, port), 49'152u) << stream;
            flows.emplace(frame.begin() + static_cast<std::ptrdiff_t>(addresses),
                          frame.begin() + static_cast<std::ptrdiff_t>(port) + 2);
        }
        EXPECT_EQ(flows.size(), shape.flows);
        const Bytes last = sent_frame(traffic, {65'534, 1, 1}, 128);
        EXPECT_EQ(std::to_integer<int>(last[network == Network::Ipv4 ? 29 : 37]), 4)
            << "the last byte of the source address";
    }
}

TEST(Stamp, Times48BitsWideWrapWithoutError) {
    constexpr std::uint64_t kRound = kStampNumbers;
    EXPECT_EQ(cycles_since(100, 250), 150u);
    EXPECT_EQ(cycles_since(kRound - 1, kRound), 1u);             // the clock has 49 bits by now
    EXPECT_EQ(cycles_since(kRound - 10, 5 * kRound + 10), 20u);  // and has wrapped four times
    EXPECT_EQ(cycles_since(7, 9 * kRound + 7), 0u);
    EXPECT_EQ(cycles_since(0, kRound / 2 - 1), kRound / 2 - 1);  // the maximum
    EXPECT_EQ(cycles_since(200, 150), 0u) << "a clock that is slightly ahead";
    EXPECT_EQ(cycles_since(3, kRound - 2), 0u) << "also across the wrap";
}

TEST(Sizes, ListIsSentInTurn) {
    TrafficShape shape = shape_of(Network::Ipv4, {}, 64);
    parse_sizes("64,512,1518", shape);
    const Traffic traffic(shape, wire::SwapLevel::Mac, kNonce);
    EXPECT_EQ(traffic.size_of(0), 64u);
    EXPECT_EQ(traffic.size_of(4), 512u);
    EXPECT_EQ(traffic.largest_size(), 1518u);
}

TEST(Sizes, RangeIsUniform) {
    TrafficShape shape = shape_of(Network::Ipv4, {}, 64);
    parse_sizes("512-1024", shape);
    const Traffic traffic(shape, wire::SwapLevel::Mac, kNonce);
    std::map<std::uint32_t, int> seen;
    for (std::uint64_t index = 0; index < 51'300; ++index)
        ++seen[traffic.size_of(index)];
    EXPECT_EQ(seen.size(), 513u);
    EXPECT_EQ(seen.begin()->first, 512u);
    EXPECT_EQ(seen.rbegin()->first, 1024u);
    for (const auto& [size, count] : seen)
        EXPECT_LT(count, 200) << size << ": expected 100";
}

TEST(Sizes, ImixIsSevenFourOne) {
    TrafficShape shape = shape_of(Network::Ipv4, {}, 64);
    parse_sizes("imix", shape);
    EXPECT_EQ(std::ranges::count(shape.sizes, 64u), 7);
    EXPECT_EQ(std::ranges::count(shape.sizes, 594u), 4);
    EXPECT_EQ(std::ranges::count(shape.sizes, 1518u), 1);
}

TEST(Sizes, SmallImixFramesGrowToHoldTheHeaders) {
    TrafficShape shape = shape_of(Network::Ipv6, {100}, 64);
    parse_sizes("imix", shape);
    EXPECT_EQ(std::ranges::count(shape.sizes, 88u), 7);
    EXPECT_EQ(describe(Traffic(shape, wire::SwapLevel::Mac, kNonce).frame_sizes()),
              "size imix (88 to 1518 bytes)");
    parse_sizes("64", shape);
    EXPECT_THROW(throw_if_too_small(shape), process::UsageError) << "this size was typed";
}

TEST(Sizes, MeanIsThatOfTheSentFrames) {
    const auto mean_of = [](const char* sizes) {
        TrafficShape shape;
        parse_sizes(sizes, shape);
        return Traffic(shape, wire::SwapLevel::Mac, 1).mean_size();
    };
    EXPECT_DOUBLE_EQ(mean_of("64"), 64);
    EXPECT_DOUBLE_EQ(mean_of("512-1024"), 768);
    EXPECT_DOUBLE_EQ(mean_of("imix"), (7 * 64 + 4 * 594 + 1518) / 12.0);
}

TEST(Sizes, InvalidTextIsAUsageError) {
    TrafficShape shape;
    for (const char* text : {"", "x", "64,", "64-", "1024-512", "64x", "70000", "-5"})
        EXPECT_THROW(parse_sizes(text, shape), process::UsageError) << text;
}

}  // namespace
}  // namespace l2echo::probe
