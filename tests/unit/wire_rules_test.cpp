#include "l2echo/dataplane/wire_rules.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

#include "test_frame.hpp"

namespace l2echo {
namespace {

using Bytes = std::vector<std::uint8_t>;

const Bytes kOurs{0x02, 0x11, 0x22, 0x33, 0x44, 0x55};
const Bytes kTester{0x02, 0xAA, 0xBB, 0xCC, 0xDD, 0xEE};

WireRules default_rules() {
    WireRules rules;
    rules.own_macs.add(0x5544'3322'1102);
    return rules;
}

/// Destination, source, then 16-bit words (tags and types), zeros up to `length`.
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

Refusal decide(const Bytes& bytes, const WireRules& rules, Refusal closed_by = Refusal::None) {
    TestFrame frame(bytes);
    const Refusal refusal = classify_thoroughly(frame.mbuf(), read_headers(frame.mbuf()), rules, closed_by);
    if (is_ordinary(frame.mbuf(), load_mac_pair(frame.data()), rules) && rules.quick_test_suffices() &&
        closed_by == Refusal::None) {
        EXPECT_EQ(refusal, Refusal::None) << "the quick test must never decide otherwise";
    }
    return refusal;
}

struct Row {
    const char* name;
    Bytes frame;
    Refusal expected;
};

class WireRulesTable : public testing::TestWithParam<Row> {};

TEST_P(WireRulesTable, DecidesAsTheTableSays) {
    EXPECT_EQ(decide(GetParam().frame, default_rules()), GetParam().expected);
}

Bytes reserved(std::uint8_t last) {
    return {0x01, 0x80, 0xC2, 0x00, 0x00, last};
}

INSTANTIATE_TEST_SUITE_P(
    Rows, WireRulesTable,
    testing::Values(
        Row{"ipv4", make_frame(kOurs, kTester, {0x0800}), Refusal::None},
        Row{"ipv6", make_frame(kOurs, kTester, {0x86DD}), Refusal::None},
        Row{"arp_unicast", make_frame(kOurs, kTester, {0x0806}), Refusal::None},
        Row{"unknown_type", make_frame(kOurs, kTester, {0x1234}), Refusal::None},
        Row{"length_field", make_frame(kOurs, kTester, {0x0026}), Refusal::None},
        Row{"to_any_mac", make_frame({0x02, 9, 9, 9, 9, 9}, kTester, {0x0800}), Refusal::None},
        Row{"exactly_14_bytes", make_frame(kOurs, kTester, {0x0800}, 14), Refusal::None},
        Row{"longest_untagged", make_frame(kOurs, kTester, {0x0800}, 1514), Refusal::None},
        Row{"too_long_untagged", make_frame(kOurs, kTester, {0x0800}, 1515), Refusal::Oversize},
        Row{"longest_vlan", make_frame(kOurs, kTester, {0x8100, 5, 0x0800}, 1518), Refusal::None},
        Row{"too_long_vlan", make_frame(kOurs, kTester, {0x8100, 5, 0x0800}, 1519), Refusal::Oversize},
        Row{"longest_qinq", make_frame(kOurs, kTester, {0x88A8, 5, 0x8100, 6, 0x0800}, 1522), Refusal::None},
        Row{"too_long_qinq", make_frame(kOurs, kTester, {0x88A8, 5, 0x8100, 6, 0x0800}, 1523),
            Refusal::Oversize},
        Row{"vlan_9100", make_frame(kOurs, kTester, {0x9100, 5, 0x0800}, 1518), Refusal::None},
        Row{"stp", make_frame(reserved(0x00), kTester, {0x0026}), Refusal::Reserved},
        Row{"reserved_0f", make_frame(reserved(0x0F), kTester, {0x0800}), Refusal::Reserved},
        Row{"just_above_0f", make_frame(reserved(0x10), kTester, {0x0800}), Refusal::GroupDestination},
        Row{"reserved_20", make_frame(reserved(0x20), kTester, {0x0800}), Refusal::Reserved},
        Row{"reserved_2f", make_frame(reserved(0x2F), kTester, {0x0800}), Refusal::Reserved},
        Row{"reserved_30", make_frame(reserved(0x30), kTester, {0x0800}), Refusal::Reserved},
        Row{"reserved_3f", make_frame(reserved(0x3F), kTester, {0x0800}), Refusal::Reserved},
        Row{"just_above_3f", make_frame(reserved(0x40), kTester, {0x0800}), Refusal::GroupDestination},
        Row{"other_prefix", make_frame({0x01, 0x80, 0xC2, 0x00, 0x01, 0x00}, kTester, {0x0800}),
            Refusal::GroupDestination},
        Row{"pause_to_reserved", make_frame(reserved(0x01), kTester, {0x8808}), Refusal::Reserved},
        Row{"pause_to_unicast", make_frame(kOurs, kTester, {0x8808}), Refusal::Control},
        Row{"slow_protocols", make_frame(kOurs, kTester, {0x8809}), Refusal::Control},
        Row{"lldp", make_frame(kOurs, kTester, {0x88CC}), Refusal::Control},
        Row{"eapol", make_frame(kOurs, kTester, {0x888E}), Refusal::Control},
        Row{"cfm", make_frame(kOurs, kTester, {0x8902}), Refusal::Control},
        Row{"ptp", make_frame(kOurs, kTester, {0x88F7}), Refusal::Control},
        Row{"ptp_behind_vlan", make_frame(kOurs, kTester, {0x8100, 7, 0x88F7}), Refusal::Control},
        Row{"cfm_behind_qinq", make_frame(kOurs, kTester, {0x88A8, 7, 0x8100, 8, 0x8902}), Refusal::Control},
        Row{"tag_cut_off", make_frame(kOurs, kTester, {0x8100, 0x88CC}, 16), Refusal::None},
        Row{"tag_and_no_more", make_frame(kOurs, kTester, {0x8100, 1, 0x88CC}, 18), Refusal::Control},
        Row{"group_source", make_frame(kOurs, {0x03, 1, 2, 3, 4, 5}, {0x0800}), Refusal::GroupSource},
        Row{"broadcast_source", make_frame(kOurs, Bytes(6, 0xFF), {0x0800}), Refusal::GroupSource},
        Row{"source_equals_destination", make_frame(kTester, kTester, {0x0800}), Refusal::BadSource},
        Row{"zero_source", make_frame(kOurs, Bytes(6, 0), {0x0800}), Refusal::BadSource},
        Row{"all_zero", Bytes(60, 0), Refusal::BadSource},
        Row{"own_source", make_frame(kTester, kOurs, {0x0800}), Refusal::Loop},
        Row{"own_source_to_broadcast", make_frame(Bytes(6, 0xFF), kOurs, {0x0806}), Refusal::Loop},
        Row{"broadcast", make_frame(Bytes(6, 0xFF), kTester, {0x0806}), Refusal::GroupDestination},
        Row{"multicast", make_frame({0x01, 0x00, 0x5E, 0, 0, 1}, kTester, {0x0800}),
            Refusal::GroupDestination},
        Row{"precedence_oversize_first", make_frame(reserved(0x01), kTester, {0x8808}, 1600),
            Refusal::Oversize},
        Row{"precedence_control_before_source", make_frame(kOurs, Bytes(6, 0), {0x8808}), Refusal::Control}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(WireRules, AnEmptyFilterSwitchesTheLoopRuleOff) {
    WireRules rules;
    EXPECT_EQ(decide(make_frame(kTester, kOurs, {0x0800}), rules), Refusal::None);
}

TEST(WireRules, TheMtuSetsTheLimit) {
    WireRules rules = default_rules();
    rules.max_untagged_length = 9014;
    EXPECT_EQ(decide(make_frame(kOurs, kTester, {0x0800}, 9014), rules), Refusal::None);
    EXPECT_EQ(decide(make_frame(kOurs, kTester, {0x0800}, 9015), rules), Refusal::Oversize);
}

/// Written from the table, byte by byte, without looking at the implementation.
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

/// Random bytes hardly ever look like anything: each part is drawn from values that rules care about as well.
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
        const Refusal decision = decide(frame, rules);
        const std::string name = decision == Refusal::None
                                     ? ""
                                     : std::string(kRefusalTable[static_cast<std::size_t>(decision)].name);
        ASSERT_EQ(name, reference(frame)) << testing::PrintToString(frame);
        ++seen[name];
    }
    EXPECT_EQ(seen.size(), 8U) << "every reason that the default rules have for a frame, and echo";
}

}  // namespace
}  // namespace l2echo
