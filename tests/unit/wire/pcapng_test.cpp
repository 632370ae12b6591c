#include "l2echo/wire/pcapng.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <map>

namespace l2echo::wire {
namespace {

template <typename Number>
Number number_at(const std::string& text, std::size_t at) {
    Number number{};
    EXPECT_LE(at + sizeof number, text.size());
    std::memcpy(&number, text.data() + at, sizeof number);
    return number;
}

struct Block {
    std::uint32_t type;
    std::string body;
};

/// Parses blocks as in section 3.1 of the draft: type, total length, body, total length.
std::vector<Block> blocks_of(const std::string& text) {
    std::vector<Block> blocks;
    for (std::size_t at = 0; at < text.size();) {
        const auto length = number_at<std::uint32_t>(text, at + 4);
        EXPECT_EQ(length % 4, 0u);
        if (length < 12 || at + length > text.size()) {
            ADD_FAILURE() << "block at " << at << " has length " << length;
            break;
        }
        EXPECT_EQ(number_at<std::uint32_t>(text, at + length - 4), length);
        blocks.push_back({number_at<std::uint32_t>(text, at), text.substr(at + 8, length - 12)});
        at += length;
    }
    return blocks;
}

/// Parses options as in section 3.5: code, length, value padded to 4 bytes, up to code 0.
std::map<int, std::string> options_of(const std::string& body, std::size_t at) {
    std::map<int, std::string> options;
    while (at + 4 <= body.size()) {
        const auto code = number_at<std::uint16_t>(body, at);
        const auto length = number_at<std::uint16_t>(body, at + 2);
        if (code == 0) {
            EXPECT_EQ(at + 4, body.size()) << "the options end where the block ends";
            return options;
        }
        options[code] = body.substr(at + 4, length);
        at += 4 + (length + 3U) / 4 * 4;
    }
    ADD_FAILURE() << "the options do not end";
    return options;
}

TEST(Pcapng, BeginsWithTheSectionAndItsInterfaces) {
    const auto blocks = blocks_of(pcapng_header({"net_tap0", "0000:01:00.1"}, "l2echo 1, DPDK 2"));
    ASSERT_EQ(blocks.size(), 3u);
    EXPECT_EQ(blocks[0].type, 0x0A0D0D0Au);
    EXPECT_EQ(number_at<std::uint32_t>(blocks[0].body, 0), 0x1A2B3C4Du);
    EXPECT_EQ(number_at<std::uint16_t>(blocks[0].body, 4), 1);
    EXPECT_EQ(number_at<std::uint16_t>(blocks[0].body, 6), 0);
    EXPECT_EQ(number_at<std::int64_t>(blocks[0].body, 8), -1);
    EXPECT_EQ(options_of(blocks[0].body, 16), (std::map<int, std::string>{{4, "l2echo 1, DPDK 2"}}));
    EXPECT_EQ(blocks[1].type, 1u);
    EXPECT_EQ(number_at<std::uint16_t>(blocks[1].body, 0), 1) << "Ethernet";
    EXPECT_EQ(options_of(blocks[1].body, 8), (std::map<int, std::string>{{2, "net_tap0"}, {9, "\x09"}}));
    EXPECT_EQ(options_of(blocks[2].body, 8).at(2), "0000:01:00.1");
}

TEST(Pcapng, PacketKeepsTimeLengthsBytesAndComment) {
    for (std::size_t captured = 0; captured < 9; ++captured) {
        std::vector<std::byte> bytes(captured, std::byte{0xAB});
        constexpr std::uint64_t kTime = 0x1234'5678'9ABC'DEF0;
        const auto blocks = blocks_of(pcapng_packet(3, kTime, bytes, 1514, std::string(captured, 'c')));
        ASSERT_EQ(blocks.size(), 1u);
        const std::string& body = blocks[0].body;
        EXPECT_EQ(blocks[0].type, 6u);
        EXPECT_EQ(number_at<std::uint32_t>(body, 0), 3u);
        EXPECT_EQ(number_at<std::uint32_t>(body, 4), kTime >> 32) << "the upper half first";
        EXPECT_EQ(number_at<std::uint32_t>(body, 8), kTime & 0xFFFF'FFFF);
        EXPECT_EQ(number_at<std::uint32_t>(body, 12), captured);
        EXPECT_EQ(number_at<std::uint32_t>(body, 16), 1514u);
        EXPECT_EQ(body.substr(20, captured), std::string(captured, '\xAB'));
        EXPECT_EQ(options_of(body, 20 + (captured + 3) / 4 * 4).at(1), std::string(captured, 'c'));
    }
}

}  // namespace
}  // namespace l2echo::wire
