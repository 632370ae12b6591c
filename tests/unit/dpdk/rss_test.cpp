#include "l2echo/dpdk/rss.hpp"

#include <gtest/gtest.h>

#include <map>

#include "l2echo/process/error.hpp"

namespace l2echo::dpdk {
namespace {

std::map<std::uint16_t, int> shares(std::uint16_t reta_size, std::uint16_t queues) {
    std::map<std::uint16_t, int> count;
    int entries = 0;
    for (const auto& group : plan_reta(reta_size, queues))
        for (unsigned slot = 0; slot < RTE_ETH_RETA_GROUP_SIZE; ++slot)
            if ((group.mask >> slot & 1) != 0) {
                ++count[group.reta[slot]];
                ++entries;
            }
    EXPECT_EQ(entries, reta_size);
    return count;
}

TEST(Reta, ThreeQueuesShare128EntriesEvenly) {
    EXPECT_EQ(shares(128, 3), (std::map<std::uint16_t, int>{{0, 43}, {1, 43}, {2, 42}}));
}

TEST(Reta, EveryEntryOfALargeTableIsSet) {
    EXPECT_EQ(shares(512, 4), (std::map<std::uint16_t, int>{{0, 128}, {1, 128}, {2, 128}, {3, 128}}));
}

TEST(Reta, PartialLastGroupSetsOnlyItsEntries) {
    EXPECT_EQ(plan_reta(100, 2).size(), 2u);
    EXPECT_EQ(shares(100, 2), (std::map<std::uint16_t, int>{{0, 50}, {1, 50}}));
}

TEST(Reta, EmptyTableHasNoEntries) {
    EXPECT_TRUE(plan_reta(0, 4).empty());
}

TEST(RssFunctions, ParsesNamesAndNone) {
    EXPECT_EQ(parse_rss_functions("none"), 0u);
    EXPECT_EQ(parse_rss_functions("udp"), RTE_ETH_RSS_UDP);
    EXPECT_EQ(parse_rss_functions("ip,tcp"), RTE_ETH_RSS_IP | RTE_ETH_RSS_TCP);
}

TEST(RssFunctions, UnknownNameIsAUsageErrorThatListsTheKnownNames) {
    for (const char* list : {"", "ip,", "foo", "ip;udp", "IP"}) {
        try {
            parse_rss_functions(list);
            FAIL() << list;
        } catch (const process::UsageError& error) {
            EXPECT_NE(std::string(error.what()).find("l2-payload"), std::string::npos);
        }
    }
}

TEST(RssFunctions, DescriptionParsesToTheSameBits) {
    for (const char* list : {"none", "ip", "ip,udp", "ipv4,tcp", "ipv6,udp,eth", "sctp,l2-payload,vlan"})
        EXPECT_EQ(parse_rss_functions(describe_rss_functions(parse_rss_functions(list))),
                  parse_rss_functions(list));
}

TEST(RssFunctions, PartOfAGroupIsNamed) {
    EXPECT_EQ(describe_rss_functions(RTE_ETH_RSS_NONFRAG_IPV4_UDP), "udp");
    EXPECT_EQ(describe_rss_functions(RTE_ETH_RSS_IPV4), "ipv4");
}

TEST(RssKey, ParsesHexadecimalOfAnyEvenLength) {
    EXPECT_EQ(parse_rss_key("6d5Aff00"), (std::vector<std::uint8_t>{0x6D, 0x5A, 0xFF, 0x00}));
}

TEST(RssKey, RejectsEverythingElse) {
    for (const char* key : {"", "6", "6d5", "0x6d", "6d 5", "zz", "-1"})
        EXPECT_THROW(parse_rss_key(key), process::UsageError) << key;
}

}  // namespace
}  // namespace l2echo::dpdk
