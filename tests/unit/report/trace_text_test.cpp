#include "l2echo/report/trace_text.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "test_packets.hpp"

namespace l2echo::report {
namespace {

using namespace packets;

verdict::TraceRecord record_of(const Bytes& frame, std::size_t captured = verdict::TraceRecord::kMaxBytes) {
    verdict::TraceRecord record;
    record.port = 1;
    record.queue = 2;
    record.verdict = verdict::kEcho;
    record.echoed_as = "mac";
    record.length = static_cast<std::uint32_t>(frame.size());
    record.captured = static_cast<std::uint16_t>(std::min({captured, frame.size(), record.bytes.size()}));
    for (std::size_t i = 0; i < record.captured; ++i)
        record.bytes.at(i) = static_cast<std::byte>(frame[i]);
    return record;
}

TEST(TraceText, ShowsPortHeadersAndVerdict) {
    EXPECT_EQ(describe_trace(record_of(udp4_frame())),
              "port 1 queue 2, 60 bytes, 02:aa:bb:cc:dd:ee > 02:11:22:33:44:55, "
              "IPv4 192.0.2.77 > 198.51.100.9, UDP 5000 > 53: echoed (mac)");
    EXPECT_EQ(describe_trace(record_of(tcp6_frame())),
              "port 1 queue 2, 74 bytes, 02:aa:bb:cc:dd:ee > 02:11:22:33:44:55, "
              "IPv6 2001:db8::77 > 2001:db8::1, TCP 40000 > 80: echoed (mac)");
}

std::string middle_of(const Bytes& frame, std::size_t captured = SIZE_MAX) {
    const std::string text = describe_trace(record_of(frame, captured));
    const std::size_t begin = text.find("44:55, ") + 7;
    return text.substr(begin, text.rfind(": ") - begin);
}

TEST(TraceText, NamesTagsFragmentsAndOtherTypes) {
    const Bytes packet = ipv4({1, kTester4, kFar4}, counting(8));
    EXPECT_EQ(middle_of(ethernet(kOurs, kTester, {0x8100, 5, 0x0800}, packet)),
              "VLAN 5, IPv4 192.0.2.77 > 198.51.100.9, ICMP");
    EXPECT_EQ(middle_of(ethernet(kOurs, kTester, {0x88A8, 9, 0x8100, 5, 0x0806}, counting(28))),
              "VLAN 9 and 1 more, ARP");
    EXPECT_EQ(middle_of(ethernet(kOurs, kTester, {0x0800}, ipv4({17, kTester4, kFar4, 64, 3}, udp()))),
              "IPv4 192.0.2.77 > 198.51.100.9, UDP, later fragment");
    EXPECT_EQ(middle_of(ethernet(kOurs, kTester, {0x0800}, counting(46))), "IPv4");
}

TEST(TraceText, NamesKnownProtocolsAndNumbersOthers) {
    const auto ip_protocol = [](std::uint8_t protocol) {
        return middle_of(ethernet(kOurs, kTester, {0x0800}, ipv4({protocol, kTester4, kFar4}, counting(8))));
    };
    EXPECT_EQ(ip_protocol(132), "IPv4 192.0.2.77 > 198.51.100.9, SCTP");
    EXPECT_EQ(ip_protocol(253), "IPv4 192.0.2.77 > 198.51.100.9, protocol 253");
    EXPECT_EQ(middle_of(ethernet(kOurs, kTester, {0x86DD}, ipv6({58, kTester6, kOur6}, counting(8)))),
              "IPv6 2001:db8::77 > 2001:db8::1, ICMPv6");
    EXPECT_EQ(middle_of(ethernet(kOurs, kTester, {0x88CC}, counting(46))), "LLDP");
    EXPECT_EQ(middle_of(ethernet(kOurs, kTester, {0x1234}, counting(46))), "EtherType 0x1234");
}

TEST(TraceText, ReadsOnlyTheRecordedBytes) {
    EXPECT_EQ(middle_of(udp4_frame(), 37), "IPv4 192.0.2.77 > 198.51.100.9, UDP");
    EXPECT_EQ(middle_of(udp4_frame(), 33), "IPv4");
    EXPECT_EQ(describe_trace(record_of(udp4_frame(), 13)),
              "port 1 queue 2, 60 bytes, no Ethernet header: echoed (mac)");
    const Bytes jumbo = ethernet(kOurs, kTester, {0x0800}, ipv4({17, kTester4, kFar4}, udp(1, 2, 8000)));
    EXPECT_EQ(middle_of(jumbo), "IPv4 192.0.2.77 > 198.51.100.9, UDP 1 > 2");
}

TEST(TraceText, ShowsEveryVerdict) {
    verdict::TraceRecord record = record_of(udp4_frame());
    record.echoed_as = "mac+ip+port";
    EXPECT_EQ(describe_verdict(record), "echoed (mac+ip+port)");
    record.echoed_as = "raw";
    EXPECT_EQ(describe_verdict(record), "echoed (raw)");
    record.verdict = {verdict::Next::Answer, verdict::Reason::None};
    EXPECT_EQ(describe_verdict(record), "answered");
    for (std::size_t reason = 0; reason < verdict::kReasons; ++reason) {
        record.verdict = {verdict::Next::Refuse, static_cast<verdict::Reason>(reason)};
        EXPECT_EQ(describe_verdict(record), "refused, " + std::string(verdict::kReasonTable.at(reason).name));
    }
}

}  // namespace
}  // namespace l2echo::report
