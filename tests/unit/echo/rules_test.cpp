#include "l2echo/echo/rules.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

#include "exact_bytes.hpp"
#include "l2echo/echo/match_text.hpp"
#include "test_packets.hpp"

namespace l2echo::verdict {

/// For messages of failed tests.
void PrintTo(Reason reason, std::ostream* out) {
    *out << (reason == Reason::None ? "none" : row_of(reason).name);
}

}  // namespace l2echo::verdict

namespace l2echo::echo {
namespace {

using namespace packets;
using verdict::Reason;

WireRules default_rules() {
    return WireRules({}, {.own_mac = kOurMac, .own_macs = {kOurMac}});
}
/// The rules of a port with an empty filter.
WireRules rules_without_filter() {
    return WireRules({}, {.own_mac = kOurMac, .own_macs = {}});
}

/// Destination and source MAC, then 16-bit words (tags and types), zeros up to `length`.
Bytes make_frame(Bytes destination, const Bytes& source, const std::vector<std::uint16_t>& words,
                 std::size_t length = 60) {
    Bytes frame = std::move(destination);
    frame.insert(frame.end(), source.begin(), source.end());
    for (const std::uint16_t word : words) {
        frame.push_back(static_cast<std::uint8_t>(word >> 8));
        frame.push_back(static_cast<std::uint8_t>(word));
    }
    frame.resize(length);
    return frame;
}

Reason decide(const Bytes& bytes, const WireRules& rules, Reason closed_by = Reason::None) {
    ExactBytes frame(bytes);
    const Reason refusal = first_refusal(frame.view(), wire::read_headers(frame.view()), rules, closed_by);
    if (is_ordinary(frame.view(), wire::load_mac_pair(frame.data()), rules) && rules.fast_path_decides() &&
        closed_by == Reason::None) {
        EXPECT_EQ(refusal, Reason::None) << "the fast path must agree";
    }
    return refusal;
}

struct WireRow {
    const char* name;
    Bytes frame;
    Reason expected;
};

class WireRulesTable : public testing::TestWithParam<WireRow> {};

TEST_P(WireRulesTable, DecideAsTheTableSays) {
    EXPECT_EQ(decide(GetParam().frame, default_rules()), GetParam().expected);
}

Bytes reserved(std::uint8_t last) {
    return {0x01, 0x80, 0xC2, 0x00, 0x00, last};
}

INSTANTIATE_TEST_SUITE_P(
    Rows, WireRulesTable,
    testing::Values(
        WireRow{"ipv4", make_frame(kOurs, kTester, {0x0800}), Reason::None},
        WireRow{"ipv6", make_frame(kOurs, kTester, {0x86DD}), Reason::None},
        WireRow{"arp_unicast", make_frame(kOurs, kTester, {0x0806}), Reason::None},
        WireRow{"unknown_type", make_frame(kOurs, kTester, {0x1234}), Reason::None},
        WireRow{"length_field", make_frame(kOurs, kTester, {0x0026}), Reason::None},
        WireRow{"to_any_mac", make_frame({0x02, 9, 9, 9, 9, 9}, kTester, {0x0800}), Reason::None},
        WireRow{"exactly_14_bytes", make_frame(kOurs, kTester, {0x0800}, 14), Reason::None},
        WireRow{"longest_untagged", make_frame(kOurs, kTester, {0x0800}, 1514), Reason::None},
        WireRow{"too_long_untagged", make_frame(kOurs, kTester, {0x0800}, 1515), Reason::Oversize},
        WireRow{"longest_vlan", make_frame(kOurs, kTester, {0x8100, 5, 0x0800}, 1518), Reason::None},
        WireRow{"too_long_vlan", make_frame(kOurs, kTester, {0x8100, 5, 0x0800}, 1519), Reason::Oversize},
        WireRow{"longest_qinq", make_frame(kOurs, kTester, {0x88A8, 5, 0x8100, 6, 0x0800}, 1522),
                Reason::None},
        WireRow{"too_long_qinq", make_frame(kOurs, kTester, {0x88A8, 5, 0x8100, 6, 0x0800}, 1523),
                Reason::Oversize},
        WireRow{"vlan_9100", make_frame(kOurs, kTester, {0x9100, 5, 0x0800}, 1518), Reason::None},
        WireRow{"stp", make_frame(reserved(0x00), kTester, {0x0026}), Reason::Reserved},
        WireRow{"reserved_0f", make_frame(reserved(0x0F), kTester, {0x0800}), Reason::Reserved},
        WireRow{"just_above_0f", make_frame(reserved(0x10), kTester, {0x0800}), Reason::GroupDestination},
        WireRow{"reserved_20", make_frame(reserved(0x20), kTester, {0x0800}), Reason::Reserved},
        WireRow{"reserved_2f", make_frame(reserved(0x2F), kTester, {0x0800}), Reason::Reserved},
        WireRow{"reserved_30", make_frame(reserved(0x30), kTester, {0x0800}), Reason::Reserved},
        WireRow{"reserved_3f", make_frame(reserved(0x3F), kTester, {0x0800}), Reason::Reserved},
        WireRow{"just_above_3f", make_frame(reserved(0x40), kTester, {0x0800}), Reason::GroupDestination},
        WireRow{"other_prefix", make_frame({0x01, 0x80, 0xC2, 0x00, 0x01, 0x00}, kTester, {0x0800}),
                Reason::GroupDestination},
        WireRow{"pause_to_reserved", make_frame(reserved(0x01), kTester, {0x8808}), Reason::Reserved},
        WireRow{"pause_to_unicast", make_frame(kOurs, kTester, {0x8808}), Reason::Control},
        WireRow{"slow_protocols", make_frame(kOurs, kTester, {0x8809}), Reason::Control},
        WireRow{"lldp", make_frame(kOurs, kTester, {0x88CC}), Reason::Control},
        WireRow{"eapol", make_frame(kOurs, kTester, {0x888E}), Reason::Control},
        WireRow{"cfm", make_frame(kOurs, kTester, {0x8902}), Reason::Control},
        WireRow{"ptp", make_frame(kOurs, kTester, {0x88F7}), Reason::Control},
        WireRow{"ptp_behind_vlan", make_frame(kOurs, kTester, {0x8100, 7, 0x88F7}), Reason::Control},
        WireRow{"cfm_behind_qinq", make_frame(kOurs, kTester, {0x88A8, 7, 0x8100, 8, 0x8902}),
                Reason::Control},
        WireRow{"tag_cut_off", make_frame(kOurs, kTester, {0x8100, 0x88CC}, 16), Reason::None},
        WireRow{"tag_and_no_more", make_frame(kOurs, kTester, {0x8100, 1, 0x88CC}, 18), Reason::Control},
        WireRow{"group_source", make_frame(kOurs, {0x03, 1, 2, 3, 4, 5}, {0x0800}), Reason::GroupSource},
        WireRow{"broadcast_source", make_frame(kOurs, Bytes(6, 0xFF), {0x0800}), Reason::GroupSource},
        WireRow{"source_equals_destination", make_frame(kTester, kTester, {0x0800}), Reason::BadSource},
        WireRow{"zero_source", make_frame(kOurs, Bytes(6, 0), {0x0800}), Reason::BadSource},
        WireRow{"all_zero", Bytes(60, 0), Reason::BadSource},
        WireRow{"own_source", make_frame(kTester, kOurs, {0x0800}), Reason::Loop},
        WireRow{"own_source_to_broadcast", make_frame(Bytes(6, 0xFF), kOurs, {0x0806}), Reason::Loop},
        WireRow{"broadcast", make_frame(Bytes(6, 0xFF), kTester, {0x0806}), Reason::GroupDestination},
        WireRow{"multicast", make_frame({0x01, 0x00, 0x5E, 0, 0, 1}, kTester, {0x0800}),
                Reason::GroupDestination},
        WireRow{"precedence_oversize_first", make_frame(reserved(0x01), kTester, {0x8808}, 1600),
                Reason::Oversize},
        WireRow{"precedence_control_before_source", make_frame(kOurs, Bytes(6, 0), {0x8808}),
                Reason::Control}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(WireRules, EmptyFilterDisablesTheLoopRule) {
    EXPECT_EQ(decide(make_frame(kTester, kOurs, {0x0800}), rules_without_filter()), Reason::None);
}

TEST(WireRules, MtuSetsTheLimit) {
    const WireRules rules({}, {.own_mac = kOurMac, .mtu = 9000, .own_macs = {kOurMac}});
    EXPECT_EQ(decide(make_frame(kOurs, kTester, {0x0800}, 9014), rules), Reason::None);
    EXPECT_EQ(decide(make_frame(kOurs, kTester, {0x0800}, 9015), rules), Reason::Oversize);
}

/// default_rules() with one change.
template <typename... Change>
WireRules rules_with(Change... change) {
    WireRules rules = default_rules();
    (change(rules), ...);
    return rules;
}
void accept_own(WireRules& rules) {
    rules.accept_own_only = true;
}
void group_own_source(WireRules& rules) {
    rules.group_own_source = true;
}
void only_from_tester(WireRules& rules) {
    rules.only_from = kTesterMac;
}
void match_vlan_5(WireRules& rules) {
    rules.match.add(parse_match_rule("vlan=5", "--match"));
}
void swap_ip(WireRules& rules) {
    rules.level = wire::SwapLevel::MacIp;
}
void swap_ports(WireRules& rules) {
    rules.level = wire::SwapLevel::MacIpPort;
}

struct RulesRow {
    const char* name;
    WireRules rules;
    Bytes frame;
    Reason expected;
    Reason closed_by = Reason::None;
};

class WireRulesOptions : public testing::TestWithParam<RulesRow> {};

TEST_P(WireRulesOptions, DecideAsTheTableSays) {
    const RulesRow& row = GetParam();
    EXPECT_EQ(decide(row.frame, row.rules, row.closed_by), row.expected);
}

const Bytes kOther{0x02, 9, 9, 9, 9, 9};
const Bytes kMulticast{0x01, 0x00, 0x5E, 0, 0, 1};

INSTANTIATE_TEST_SUITE_P(
    Rows, WireRulesOptions,
    testing::Values(
        RulesRow{"accept_own_echoes_to_us", rules_with(accept_own), udp4_frame(), Reason::None},
        RulesRow{"accept_own_refuses_others", rules_with(accept_own), make_frame(kOther, kTester, {0x0800}),
                 Reason::NotOwn},
        RulesRow{"accept_own_broadcast_stays_group", rules_with(accept_own),
                 make_frame(kBroadcast, kTester, {0x0800}), Reason::GroupDestination},
        RulesRow{"group_broadcast", rules_with(group_own_source), make_frame(kBroadcast, kTester, {0x0806}),
                 Reason::None},
        RulesRow{"group_multicast", rules_with(group_own_source), make_frame(kMulticast, kTester, {0x0800}),
                 Reason::None},
        RulesRow{"group_reserved_never", rules_with(group_own_source),
                 make_frame(reserved(0x0E), kTester, {0x0800}), Reason::Reserved},
        RulesRow{"group_control_never", rules_with(group_own_source),
                 make_frame(kMulticast, kTester, {0x88F7}), Reason::Control},
        RulesRow{"group_own_source_is_a_loop", rules_with(group_own_source),
                 make_frame(kBroadcast, kOurs, {0x0800}), Reason::Loop},
        RulesRow{"group_and_accept_own", rules_with(group_own_source, accept_own),
                 make_frame(kBroadcast, kTester, {0x0800}), Reason::None},
        RulesRow{"group_and_accept_own_others", rules_with(group_own_source, accept_own),
                 make_frame(kOther, kTester, {0x0800}), Reason::NotOwn},
        RulesRow{"tester", rules_with(only_from_tester), udp4_frame(), Reason::None},
        RulesRow{"not_tester", rules_with(only_from_tester), make_frame(kOurs, kOther, {0x0800}),
                 Reason::NotFromTester},
        RulesRow{"not_own_before_not_tester", rules_with(only_from_tester, accept_own),
                 make_frame(kTester, kOther, {0x0800}), Reason::NotOwn},
        RulesRow{"matched", rules_with(match_vlan_5), make_frame(kOurs, kTester, {0x8100, 5, 0x0800}),
                 Reason::None},
        RulesRow{"unmatched", rules_with(match_vlan_5), udp4_frame(), Reason::Unmatched},
        RulesRow{"not_tester_before_unmatched", rules_with(match_vlan_5, only_from_tester),
                 make_frame(kOurs, kOther, {0x0800}), Reason::NotFromTester},
        RulesRow{"unmatched_before_not_swappable", rules_with(match_vlan_5, swap_ip),
                 make_frame(kOurs, kTester, {0x0806}), Reason::Unmatched},
        RulesRow{"matched_and_not_swappable", rules_with(match_vlan_5, swap_ip),
                 make_frame(kOurs, kTester, {0x8100, 5, 0x0806}), Reason::NotSwappable},
        RulesRow{"swappable_ip", rules_with(swap_ip), udp4_frame(), Reason::None},
        RulesRow{"swappable_ports", rules_with(swap_ports), tcp6_frame(), Reason::None},
        RulesRow{"arp_is_not_swappable", rules_with(swap_ip), make_frame(kOurs, kTester, {0x0806}),
                 Reason::NotSwappable},
        RulesRow{"unsound_ip_is_not_swappable", rules_with(swap_ip), make_frame(kOurs, kTester, {0x0800}),
                 Reason::NotSwappable},
        RulesRow{"icmp_has_no_ports", rules_with(swap_ports),
                 ethernet(kOurs, kTester, {0x0800}, ipv4({1, kTester4, kFar4}, counting(8))),
                 Reason::NotSwappable},
        RulesRow{"ip_group_even_with_group", rules_with(swap_ip, group_own_source),
                 ethernet(kMulticast, kTester, {0x0800}, ipv4({17, kTester4, {224, 0, 0, 1}}, udp())),
                 Reason::NotSwappable},
        RulesRow{"disarmed", default_rules(), udp4_frame(), Reason::Disarmed, Reason::Disarmed},
        RulesRow{"expired", default_rules(), udp4_frame(), Reason::Expired, Reason::Expired},
        RulesRow{"facing", default_rules(), udp4_frame(), Reason::FacingReflector, Reason::FacingReflector},
        RulesRow{"loop_before_disarmed", default_rules(), make_frame(kTester, kOurs, {0x0800}), Reason::Loop,
                 Reason::Disarmed},
        RulesRow{"control_before_expired", default_rules(), make_frame(kOurs, kTester, {0x8808}),
                 Reason::Control, Reason::Expired},
        RulesRow{"disarmed_before_group", default_rules(), make_frame(kBroadcast, kTester, {0x0800}),
                 Reason::Disarmed, Reason::Disarmed},
        RulesRow{"facing_before_not_own", rules_with(accept_own), make_frame(kOther, kTester, {0x0800}),
                 Reason::FacingReflector, Reason::FacingReflector}),
    [](const auto& info) { return std::string(info.param.name); });

Bytes swapped_by(const WireRules& rules, const Bytes& bytes) {
    ExactBytes frame(bytes);
    swap_by_rules(frame.data(), wire::read_headers(frame.view()), rules);
    return frame.bytes();
}

TEST(WireRules, FramesToAGroupReturnFromOurOwnMac) {
    const Bytes frame = make_frame(kBroadcast, kTester, {0x0806});
    EXPECT_EQ(swapped_by(rules_with(group_own_source), frame), make_frame(kTester, kOurs, {0x0806}));
}

TEST(WireRules, RawSwapsGroupAddressesUnchanged) {
    WireRules rules = default_rules();
    rules.raw = true;
    EXPECT_EQ(swapped_by(rules, make_frame(kBroadcast, kTester, {0x0806})),
              make_frame(kTester, kBroadcast, {0x0806}));
}

TEST(WireRules, SwapToTheConfiguredLevel) {
    const Bytes frame = udp4_frame();
    const reference::Layout layout = reference::lay_out(frame, frame.size());
    EXPECT_EQ(swapped_by(default_rules(), frame), reference::echo_of(frame, layout, 0));
    EXPECT_EQ(swapped_by(rules_with(swap_ip), frame), reference::echo_of(frame, layout, 1));
    EXPECT_EQ(swapped_by(rules_with(swap_ports), frame), reference::echo_of(frame, layout, 2));
}

TEST(WireRules, FastPathDecidesAloneForTheDefaultsOnly) {
    EXPECT_TRUE(default_rules().fast_path_decides());
    EXPECT_TRUE(rules_with(group_own_source).fast_path_decides()) << "a group frame is not ordinary";
    EXPECT_FALSE(rules_with(accept_own).fast_path_decides());
    EXPECT_FALSE(rules_with(only_from_tester).fast_path_decides());
    EXPECT_FALSE(rules_with(match_vlan_5).fast_path_decides());
    EXPECT_FALSE(rules_with(swap_ip).fast_path_decides());
    EXPECT_FALSE(rules_with([](WireRules& rules) { rules.answers.eth_loopback = true; }).fast_path_decides());
    EXPECT_FALSE(rules_with([](WireRules& rules) {
                     parse_interface("192.0.2.1/24", "--ip", rules.answers);
                 }).fast_path_decides());
}

/// Written from the table, byte by byte, independently of the implementation.
std::string reference(const Bytes& frame) {
    std::size_t type_at = 12;
    std::size_t tags = 0;
    const auto type = [&] { return frame[type_at] << 8 | frame[type_at + 1]; };
    while ((type() == 0x8100 || type() == 0x88A8 || type() == 0x9100) && type_at + 6 <= frame.size()) {
        type_at += 4;
        ++tags;
    }
    const Bytes destination(frame.begin(), frame.begin() + 6);
    const Bytes source(frame.begin() + 6, frame.begin() + 12);
    if (frame.size() > 1514 + 4 * tags)
        return "oversize";
    const Bytes prefix{0x01, 0x80, 0xC2, 0x00, 0x00};
    if (std::equal(prefix.begin(), prefix.end(), destination.begin()) && destination[5] < 0x40 &&
        (destination[5] < 0x10 || destination[5] > 0x1F))
        return "reserved";
    for (const int control : {0x8808, 0x8809, 0x88CC, 0x888E, 0x8902, 0x88F7})
        if (type() == control)
            return "control";
    if (source[0] % 2 == 1)
        return "group-source";
    if (source == Bytes(6, 0) || source == destination)
        return "bad-source";
    if (source == kOurs)
        return "loop";
    if (destination[0] % 2 == 1)
        return "group-destination";
    return "";
}

/// Purely random bytes hardly ever form a valid frame, so each part is also drawn from values that matter to
/// the rules.
Bytes random_frame(std::mt19937& random) {
    const std::vector<Bytes> macs{kOurs,
                                  kTester,
                                  Bytes(6, 0),
                                  Bytes(6, 0xFF),
                                  reserved(0x02),
                                  reserved(0x1F),
                                  reserved(0x33),
                                  {0x01, 0x00, 0x5E, 1, 2, 3},
                                  {0x02, 1, 2, 3, 4, 5}};
    const std::vector<std::uint16_t> types{0x0800, 0x86DD, 0x0806, 0x8100, 0x88A8, 0x9100, 0x8808,
                                           0x8809, 0x88CC, 0x888E, 0x8902, 0x88F7, 0x0026, 0xFFFF};
    const auto any = [&random](const auto& from) { return from[random() % from.size()]; };
    std::vector<std::uint16_t> words;
    for (unsigned i = 0, n = 1 + random() % 6; i < n; ++i)
        words.push_back(any(types));
    const std::vector<std::size_t> lengths{14, 15, 17, 18, 22, 60, 61, 1514, 1515, 1518, 1519, 1522, 1526};
    return make_frame(any(macs), any(macs), words, any(lengths));
}

TEST(WireRules, AgreeWithAnIndependentReferenceOnRandomFrames) {
    std::mt19937 random(3);
    const WireRules rules = default_rules();
    std::map<std::string, int> seen;
    for (int round = 0; round < 200'000; ++round) {
        const Bytes frame = random_frame(random);
        const Reason decision = decide(frame, rules);
        const std::string name = decision == Reason::None ? "" : std::string(verdict::row_of(decision).name);
        ASSERT_EQ(name, reference(frame)) << testing::PrintToString(frame);
        ++seen[name];
    }
    EXPECT_EQ(seen.size(), 8U) << "every reason that applies under the default rules, and echo";
}

TEST(WireRules, FastPathAgreesUnderAnyRules) {
    std::mt19937 random(6);
    const auto maybe = [&random](WireRules& rules, void (*change)(WireRules&)) {
        if (random() % 3 == 0)
            change(rules);
    };
    int ordinary = 0;
    for (int round = 0; round < 200'000; ++round) {
        WireRules rules = random() % 2 == 0 ? default_rules() : rules_without_filter();
        for (const auto change :
             {accept_own, group_own_source, only_from_tester, match_vlan_5, swap_ip, swap_ports})
            if (round % 2 == 0)
                maybe(rules, change);
        rules.max_untagged_length = random() % 2 == 0 ? 1514 : 60;
        const Bytes bytes = random_frame(random);
        decide(bytes, rules);  // compares fast and slow path
        ExactBytes frame(bytes);
        ordinary +=
            rules.fast_path_decides() && is_ordinary(frame.view(), wire::load_mac_pair(frame.data()), rules);
    }
    EXPECT_GT(ordinary, 500);
}

}  // namespace
}  // namespace l2echo::echo
