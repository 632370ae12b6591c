#include "l2echo/echo/match_rules.hpp"

#include <gtest/gtest.h>

#include "exact_bytes.hpp"
#include "l2echo/echo/match_text.hpp"
#include "test_packets.hpp"

namespace l2echo::echo {
namespace {

using namespace packets;

bool let_through(const std::vector<std::string>& texts, const Bytes& bytes) {
    MatchRules rules;
    for (const std::string& text : texts)
        rules.add(parse_match_rule(text, "--match"));
    ExactBytes frame(bytes);
    return rules.let_through(frame.data(), wire::load_mac_pair(frame.data()),
                             wire::read_headers(frame.view()));
}

Bytes tagged() {
    return ethernet(kOurs, kTester, {0x88A8, 0xE064, 0x8100, 7, 0x0800}, ipv4({6, kTester4, kFar4}, tcp()));
}
Bytes later_fragment() {
    return ethernet(kOurs, kTester, {0x0800}, ipv4({17, kTester4, kFar4, 64, 3}, udp()));
}

struct MatchRow {
    const char* rule;
    Bytes frame;
    bool fits;
};

class MatchRuleTable : public testing::TestWithParam<MatchRow> {};

TEST_P(MatchRuleTable, MatchesExactlyTheNamedFrames) {
    EXPECT_EQ(let_through({GetParam().rule}, GetParam().frame), GetParam().fits) << GetParam().rule;
    EXPECT_EQ(let_through({std::string("refuse,") + GetParam().rule, "echo"}, GetParam().frame),
              !GetParam().fits)
        << "the same rule with `refuse`";
}

// udp4_frame() is 192.0.2.77:5000 > 198.51.100.9:53, tcp6_frame() 2001:db8::77:40000 > 2001:db8::1:80.
INSTANTIATE_TEST_SUITE_P(
    Rows, MatchRuleTable,
    testing::Values(
        MatchRow{"src-mac=02:aa:bb:cc:dd:ee", udp4_frame(), true},
        MatchRow{"src-mac=02:AA:BB:CC:DD:EF", udp4_frame(), false},
        MatchRow{"src-mac=02:11:22:33:44:55", udp4_frame(), false},
        MatchRow{"dst-mac=02:11:22:33:44:55", udp4_frame(), true},
        MatchRow{"dst-mac=02:11:22:00:00:00/24", udp4_frame(), true},
        MatchRow{"dst-mac=02:11:23:00:00:00/24", udp4_frame(), false},
        MatchRow{"dst-mac=02:11:23:00:00:00/23", udp4_frame(), true},
        MatchRow{"dst-mac=ff:ff:ff:ff:ff:ff/0", udp4_frame(), true},
        MatchRow{"vlan=none", udp4_frame(), true}, MatchRow{"vlan=none", tagged(), false},
        MatchRow{"vlan=0", udp4_frame(), false}, MatchRow{"vlan=100", tagged(), true},
        MatchRow{"vlan=7", tagged(), false}, MatchRow{"ethertype=0x0800", tagged(), true},
        MatchRow{"ethertype=2048", udp4_frame(), true}, MatchRow{"ethertype=0x88a8", tagged(), false},
        MatchRow{"ethertype=0x86dd", udp4_frame(), false}, MatchRow{"src-ip=192.0.2.77", udp4_frame(), true},
        MatchRow{"src-ip=192.0.2.76", udp4_frame(), false},
        MatchRow{"src-ip=192.0.2.76/31", udp4_frame(), true},
        MatchRow{"src-ip=192.0.0.0/16", udp4_frame(), true}, MatchRow{"src-ip=0.0.0.0/0", udp4_frame(), true},
        MatchRow{"src-ip=0.0.0.0/0", tcp6_frame(), false}, MatchRow{"src-ip=::/0", udp4_frame(), false},
        MatchRow{"dst-ip=198.51.100.9/32", udp4_frame(), true},
        MatchRow{"dst-ip=192.0.2.77", udp4_frame(), false},
        MatchRow{"src-ip=2001:db8::/32", tcp6_frame(), true},
        MatchRow{"src-ip=2001:db8::77", tcp6_frame(), true},
        MatchRow{"dst-ip=2001:db8::77", tcp6_frame(), false},
        MatchRow{"dst-ip=2001:db8::/127", tcp6_frame(), true},
        MatchRow{"dst-ip=2001:db8::2/127", tcp6_frame(), false}, MatchRow{"udp-src=5000", udp4_frame(), true},
        MatchRow{"udp-dst=5000", udp4_frame(), false}, MatchRow{"udp-dst=53", udp4_frame(), true},
        MatchRow{"udp-dst=53-60", udp4_frame(), true}, MatchRow{"udp-dst=40-53", udp4_frame(), true},
        MatchRow{"udp-dst=54-60", udp4_frame(), false}, MatchRow{"udp-dst=40-52", udp4_frame(), false},
        MatchRow{"tcp-dst=53", udp4_frame(), false}, MatchRow{"tcp-dst=80", tcp6_frame(), true},
        MatchRow{"tcp-src=0-65535", tcp6_frame(), true},
        MatchRow{"tcp-src=40000,tcp-dst=80", tcp6_frame(), true},
        MatchRow{"tcp-src=40000,tcp-dst=81", tcp6_frame(), false},
        MatchRow{"udp-dst=0-65535", later_fragment(), false},
        MatchRow{"src-ip=192.0.2.77", later_fragment(), true},
        MatchRow{"vlan=100,tcp-dst=80,dst-ip=198.51.100.0/24", tagged(), true},
        MatchRow{"vlan=101,tcp-dst=80,dst-ip=198.51.100.0/24", tagged(), false}));

TEST(MatchRules, WithoutRulesEverythingPasses) {
    EXPECT_TRUE(MatchRules().empty());
    EXPECT_TRUE(let_through({}, udp4_frame()));
}

TEST(MatchRules, FrameThatMatchesNoRuleIsRefused) {
    EXPECT_FALSE(let_through({"vlan=1", "vlan=2"}, udp4_frame()));
    EXPECT_FALSE(let_through({"refuse,vlan=1"}, udp4_frame()))
        << "a list of only `refuse` rules echoes nothing";
}

TEST(MatchRules, FirstMatchDecides) {
    EXPECT_TRUE(let_through({"udp-dst=53", "refuse,src-ip=192.0.2.0/24"}, udp4_frame()));
    EXPECT_FALSE(let_through({"refuse,src-ip=192.0.2.0/24", "udp-dst=53"}, udp4_frame()));
    EXPECT_TRUE(let_through({"vlan=1", "refuse,vlan=2", "udp-dst=53"}, udp4_frame()));
}

TEST(MatchRules, SomeFrameBetweenTwoMacsMayPass) {
    const auto may = [](const std::vector<std::string>& texts) {
        MatchRules rules;
        for (const std::string& text : texts)
            rules.add(parse_match_rule(text, "--match"));
        return rules.may_let_through({0x01'00'00'00'00'02, 0x02'00'00'00'00'02});  // destination, source
    };
    EXPECT_TRUE(may({}));
    EXPECT_TRUE(may({"udp-dst=53"}));
    EXPECT_TRUE(may({"vlan=5", "refuse,src-mac=02:00:00:00:00:02"}));
    EXPECT_FALSE(may({"refuse,src-mac=02:00:00:00:00:02", "vlan=5"}));
    EXPECT_TRUE(may({"refuse,src-mac=02:00:00:00:00:02,vlan=4", "vlan=5"})) << "refuses only some of them";
    EXPECT_FALSE(may({"dst-mac=02:00:00:00:00:03"}));
    EXPECT_TRUE(may({"dst-mac=02:00:00:00:00:00/40"}));
}

}  // namespace
}  // namespace l2echo::echo
