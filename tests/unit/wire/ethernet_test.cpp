#include "l2echo/wire/ethernet.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "exact_bytes.hpp"

namespace l2echo::wire {
namespace {

TEST(MacPair, SwapAgreesWithAnIndependentReferenceOnRandomFrames) {
    std::mt19937 random(1);
    for (int round = 0; round < 100'000; ++round) {
        std::vector<std::uint8_t> bytes(14 + random() % 64);
        for (auto& byte : bytes)
            byte = static_cast<std::uint8_t>(random());
        std::vector<std::uint8_t> expected = bytes;
        std::swap_ranges(expected.begin(), expected.begin() + 6, expected.begin() + 6);

        ExactBytes frame(bytes);
        store_swapped(frame.data(), load_mac_pair(frame.data()));
        ASSERT_EQ(frame.bytes(), expected);
    }
}

TEST(MacPair, SwapChangesOnlyTheTwelveAddressBytes) {
    ExactBytes frame({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12});
    store_swapped(frame.data(), load_mac_pair(frame.data()));
    EXPECT_EQ(frame.bytes(), (std::vector<std::uint8_t>{7, 8, 9, 10, 11, 12, 1, 2, 3, 4, 5, 6}));
}

TEST(MacPair, GroupBitIsTheLowestOfTheFirstByte) {
    EXPECT_TRUE(is_group(0x0000'0000'0001));
    EXPECT_FALSE(is_group(0x0100'0000'0000));
}

TEST(MacPair, FormatsInWireOrder) {
    EXPECT_EQ(format_mac(0x01'00'5E'00'00'02), "02:00:00:5e:00:01");
}

}  // namespace
}  // namespace l2echo::wire
