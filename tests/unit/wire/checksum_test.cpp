#include "l2echo/wire/checksum.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "wire/datapath/checksum_baseline.hpp"

namespace l2echo::wire {
namespace {

using Memory = std::vector<std::byte>;

Memory random_memory(std::size_t length, unsigned seed) {
    std::mt19937 random(seed);
    Memory memory(length);
    for (std::byte& byte : memory)
        byte = static_cast<std::byte>(random());
    return memory;
}

/// The definition of RFC 1071, one big-endian word after the other.
std::uint16_t reference_sum(std::span<const std::byte> bytes) {
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i)
        sum += std::to_integer<std::uint32_t>(bytes[i]) << (i % 2 == 0 ? 8 : 0);
    while (sum > 0xFFFF)
        sum = (sum & 0xFFFF) + (sum >> 16);
    return static_cast<std::uint16_t>(sum);
}
std::uint16_t in_host_order(Sum sum) {
    const std::uint16_t folded = fold(sum);
    return static_cast<std::uint16_t>(folded << 8 | folded >> 8);
}

TEST(Checksum, IsThatOfTheExampleInRfc1071) {
    const Memory bytes{std::byte{0x00}, std::byte{0x01}, std::byte{0xF2}, std::byte{0x03},
                       std::byte{0xF4}, std::byte{0xF5}, std::byte{0xF6}, std::byte{0xF7}};
    EXPECT_EQ(in_host_order(sum_of(bytes)), 0xDDF2);
}

TEST(Checksum, AgreesWithTheDefinitionForAnyLengthAndAlignment) {
    const Memory memory = random_memory(1700, 1);
    for (std::size_t offset = 0; offset < 33; ++offset) {
        for (std::size_t length = 0; length < 200; ++length) {
            const std::span bytes = std::span(memory).subspan(offset, length);
            ASSERT_EQ(in_host_order(sum_of(bytes)), reference_sum(bytes)) << offset << ' ' << length;
            ASSERT_EQ(sum_of_baseline(bytes), sum_of(bytes)) << offset << ' ' << length;
        }
        for (std::size_t length = 1440; length < 1520; ++length) {
            const std::span bytes = std::span(memory).subspan(offset, length);
            ASSERT_EQ(in_host_order(sum_of(bytes)), reference_sum(bytes)) << offset << ' ' << length;
            ASSERT_EQ(sum_of_baseline(bytes), sum_of(bytes)) << offset << ' ' << length;
        }
    }
}

TEST(Checksum, KeepsEachCarry) {
    // Each addition of a word of ones has a carry, and 64 KiB is the longest packet.
    const Memory ones(65535, std::byte{0xFF});
    for (const std::size_t length : {1U, 2U, 3U, 15U, 16U, 31U, 32U, 33U, 1460U, 65534U, 65535U})
        ASSERT_EQ(in_host_order(sum_of(std::span(ones).first(length))),
                  reference_sum(std::span(ones).first(length)))
            << length;
}

TEST(Checksum, CopiesWhatItSumsAndNothingElse) {
    const Memory from = random_memory(1600, 2);
    for (std::size_t length = 0; length < 1500; length += length < 100 ? 1 : 53) {
        for (const std::size_t offset : {0U, 1U, 7U, 16U}) {
            const std::span bytes = std::span(from).subspan(offset, length);
            Memory to(length + 2, std::byte{0xA5});
            ASSERT_EQ(copy_and_sum(to.data() + 1, bytes), sum_of(bytes)) << length;
            EXPECT_TRUE(std::ranges::equal(std::span(to).subspan(1, length), bytes)) << length;
            std::ranges::fill(to, std::byte{0xA5});
            ASSERT_EQ(copy_and_sum_baseline(to.data() + 1, bytes), sum_of(bytes)) << length;
            EXPECT_TRUE(std::ranges::equal(std::span(to).subspan(1, length), bytes)) << length;
            EXPECT_EQ(to.front(), std::byte{0xA5});
            EXPECT_EQ(to.back(), std::byte{0xA5});
        }
    }
}

TEST(Checksum, OfTwoPiecesIsThatOfTheWhole) {
    const Memory whole = random_memory(101, 3);
    for (std::size_t cut = 0; cut <= whole.size(); ++cut) {
        const Sum both =
            sum_of(std::span(whole).first(cut)) + at_offset(sum_of(std::span(whole).subspan(cut)), cut);
        ASSERT_EQ(fold(both), fold(sum_of(whole))) << cut;
    }
}

TEST(Checksum, IsRightOnlyForTheBytesThatItWasStoredFor) {
    Memory packet = random_memory(61, 4);
    packet[16] = packet[17] = std::byte{0};
    store_checksum(packet.data() + 16, sum_of(packet));
    EXPECT_TRUE(is_right(sum_of(packet)));
    for (std::size_t bit = 0; bit < 8 * packet.size(); ++bit) {
        packet[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
        EXPECT_FALSE(is_right(sum_of(packet))) << bit;
        packet[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
    }
}

}  // namespace
}  // namespace l2echo::wire
