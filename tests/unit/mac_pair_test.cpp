#include "l2echo/dataplane/mac_pair.hpp"

#include <gtest/gtest.h>

#include <random>

#include "test_frame.hpp"

namespace l2echo {
namespace {

TEST(MacPair, SwapEqualsAnIndependentReferenceOnRandomFrames) {
    std::mt19937 random(1);
    for (int round = 0; round < 100'000; ++round) {
        std::vector<std::uint8_t> bytes(14 + random() % 64);
        for (auto& byte : bytes)
            byte = static_cast<std::uint8_t>(random());
        std::vector<std::uint8_t> expected = bytes;
        std::swap_ranges(expected.begin(), expected.begin() + 6, expected.begin() + 6);

        TestFrame frame(bytes);
        store_swapped(frame.data(), load_mac_pair(frame.data()));
        ASSERT_EQ(frame.bytes(), expected);
    }
}

TEST(MacPair, TouchesTheTwelveAddressBytesOnly) {
    TestFrame frame({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12});
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

TEST(MacFilter, EmptyContainsNothing) {
    const MacFilter filter;
    for (const MacAddress mac : {MacAddress{0}, MacAddress{1}, kMacMask})
        EXPECT_FALSE(filter.may_contain(mac));
}

TEST(MacFilter, ContainsWhatWasAddedAndNothingElse) {
    std::mt19937_64 random(2);
    for (int macs = 1; macs <= 8; ++macs) {
        MacFilter filter;
        std::vector<MacAddress> added;
        for (int i = 0; i < macs; ++i) {
            added.push_back(random() & kMacMask);
            filter.add(added.back());
        }
        for (const MacAddress mac : added) {
            EXPECT_TRUE(filter.may_contain(mac));
            EXPECT_TRUE(filter.contains(mac));
            EXPECT_FALSE(filter.contains(mac ^ 0x0200));
        }
    }
}

TEST(MacFilter, OneMacIsFilteredExactly) {
    MacFilter filter;
    filter.add(0x1234);
    EXPECT_TRUE(filter.may_contain(0x1234));
    EXPECT_FALSE(filter.may_contain(0x1235));
}

}  // namespace
}  // namespace l2echo
