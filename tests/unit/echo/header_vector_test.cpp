#include "echo/datapath/header_vector.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "exact_bytes.hpp"
#include "l2echo/echo/rules.hpp"

namespace l2echo::echo {
namespace {

using Bytes = std::vector<std::uint8_t>;

const Bytes kOrdinary{0x02, 1, 2, 3, 4, 5, 0x02, 9, 8, 7, 6, 5, 0x08, 0, 0x45, 0};

/// Often ordinary; otherwise sixteen bytes built from values that matter to the fast path.
Bytes random_header(std::mt19937& random) {
    if (random() % 4 != 0)
        return kOrdinary;
    const std::vector<Bytes> macs{{0x02, 0x11, 0x22, 0x33, 0x44, 0x55},
                                  {0x06, 0x11, 0x22, 0x33, 0x44, 0x55},
                                  {0x02, 0, 0, 0, 0, 0},
                                  Bytes(6, 0),
                                  {0x02, 0xAA, 0xBB, 0xCC, 0xDD, 0xEE},
                                  {0x03, 0xAA, 0xBB, 0xCC, 0xDD, 0xEF}};
    const std::vector<Bytes> types{{0x08, 0x00}, {0x86, 0xDD}, {0x08, 0x00}, {0x81, 0x00}, {0x00, 0x08}};
    Bytes header;
    for (const auto& choices : {macs, macs, types}) {
        const Bytes& part = choices[random() % choices.size()];
        header.insert(header.end(), part.begin(), part.end());
    }
    header.resize(kHeaderVectorLength, static_cast<std::uint8_t>(random()));
    return header;
}

WireRules rules_with_own_macs(std::size_t count) {
    const std::array<wire::MacAddress, 2> macs{0x5544'3322'1102, 0xEEDD'CCBB'AA06};
    return WireRules({}, {.own_mac = 0, .own_macs = {macs.begin(), macs.begin() + count}});
}

TEST(HeaderVector, AcceptsNoFrameThatTheScalarTestRejects) {
    std::mt19937 random(7);
    for (std::size_t own_macs = 0; own_macs <= 2; ++own_macs) {
        const WireRules rules = rules_with_own_macs(own_macs);
        int all_ordinary = 0;
        for (int round = 0; round < 50'000; ++round) {
            FourHeaders headers{};
            bool expected = true;
            for (HeaderVector& header : headers) {
                ExactBytes frame(random_header(random));
                header = load_header(frame.data());
                expected = expected && is_ordinary(frame.view(), wire::load_mac_pair(frame.data()), rules);
            }
            const bool found = are_ordinary(headers, rules.own_macs);
            ASSERT_TRUE(expected || !found);
            all_ordinary += found ? 1 : 0;
        }
        EXPECT_GT(all_ordinary, 1000);
    }
}

HeaderVector header_of(const Bytes& bytes) {
    return load_header(reinterpret_cast<const std::byte*>(bytes.data()));
}

TEST(HeaderVector, DetectsOneNonOrdinaryFrameAtAnyPosition) {
    const std::vector<std::pair<std::size_t, std::uint8_t>> spoilers{
        {0, 0x03}, {6, 0x03}, {12, 0x09}, {13, 1}};
    const WireRules rules = rules_with_own_macs(1);
    for (std::size_t place = 0; place < 4; ++place)
        for (const auto& [at, value] : spoilers) {
            FourHeaders headers{};
            for (std::size_t i = 0; i < 4; ++i) {
                Bytes bytes = kOrdinary;
                if (i == place)
                    bytes[at] = value;
                headers.at(i) = header_of(bytes);
            }
            EXPECT_FALSE(are_ordinary(headers, rules.own_macs)) << place << " " << at;
            headers.at(place) = header_of(kOrdinary);
            EXPECT_TRUE(are_ordinary(headers, rules.own_macs));
        }
}

FourHeaders four_of(const Bytes& bytes) {
    FourHeaders headers{};
    headers.fill(header_of(bytes));
    return headers;
}

TEST(RecentHeader, StartsWithoutAMatch) {
    EXPECT_FALSE(RecentHeader().are_like_it(four_of(Bytes(16, 0))));
    EXPECT_FALSE(RecentHeader().are_like_it(four_of(Bytes(16, 0xFF))));
}

TEST(RecentHeader, ComparesOnlyAddressesAndType) {
    RecentHeader recent;
    recent.remember(header_of(kOrdinary));
    EXPECT_TRUE(recent.are_like_it(four_of(kOrdinary)));
    for (std::size_t place = 0; place < 4; ++place)
        for (std::size_t at = 0; at < 16; ++at)
            for (int bit = 0; bit < 8; ++bit) {
                Bytes other = kOrdinary;
                other[at] = static_cast<std::uint8_t>(other[at] ^ 1 << bit);
                FourHeaders headers = four_of(kOrdinary);
                headers.at(place) = header_of(other);
                EXPECT_EQ(recent.are_like_it(headers), at >= 14) << place << " " << at << " " << bit;
            }
}

TEST(HeaderVector, SwapsAsTheScalarFormDoes) {
    std::mt19937 random(8);
    for (int round = 0; round < 1000; ++round) {
        ExactBytes by_vector(random_header(random));
        ExactBytes by_scalar(by_vector.bytes());
        store_swapped(by_vector.data(), load_header(by_vector.data()));
        store_swapped(by_scalar.data(), wire::load_mac_pair(by_scalar.data()));
        ASSERT_EQ(by_vector.bytes(), by_scalar.bytes());
    }
}

}  // namespace
}  // namespace l2echo::echo
