#include "l2echo/wire/ethernet.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "exact_bytes.hpp"
#include "l2echo/wire/frame_headers.hpp"

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

TEST(EthernetHeader, IsWrittenByteByByte) {
    const EthernetHeader plain{0x5544'3322'1102, 0xEEDD'CCBB'AA02, kEtherTypeIpv4, {}};
    ExactBytes frame(std::vector<std::uint8_t>(header_length(plain), 0xA5));
    EXPECT_EQ(write_header(plain, frame.data()), 14U);
    EXPECT_EQ(frame.bytes(), (std::vector<std::uint8_t>{0x02, 0x11, 0x22, 0x33, 0x44, 0x55, 0x02, 0xAA, 0xBB,
                                                        0xCC, 0xDD, 0xEE, 0x08, 0x00}));
    EthernetHeader tagged = plain;
    tagged.tag = 0x6005;
    ExactBytes tagged_frame(std::vector<std::uint8_t>(header_length(tagged), 0xA5));
    EXPECT_EQ(write_header(tagged, tagged_frame.data()), 18U);
    EXPECT_EQ(tagged_frame.bytes(),
              (std::vector<std::uint8_t>{0x02, 0x11, 0x22, 0x33, 0x44, 0x55, 0x02, 0xAA, 0xBB, 0xCC, 0xDD,
                                         0xEE, 0x81, 0x00, 0x60, 0x05, 0x08, 0x00}));
    const FrameHeaders headers = read_headers(tagged_frame.view());
    EXPECT_EQ(headers.vlan_id, 5);
    EXPECT_EQ(headers.type, kEtherTypeIpv4);
    EXPECT_EQ(headers.network, 18U);
}

TEST(MacAddress, IsReadAsItWasStored) {
    ExactBytes bytes({1, 2, 3, 4, 5, 6});
    EXPECT_EQ(load_mac(bytes.data()), 0x0605'0403'0201U);
    store_mac(bytes.data(), 0xAABB'CCDD'EEFF);
    EXPECT_EQ(bytes.bytes(), (std::vector<std::uint8_t>{0xFF, 0xEE, 0xDD, 0xCC, 0xBB, 0xAA}));
}

}  // namespace
}  // namespace l2echo::wire
