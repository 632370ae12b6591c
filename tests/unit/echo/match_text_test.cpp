#include "l2echo/echo/match_text.hpp"

#include <gtest/gtest.h>

#include <array>

#include "usage_error.hpp"

namespace l2echo::echo {
namespace {

AnswerRules interface_of(const std::string& text) {
    AnswerRules rules;
    parse_interface(text, "--ip", rules);
    return rules;
}

TEST(Interface, IsAHostAddressWithItsPrefixLength) {
    const AnswerRules four = interface_of("192.0.2.1/24");
    ASSERT_EQ(four.ipv4.size(), 1u);
    EXPECT_EQ(four.ipv4[0].address, (std::array{std::byte{192}, std::byte{0}, std::byte{2}, std::byte{1}}));
    EXPECT_EQ(four.ipv4[0].prefix_length, 24);
    EXPECT_TRUE(four.ipv6.empty());
    const AnswerRules six = interface_of("2001:db8::1/64");
    ASSERT_EQ(six.ipv6.size(), 1u);
    EXPECT_EQ(six.ipv6[0].address.at(0), std::byte{0x20});
    EXPECT_EQ(six.ipv6[0].address.at(15), std::byte{1});
    EXPECT_EQ(six.ipv6[0].prefix_length, 64);
    EXPECT_TRUE(six.ipv4.empty());
}

TEST(Interface, SmallNetworksHaveNoBroadcastOrNetworkAddress) {
    for (const char* text : {"192.0.2.0/31", "192.0.2.1/31", "192.0.2.0/32", "192.0.2.255/32",
                             "2001:db8::/127", "2001:db8::/128", "fe80::1/64"})
        EXPECT_TRUE(interface_of(text).any()) << text;
}

TEST(Interface, NonHostAddressIsRejected) {
    for (const std::string text :
         {"192.0.2.0/24", "192.0.2.255/24", "192.0.2.128/25", "0.0.0.1/8", "127.0.0.1/8", "224.0.0.1/4",
          "255.255.255.255/32", "2001:db8::/64", "::/0", "::1/128", "ff02::1/64"})
        EXPECT_EQ(usage_error_of([&] { interface_of(text); }),
                  "--ip: " + text + " is not the address of a host");
}

TEST(Interface, InvalidTextIsAUsageErrorThatQuotesIt) {
    for (const std::string text : {"", "192.0.2.1", "2001:db8::1", "192.0.2.1/", "192.0.2.1/33",
                                   "192.0.2.1/-1", "192.0.2.1/24/8", "192.0.2.1/2 4", "192.0.2/24",
                                   "192.0.2.256/24", "2001:db8::1/129", "2001:db8:::1/64", "host/24", "/24"})
        EXPECT_EQ(usage_error_of([&] { interface_of(text); }),
                  "--ip: '" + text +
                      "' is not an address with its prefix length, like 192.0.2.1/24 or 2001:db8::1/64");
}

TEST(MatchRuleText, ParsesEveryKey) {
    const MatchRule rule = parse_match_rule(
        "src-mac=02:00:5e:00:00:01,dst-mac=02:00:5e:00:00:00/24,vlan=100,ethertype=0x0800,"
        "src-ip=10.1.2.3/8,dst-ip=192.0.2.1,udp-src=1000-2000,udp-dst=53",
        "--match");
    EXPECT_TRUE(rule.echo);
    EXPECT_EQ(rule.source.value, 0x0100'005E'0002u);
    EXPECT_EQ(rule.source.mask, wire::kMacMask);
    EXPECT_EQ(rule.destination.value, 0x5E'0002u);
    EXPECT_EQ(rule.destination.mask, 0xFF'FFFFu);
    EXPECT_EQ(rule.vlan_id, 100);
    EXPECT_EQ(rule.ether_type, wire::kEtherTypeIpv4);
    EXPECT_EQ(rule.ip_source->value.at(0), std::byte{10});
    EXPECT_EQ(rule.ip_source->value.at(1), std::byte{0}) << "host bits are ignored";
    EXPECT_EQ(rule.ip_source->mask.at(1), std::byte{0});
    EXPECT_EQ(rule.ip_destination->mask.at(3), std::byte{0xFF});
    EXPECT_EQ(rule.source_port->protocol, wire::kProtocolUdp);
    EXPECT_EQ(rule.source_port->from, 1000);
    EXPECT_EQ(rule.source_port->to, 2000);
    EXPECT_EQ(rule.destination_port->from, 53);
    EXPECT_EQ(rule.destination_port->to, 53);
    EXPECT_EQ(parse_match_rule("tcp-dst=0-65535", "--match").destination_port->protocol, wire::kProtocolTcp);
    EXPECT_EQ(parse_match_rule("dst-ip=2001:db8::/33", "--match").ip_destination->version, 6);
    EXPECT_EQ(parse_match_rule("vlan=none", "--match").vlan_id, MatchRule::kNoVlan);
}

TEST(MatchRuleText, BeginsWithTheActionOrEchoes) {
    EXPECT_FALSE(parse_match_rule("refuse,vlan=1", "--match").echo);
    EXPECT_TRUE(parse_match_rule("echo,vlan=1", "--match").echo);
    EXPECT_FALSE(parse_match_rule("refuse", "--match").echo) << "refuses everything";
}

struct WrongRule {
    const char* text;
    const char* words;
};

class WrongMatchRule : public testing::TestWithParam<WrongRule> {};

TEST_P(WrongMatchRule, IsAUsageErrorThatSaysWhatIsWrong) {
    const std::string error = usage_error_of([] { parse_match_rule(GetParam().text, "--match"); });
    EXPECT_EQ(error, std::string("--match ") + GetParam().text + ": " + GetParam().words);
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, WrongMatchRule,
    testing::Values(
        WrongRule{"", "'' is not key=value"}, WrongRule{"vlan", "'vlan' is not key=value"},
        WrongRule{"vlan=1,", "'' is not key=value"}, WrongRule{"vlan=1,refuse", "'refuse' is not key=value"},
        WrongRule{
            "port=1",
            "'port' is none of src-mac, dst-mac, vlan, ethertype, src-ip, dst-ip, udp-src, udp-dst, tcp-src, "
            "tcp-dst"},
        WrongRule{"src-mac=02:11",
                  "src-mac: '02:11' is not a MAC address like 02:00:5e:00:00:01, "
                  "or a prefix of one like 02:00:5e:00:00:00/24"},
        WrongRule{"dst-mac=02:00:5e:00:00:01/49",
                  "dst-mac: '02:00:5e:00:00:01/49' is not a MAC address like 02:00:5e:00:00:01, "
                  "or a prefix of one like 02:00:5e:00:00:00/24"},
        WrongRule{"vlan=4095", "vlan: '4095' is neither an id from 0 to 4094 nor none"},
        WrongRule{"vlan=-1", "vlan: '-1' is neither an id from 0 to 4094 nor none"},
        WrongRule{"vlan=", "vlan: '' is neither an id from 0 to 4094 nor none"},
        WrongRule{"ethertype=ip", "ethertype: 'ip' is not a number like 0x0800"},
        WrongRule{"ethertype=0x10000", "ethertype: '0x10000' is not a number like 0x0800"},
        WrongRule{"ethertype=0x", "ethertype: '0x' is not a number like 0x0800"},
        WrongRule{"src-ip=10.0.0.0/33",
                  "src-ip: '10.0.0.0/33' is not an address or prefix like 10.0.0.0/8 or 2001:db8::/32"},
        WrongRule{"dst-ip=host",
                  "dst-ip: 'host' is not an address or prefix like 10.0.0.0/8 or 2001:db8::/32"},
        WrongRule{"udp-dst=65536", "udp-dst: '65536' is neither a port nor a range like 5000-5010"},
        WrongRule{"tcp-src=10-9", "tcp-src: '10-9' is neither a port nor a range like 5000-5010"},
        WrongRule{"tcp-src=10-", "tcp-src: '10-' is neither a port nor a range like 5000-5010"},
        WrongRule{"udp-src=1,tcp-dst=2", "a frame is UDP or TCP, never both"},
        WrongRule{"src-ip=::/0,dst-ip=10.0.0.0/8", "a frame is IPv4 or IPv6, never both"},
        WrongRule{"vlan=1,vlan=2", "vlan is given twice; give one --match for each"},
        WrongRule{"udp-dst=53,tcp-dst=53", "a frame is UDP or TCP, never both"}));

}  // namespace
}  // namespace l2echo::echo
