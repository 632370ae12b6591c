#include "l2echo/wire/udp.hpp"

#include <gtest/gtest.h>

#include "exact_bytes.hpp"
#include "l2echo/wire/ip.hpp"
#include "test_packets.hpp"

namespace l2echo::wire {
namespace {

using namespace packets;

struct Datagram {
    HeaderRead read;
    UdpHeader header;
};
Datagram read_datagram(const Bytes& bytes) {
    Datagram datagram;
    ExactBytes exact(bytes);
    datagram.read = read_header(std::span<const std::byte>(exact.data(), bytes.size()), datagram.header);
    return datagram;
}
Bytes datagram(unsigned length, unsigned checksum, std::size_t payload) {
    return join({word(0x0102), word(0x0304), word(length), word(checksum), counting(payload)});
}

TEST(UdpHeader, IsReadFieldByField) {
    const auto [read, header] = read_datagram(datagram(11, 0xABCD, 3));
    ASSERT_EQ(read.fault, HeaderFault::None);
    EXPECT_EQ(read.length, 8);
    EXPECT_EQ(header, (UdpHeader{0x0102, 0x0304, 11, true}));
    EXPECT_FALSE(read_datagram(datagram(11, 0, 3)).header.has_checksum);
}

TEST(UdpHeader, MayEndBeforeTheIpPacketDoes) {
    const auto [read, header] = read_datagram(datagram(8, 0, 5));
    ASSERT_TRUE(read);
    EXPECT_EQ(header.total_length, 8);
}

TEST(UdpHeader, IsRefusedWithTheReason) {
    EXPECT_EQ(read_datagram({}).read.fault, HeaderFault::Truncated);
    EXPECT_EQ(read_datagram(Bytes(7)).read.fault, HeaderFault::Truncated);
    EXPECT_EQ(read_datagram(datagram(7, 0, 0)).read.fault, HeaderFault::PacketLength);
    EXPECT_EQ(read_datagram(datagram(0, 0, 20)).read.fault, HeaderFault::PacketLength) << "a jumbogram";
    EXPECT_EQ(read_datagram(datagram(12, 0, 3)).read.fault, HeaderFault::PacketLength);
    EXPECT_EQ(read_datagram(datagram(11, 0, 3)).read.fault, HeaderFault::None);
}

TEST(UdpHeader, IsReadAsItWasWritten) {
    for (const UdpHeader& header : {UdpHeader{1, 2, 8}, UdpHeader{0xFFFF, 0x8000, 8}}) {
        ExactBytes exact(Bytes(kUdpHeaderLength, 0xA5));
        write_header(header, exact.data());
        EXPECT_EQ(read_datagram(exact.bytes()).header, header);
        EXPECT_EQ(exact.bytes()[6] | exact.bytes()[7], 0);
    }
}

/// Checksum verdict on a datagram over IPv4 or IPv6 whose field holds `checksum`.
bool holds(std::uint8_t version, const Bytes& bytes) {
    ExactBytes exact(bytes);
    const std::span<const std::byte> span(exact.data(), bytes.size());
    const IpAddress address{.bytes = {}, .version = version};
    const Sum sum =
        pseudo_header_sum(address, address, 17, static_cast<std::uint32_t>(bytes.size())) + sum_of(span);
    return checksum_holds(read_datagram(bytes).header, version, sum);
}

TEST(UdpChecksum, MayBeAbsentOverIpv4Only) {
    EXPECT_TRUE(holds(4, datagram(11, 0, 3)));
    EXPECT_FALSE(holds(6, datagram(11, 0, 3)));
    EXPECT_FALSE(holds(4, datagram(11, 1, 3)));
}

TEST(UdpChecksum, IsVerifiedAsItWasStored) {
    for (const std::uint8_t version : {4, 6}) {
        ExactBytes exact(datagram(11, 0, 3));
        const IpAddress address{.bytes = {}, .version = version};
        const Sum sum = pseudo_header_sum(address, address, 17, 11) + sum_of({exact.data(), 11});
        store_udp_checksum(exact.data(), sum);
        EXPECT_TRUE(holds(version, exact.bytes()));
        Bytes corrupt = exact.bytes();
        corrupt[9] ^= 1;
        EXPECT_FALSE(holds(version, corrupt));
    }
}

TEST(UdpChecksum, IsNeverStoredAsZero) {
    ExactBytes exact(datagram(8, 0, 0));
    store_udp_checksum(exact.data(), 0xFFFF);
    EXPECT_EQ(exact.bytes()[6], 0xFF);
    EXPECT_EQ(exact.bytes()[7], 0xFF);
}

}  // namespace
}  // namespace l2echo::wire
