#include "l2echo/echo/answers.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "l2echo/dpdk/frame_view.hpp"
#include "l2echo/echo/match_text.hpp"
#include "test_frame.hpp"
#include "test_packets.hpp"

namespace l2echo::echo {
namespace {

using namespace packets;

constexpr std::size_t kRoom = 8;  // a solicitation grows by at most this many bytes

AnswerRules our_rules() {
    AnswerRules rules;
    parse_interface("192.0.2.1/24", "--ip", rules);
    parse_interface("2001:db8::1/64", "--ip", rules);
    rules.eth_loopback = true;
    return rules;
}

/// The answer, or empty if there is none; then the request must be unchanged.
Bytes answer_to(const Bytes& request, const AnswerRules& rules = our_rules(), std::size_t room = kRoom,
                wire::MacAddress own_mac = kOurMac) {
    TestFrame frame(request, room);
    if (answer(frame.mbuf(), wire::read_headers(dpdk::view_of(frame.mbuf())), own_mac, rules)) {
        EXPECT_EQ(frame.mbuf().pkt_len, frame.mbuf().data_len);
        return frame.bytes();
    }
    EXPECT_EQ(frame.bytes(), request) << "an unanswered frame must not change";
    return {};
}
Bytes with(Bytes bytes, std::size_t at, unsigned value) {
    bytes.at(at) = static_cast<std::uint8_t>(value);
    return bytes;
}

// ARP

Bytes arp(unsigned operation, const Bytes& sender, const Bytes& target, const Bytes& target_mac = Bytes(6)) {
    return join(
        {word(1), word(0x0800), byte(6), byte(4), word(operation), kTester, sender, target_mac, target});
}
Bytes arp_request(const Bytes& destination = kBroadcast, const Bytes& sender = kTester4) {
    return ethernet(destination, kTester, {0x0806}, join({arp(1, sender, kOur4), counting(18)}));
}

TEST(ArpAnswer, GivesOurMacToAnyRequester) {
    const Bytes expected = join({kTester, kOurs, word(0x0806), word(1), word(0x0800), byte(6), byte(4),
                                 word(2), kOurs, kOur4, kTester, kTester4, counting(18)});
    EXPECT_EQ(answer_to(arp_request()), expected);
    EXPECT_EQ(answer_to(arp_request(kOurs)), expected) << "a unicast request";
}

TEST(ArpAnswer, KeepsTags) {
    const Bytes answered =
        answer_to(ethernet(kBroadcast, kTester, {0x8100, 0x6005, 0x0806}, arp(1, kTester4, kOur4)));
    ASSERT_EQ(answered.size(), 46u);
    EXPECT_EQ(Bytes(answered.begin() + 12, answered.begin() + 18),
              join({word(0x8100), word(0x6005), word(0x0806)}));
    EXPECT_EQ(answered[25], 2);
}

TEST(ArpAnswer, ProbeForAFreeAddressIsAnswered) {
    EXPECT_FALSE(answer_to(arp_request(kBroadcast, {0, 0, 0, 0})).empty());
}

TEST(ArpAnswer, InvalidRequestsAreNotAnswered) {
    const Bytes request = arp_request();
    for (std::size_t at = 14; at < 22; ++at)
        EXPECT_TRUE(answer_to(with(request, at, request[at] ^ 0x80)).empty()) << "byte " << at;
    EXPECT_TRUE(answer_to(with(request, 21, 2)).empty()) << "a reply";
    EXPECT_TRUE(answer_to(with(request, 41, 2)).empty()) << "for another address";
    EXPECT_TRUE(answer_to(arp_request(kBroadcast, kOur4)).empty()) << "from our own address";
    EXPECT_TRUE(answer_to(arp_request(kBroadcast, {192, 0, 3, 77})).empty()) << "from another network";
    EXPECT_TRUE(answer_to(arp_request({2, 9, 9, 9, 9, 9})).empty()) << "to another station";
    EXPECT_TRUE(answer_to(arp_request({0x01, 0x80, 0xC2, 0, 0, 0x0E})).empty()) << "to a reserved address";
    EXPECT_TRUE(answer_to(with(request, 6, 3)).empty()) << "from a group";
    EXPECT_TRUE(answer_to(Bytes(request.begin(), request.begin() + 41)).empty()) << "cut off";
    Bytes from_nobody = request;
    std::fill_n(from_nobody.begin() + 6, 6, 0);
    EXPECT_TRUE(answer_to(from_nobody).empty());
    EXPECT_TRUE(answer_to(request, AnswerRules{{}, {}, true}).empty()) << "without addresses";
}

TEST(ArpAnswer, PrefixNeedNotEndOnAByteBoundary) {
    AnswerRules rules;
    parse_interface("192.0.2.1/25", "--ip", rules);
    EXPECT_FALSE(answer_to(arp_request(kBroadcast, {192, 0, 2, 127}), rules).empty());
    EXPECT_TRUE(answer_to(arp_request(kBroadcast, {192, 0, 2, 128}), rules).empty());
}

// ICMP

Bytes ping4(const Ip& ip = {1, kTester4, kOur4, 3}, const Bytes& payload = counting(40)) {
    return ethernet(kOurs, kTester, {0x0800},
                    ipv4(ip, join({byte(8), byte(0), word(0), word(0x1234), word(7), payload})));
}

TEST(IcmpAnswer, ReturnsThePing) {
    const Bytes request = ping4();
    Bytes expected = reference::echo_of(request, reference::lay_out(request, request.size()), 1);
    expected[22] = 64;
    expected[34] = 0;
    reference::repair_checksums(expected);
    EXPECT_EQ(answer_to(request), expected);
    EXPECT_TRUE(checksums_are_right(expected));
}

TEST(IcmpAnswer, AllZeroPingGetsTheRightChecksum) {
    const Bytes request =
        ethernet(kOurs, kTester, {0x0800}, ipv4({1, kTester4, kOur4}, join({byte(8), Bytes(7)})));
    ASSERT_TRUE(checksums_are_right(request));
    EXPECT_TRUE(checksums_are_right(answer_to(request)));
}

TEST(IcmpAnswer, WrongChecksumsStayWrong) {
    Bytes request = ping4();
    request[37] ^= 1;
    Bytes answered = answer_to(request);
    ASSERT_FALSE(answered.empty());
    EXPECT_FALSE(checksums_are_right(answered));
    answered[37] ^= 1;
    EXPECT_TRUE(checksums_are_right(answered));
}

TEST(IcmpAnswer, ChecksumsStayRightForEveryIdentifierAndHopLimit) {
    for (unsigned id = 0; id < 0x10000; ++id) {
        Bytes request = ping4({1, kTester4, kOur4, 1 + id % 255}, {});
        request[38] = static_cast<std::uint8_t>(id >> 8);
        request[39] = static_cast<std::uint8_t>(id);
        reference::repair_checksums(request);
        ASSERT_TRUE(checksums_are_right(answer_to(request))) << id;
    }
}

TEST(IcmpAnswer, InvalidRequestsAreNotAnswered) {
    EXPECT_TRUE(answer_to(with(ping4(), 34, 13)).empty()) << "a timestamp request";
    EXPECT_TRUE(answer_to(with(ping4(), 35, 1)).empty()) << "a nonzero code";
    EXPECT_TRUE(answer_to(ping4({1, kTester4, kFar4})).empty()) << "to another address";
    EXPECT_TRUE(answer_to(ping4({1, kOur4, kOur4})).empty()) << "from our own address";
    EXPECT_TRUE(answer_to(ping4({1, {224, 0, 0, 1}, kOur4})).empty()) << "from a group";
    EXPECT_TRUE(answer_to(ping4({1, {0, 0, 0, 0}, kOur4})).empty()) << "from the unspecified address";
    EXPECT_TRUE(answer_to(ping4({1, kTester4, kOur4, 64, 0x2000})).empty()) << "a first fragment";
    EXPECT_TRUE(answer_to(ping4({1, kTester4, kOur4, 64, 5})).empty()) << "a later fragment";
    EXPECT_TRUE(answer_to(ping4({1, kTester4, kOur4, 64, 0, {1, 1, 1, 0}})).empty()) << "with options";
    EXPECT_TRUE(answer_to(ping4({17, kTester4, kOur4})).empty()) << "UDP";
    EXPECT_TRUE(answer_to(with(ping4(), 17, 27)).empty()) << "ICMP header cut off";
    EXPECT_TRUE(answer_to(with(ping4(), 0, 0xFF)).empty()) << "to a group MAC";
    EXPECT_TRUE(answer_to(with(ping4(), 5, 0x54)).empty()) << "to another station";
}

TEST(IcmpAnswer, OnlyHeadersMustBeInTheFirstSegment) {
    const Bytes request = ping4();
    for (const std::size_t reach : {41U, 42U}) {
        TestFrame frame(Bytes(request.begin(), request.begin() + static_cast<std::ptrdiff_t>(reach)));
        frame.mbuf().pkt_len = static_cast<std::uint32_t>(request.size());
        EXPECT_EQ(answer(frame.mbuf(), wire::read_headers(dpdk::view_of(frame.mbuf())), kOurMac, our_rules()),
                  reach == 42)
            << reach;
    }
}

// ICMPv6

Bytes ping6(const Ip& ip = {58, kTester6, kOur6, 3}) {
    return ethernet(kOurs, kTester, {0x86DD},
                    ipv6(ip, join({byte(128), byte(0), word(0), word(0x1234), word(7), counting(21)})));
}

TEST(Icmpv6Answer, ReturnsThePing) {
    const Bytes request = ping6();
    Bytes expected = reference::echo_of(request, reference::lay_out(request, request.size()), 1);
    expected[21] = 64;
    expected[54] = 129;
    reference::repair_checksums(expected);
    EXPECT_EQ(answer_to(request), expected);
}

TEST(Icmpv6Answer, InvalidRequestsAreNotAnswered) {
    EXPECT_TRUE(answer_to(with(ping6(), 55, 1)).empty()) << "a nonzero code";
    EXPECT_TRUE(answer_to(with(ping6(), 54, 129)).empty()) << "a reply";
    EXPECT_TRUE(answer_to(ping6({58, kOur6, kOur6})).empty()) << "from our own address";
    EXPECT_TRUE(answer_to(ping6({58, kTester6, kTester6})).empty()) << "to another address";
    EXPECT_TRUE(answer_to(ping6({58, kSolicited6, kOur6})).empty()) << "from a group";
    EXPECT_TRUE(answer_to(ping6({58, Bytes(16), kOur6})).empty()) << "from the unspecified address";
    EXPECT_TRUE(answer_to(with(with(ping6(), 0, 0x33), 1, 0x33)).empty()) << "to a group MAC";
    const Bytes extended =
        ethernet(kOurs, kTester, {0x86DD},
                 ipv6({0, kTester6, kOur6}, join({{58, 0, 1, 4, 0, 0, 0, 0}, byte(128), Bytes(7)})));
    EXPECT_TRUE(answer_to(extended).empty()) << "after an extension header";
}

// Neighbour solicitation

const Bytes kSolicitedMac{0x33, 0x33, 0xFF, 0, 0, 1};
const Bytes kOurLinkLayer = join({{1, 1}, kTester});

Bytes solicitation(const Ip& ip, const Bytes& options, const Bytes& target = kOur6) {
    return ethernet(kSolicitedMac, kTester, {0x86DD},
                    ipv6(ip, join({byte(135), byte(0), word(0), Bytes(4), target, options})));
}
Bytes solicitation() {
    return solicitation({58, kTester6, kSolicited6, 255}, kOurLinkLayer);
}

/// RFC 4861, 4.4, built by hand.
Bytes advertisement(const Bytes& to_mac, const Bytes& to, unsigned flags) {
    return ethernet(to_mac, kOurs, {0x86DD},
                    ipv6({58, kOur6, to, 255}, join({byte(136), byte(0), word(0), byte(flags), Bytes(3),
                                                     kOur6, byte(2), byte(1), kOurs})));
}

TEST(NeighbourAnswer, AdvertisesOurMac) {
    EXPECT_EQ(answer_to(solicitation()), advertisement(kTester, kTester6, 0x60));
    EXPECT_TRUE(checksums_are_right(advertisement(kTester, kTester6, 0x60)));
}

TEST(NeighbourAnswer, GrowsByTheOptionThatTheRequestLacks) {
    const Bytes request = solicitation({58, kTester6, kSolicited6, 255}, {});
    EXPECT_EQ(answer_to(request), advertisement(kTester, kTester6, 0x60));
    EXPECT_EQ(answer_to(request).size(), request.size() + 8);
    EXPECT_TRUE(answer_to(request, our_rules(), 7).empty()) << "no room to grow";
}

TEST(NeighbourAnswer, GrowsIntoThePaddingFirst) {
    Bytes request = solicitation({58, kTester6, kSolicited6, 255}, {});
    request.resize(request.size() + 5);
    EXPECT_EQ(answer_to(request, our_rules(), 3), advertisement(kTester, kTester6, 0x60));
}

TEST(NeighbourAnswer, OtherOptionsBecomePadding) {
    const Bytes nonce{14, 1, 1, 2, 3, 4, 5, 6};  // RFC 3971
    const Bytes request = solicitation({58, kTester6, kSolicited6, 255}, join({kOurLinkLayer, nonce}));
    const Bytes answered = answer_to(request);
    ASSERT_EQ(answered.size(), request.size());
    EXPECT_TRUE(std::ranges::equal(Bytes(answered.begin(), answered.end() - 8),
                                   advertisement(kTester, kTester6, 0x60)));
}

TEST(NeighbourAnswer, DuplicateAddressDetectionIsAnsweredToAllNodes) {
    const Bytes all_nodes{0xFF, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
    EXPECT_EQ(answer_to(solicitation({58, Bytes(16), kSolicited6, 255}, {})),
              advertisement({0x33, 0x33, 0, 0, 0, 1}, all_nodes, 0x20));
}

TEST(NeighbourAnswer, InvalidSolicitationsAreNotAnswered) {
    const auto none = [](const Bytes& request) { return answer_to(request).empty(); };
    EXPECT_TRUE(none(solicitation({58, kTester6, kSolicited6, 254}, kOurLinkLayer)))
        << "came through a router";
    EXPECT_TRUE(none(solicitation({58, kTester6, kSolicited6, 255}, kOurLinkLayer, kTester6)))
        << "for another address";
    EXPECT_TRUE(none(solicitation({58, kSolicited6, kSolicited6, 255}, kOurLinkLayer))) << "from a group";
    EXPECT_TRUE(none(solicitation({58, kTester6, kSolicited6, 255}, {1, 0, 2, 3, 4, 5, 6, 7})))
        << "empty option";
    EXPECT_TRUE(none(solicitation({58, kTester6, kSolicited6, 255}, Bytes(240, 9))))
        << "options overrun the packet";
    EXPECT_TRUE(none(solicitation({58, kTester6, kSolicited6, 255}, {1, 1, 2, 3}))) << "option cut off";
    EXPECT_TRUE(none(solicitation({58, Bytes(16), kSolicited6, 255}, kOurLinkLayer)))
        << "the unspecified address has no MAC";
    EXPECT_TRUE(none(solicitation({58, Bytes(16), kOur6, 255}, {})))
        << "the unspecified address does not ask by unicast";
    EXPECT_TRUE(none(with(solicitation(), 55, 1))) << "a nonzero code";
    EXPECT_TRUE(none(with(solicitation(), 56, solicitation()[56] ^ 1))) << "a wrong checksum";
    EXPECT_TRUE(none(with(solicitation(), 0, 0x01))) << "to another group";
    const Bytes short_one = ethernet(kSolicitedMac, kTester, {0x86DD},
                                     ipv6({58, kTester6, kSolicited6, 255}, join({byte(135), Bytes(15)})));
    EXPECT_TRUE(none(short_one)) << "without a target";
}

TEST(NeighbourAnswer, WholeSolicitationMustBeInOneSegment) {
    TestFrame frame(solicitation(), kRoom);
    frame.mbuf().nb_segs = 2;
    EXPECT_FALSE(answer(frame.mbuf(), wire::read_headers(dpdk::view_of(frame.mbuf())), kOurMac, our_rules()));
    EXPECT_EQ(frame.bytes(), solicitation());
}

// ETH-LB

Bytes loopback(unsigned opcode = 3, const Bytes& destination = kOurs) {
    return ethernet(destination, kTester, {0x8100, 9, 0x8902},
                    join({byte(0x60), byte(opcode), byte(0), byte(4), word(0), word(42), counting(38)}));
}

TEST(LoopbackAnswer, TurnsTheMessageIntoItsReply) {
    const Bytes request = loopback();
    Bytes expected = request;
    reference::exchange(expected, 0, 6);
    expected[19] = 2;
    EXPECT_EQ(answer_to(request), expected) << "transaction and TLVs are unchanged";
}

TEST(LoopbackAnswer, InvalidMessagesAreNotAnswered) {
    for (const unsigned opcode : {1U, 2U, 4U, 5U})
        EXPECT_TRUE(answer_to(loopback(opcode)).empty()) << opcode;
    EXPECT_TRUE(answer_to(loopback(3, {0x01, 0x80, 0xC2, 0, 0, 0x30})).empty()) << "to a group";
    EXPECT_TRUE(answer_to(loopback(3, {2, 9, 9, 9, 9, 9})).empty()) << "to another station";
    const Bytes request = loopback();
    EXPECT_TRUE(answer_to(Bytes(request.begin(), request.begin() + 21)).empty()) << "cut off";
    AnswerRules rules = our_rules();
    rules.eth_loopback = false;
    EXPECT_TRUE(answer_to(request, rules).empty());
}

TEST(Answers, AreNotRequestsThemselves) {
    for (const Bytes& request : {arp_request(), ping4(), ping6(), solicitation(), loopback()}) {
        const Bytes answered = answer_to(request);
        ASSERT_FALSE(answered.empty());
        EXPECT_TRUE(answer_to(answered, our_rules(), kRoom, kTesterMac).empty());
    }
}

TEST(Answers, AreOffByDefault) {
    AnswerRules rules;
    EXPECT_FALSE(rules.any());
    for (const Bytes& request : {arp_request(), ping4(), ping6(), solicitation(), loopback()})
        EXPECT_TRUE(answer_to(request, rules).empty());
}

TEST(Answers, AreNotGivenToOtherTypes) {
    for (const unsigned type : {0x0801U, 0x8035U, 0x88F7U, 0x0026U})
        EXPECT_TRUE(answer_to(ethernet(kOurs, kTester, {type}, counting(46))).empty());
}

}  // namespace
}  // namespace l2echo::echo
