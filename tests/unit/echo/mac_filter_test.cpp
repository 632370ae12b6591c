#include "l2echo/echo/mac_filter.hpp"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace l2echo::echo {
namespace {

TEST(MacFilter, EmptyContainsNothing) {
    const MacFilter filter;
    for (const wire::MacAddress mac : {wire::MacAddress{0}, wire::MacAddress{1}, wire::kMacMask})
        EXPECT_FALSE(filter.may_contain(mac));
}

TEST(MacFilter, ContainsExactlyTheAddedAddresses) {
    std::mt19937_64 random(2);
    for (int macs = 1; macs <= 8; ++macs) {
        MacFilter filter;
        std::vector<wire::MacAddress> added;
        for (int i = 0; i < macs; ++i) {
            added.push_back(random() & wire::kMacMask);
            filter.add(added.back());
        }
        for (const wire::MacAddress mac : added) {
            EXPECT_TRUE(filter.may_contain(mac));
            EXPECT_TRUE(filter.contains(mac));
            EXPECT_FALSE(filter.contains(mac ^ 0x0200));
        }
    }
}

TEST(MacFilter, SingleMacIsFilteredExactly) {
    MacFilter filter;
    filter.add(0x1234);
    EXPECT_TRUE(filter.may_contain(0x1234));
    EXPECT_FALSE(filter.may_contain(0x1235));
}

}  // namespace
}  // namespace l2echo::echo
