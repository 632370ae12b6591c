#include "l2echo/wire/swap.hpp"

#include <gtest/gtest.h>

#include "exact_bytes.hpp"
#include "test_packets.hpp"

namespace l2echo::wire {
namespace {

using namespace packets;

/// UDP after a destination-options header.
Bytes behind_extension() {
    return ethernet(kOurs, kTester, {0x86DD},
                    ipv6({60, kTester6, kOur6}, join({{17, 0, 1, 4, 0, 0, 0, 0}, udp()})));
}
Bytes ipv4_frame(const Ip& ip, const Bytes& payload = udp()) {
    return ethernet(kOurs, kTester, {0x0800}, ipv4(ip, payload));
}

struct Row {
    const char* name;
    Bytes frame;
    int highest;  ///< highest level at which it can be swapped
};

class SwapLevelTable : public testing::TestWithParam<Row> {};

TEST_P(SwapLevelTable, SwapsFullyAtTheLevelOrNotAtAll) {
    const reference::Layout layout = reference::lay_out(GetParam().frame, GetParam().frame.size());
    for (int number = 0; number < 3; ++number) {
        const auto level = static_cast<SwapLevel>(number);
        ExactBytes frame(GetParam().frame);
        const FrameHeaders headers = read_headers(frame.view());
        ASSERT_EQ(can_swap(frame.data(), headers, level), number <= GetParam().highest) << number;
        EXPECT_EQ(frame.bytes(), GetParam().frame) << "can_swap() changes nothing";
        if (number > GetParam().highest)
            continue;
        swap_network(frame.data(), headers, level);
        Bytes expected = reference::echo_of(GetParam().frame, layout, number);
        reference::exchange(expected, 0, 6);  // the MACs are not part of the level
        EXPECT_EQ(frame.bytes(), expected) << number;
        if (reference::transport_checksum_is_right(GetParam().frame, layout)) {
            EXPECT_TRUE(checksums_are_right(frame.bytes())) << number;
        }
        swap_network(frame.data(), headers, level);
        EXPECT_EQ(frame.bytes(), GetParam().frame) << "swapping twice restores it";
    }
}

INSTANTIATE_TEST_SUITE_P(
    Rows, SwapLevelTable,
    testing::Values(
        Row{"udp4", udp4_frame(), 2}, Row{"tcp6", tcp6_frame(), 2},
        Row{"udp6_behind_extension", behind_extension(), 2},
        Row{"behind_tags",
            ethernet(kOurs, kTester, {0x88A8, 7, 0x8100, 5, 0x0800}, ipv4({6, kTester4, kFar4}, tcp())), 2},
        Row{"options", ipv4_frame({17, kTester4, kFar4, 64, 0, {148, 4, 0, 0}}), 2},
        Row{"first_fragment", ipv4_frame({17, kTester4, kFar4, 64, 0x2000}), 2},
        Row{"later_fragment", ipv4_frame({17, kTester4, kFar4, 64, 3}), 2},
        Row{"icmp", ipv4_frame({1, kTester4, kFar4}, {8, 0, 0, 0, 0, 1, 0, 2}), 1},
        Row{"udp_cut_before_its_ports", ipv4_frame({17, kTester4, kFar4}, {1, 2, 3}), 1},
        Row{"source_route", ipv4_frame({17, kTester4, kFar4, 64, 0, {131, 3, 4, 0}}), 0},
        Row{"multicast4", ipv4_frame({17, kTester4, {224, 0, 0, 1}}), 0},
        Row{"highest_multicast4", ipv4_frame({17, kTester4, {239, 255, 255, 255}}), 0},
        Row{"broadcast4", ipv4_frame({17, kTester4, {255, 255, 255, 255}}), 0},
        Row{"just_below_multicast4", ipv4_frame({17, kTester4, {223, 0, 0, 1}}), 2},
        Row{"multicast6", ethernet(kOurs, kTester, {0x86DD}, ipv6({17, kTester6, kSolicited6}, udp())), 0},
        Row{"arp", ethernet(kOurs, kTester, {0x0806}, counting(28)), 0},
        Row{"unsound_ipv4", ethernet(kOurs, kTester, {0x0800}, counting(46)), 0}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(SwapLevel, NamesAreInTheOrderOfTheLevels) {
    EXPECT_EQ(kSwapLevelNames[static_cast<std::size_t>(SwapLevel::Mac)], "mac");
    EXPECT_EQ(kSwapLevelNames[static_cast<std::size_t>(SwapLevel::MacIp)], "mac+ip");
    EXPECT_EQ(kSwapLevelNames[static_cast<std::size_t>(SwapLevel::MacIpPort)], "mac+ip+port");
}

}  // namespace
}  // namespace l2echo::wire
