#include "l2echo/wire/arp.hpp"

#include <gtest/gtest.h>

#include "exact_bytes.hpp"
#include "test_addresses.hpp"

namespace l2echo::wire {
namespace {

using namespace packets;

const Bytes kRequest = join({word(1), word(0x0800), {6, 4}, word(1), kTester, kTester4, Bytes(6), kOur4});

HeaderFault arp_fault(const Bytes& bytes) {
    ArpPacket packet;
    return read_exactly(bytes, packet).fault;
}
ArpPacket packet_of(const Bytes& bytes) {
    ArpPacket packet;
    EXPECT_TRUE(read_exactly(bytes, packet));
    return packet;
}

TEST(ArpPacket, IsReadFieldByFieldAlsoWithPadding) {
    const ArpPacket expected{ArpOperation::Request, kTesterMac, v4(kTester4), 0, v4(kOur4)};
    EXPECT_EQ(packet_of(kRequest), expected);
    EXPECT_EQ(packet_of(join({kRequest, Bytes(18)})), expected);
}

TEST(ArpPacket, IsWrittenByteByByte) {
    const ArpPacket reply{ArpOperation::Reply, kOurMac, v4(kOur4), kTesterMac, v4(kTester4)};
    ExactBytes exact(Bytes(kArpLength, 0xA5));
    write_header(reply, exact.data());
    EXPECT_EQ(exact.bytes(), join({word(1), word(0x0800), {6, 4}, word(2), kOurs, kOur4, kTester, kTester4}));
    EXPECT_EQ(packet_of(exact.bytes()), reply);
}

TEST(ArpPacket, IsRefusedWithTheReason) {
    EXPECT_EQ(arp_fault({}), HeaderFault::Truncated);
    EXPECT_EQ(arp_fault(Bytes(kRequest.begin(), kRequest.end() - 1)), HeaderFault::Truncated);
    EXPECT_EQ(arp_fault(changed(kRequest, 1, 6)), HeaderFault::Version) << "IEEE 802 networks";
    EXPECT_EQ(arp_fault(changed(kRequest, 2, 0x86)), HeaderFault::Version);
    EXPECT_EQ(arp_fault(changed(kRequest, 7, 0)), HeaderFault::Version);
    EXPECT_EQ(arp_fault(changed(kRequest, 7, 3)), HeaderFault::Version) << "reverse ARP";
    EXPECT_EQ(arp_fault(changed(kRequest, 4, 8)), HeaderFault::HeaderLength);
    EXPECT_EQ(arp_fault(changed(kRequest, 5, 16)), HeaderFault::HeaderLength);
}

}  // namespace
}  // namespace l2echo::wire
