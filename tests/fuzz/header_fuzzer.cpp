// libFuzzer target: any bytes as a header that the stack reads. What a header says must survive writing and
// reading it again; the sanitizers see every access outside the bytes.

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <span>

#include "l2echo/net/icmp_errors.hpp"
#include "l2echo/wire/arp.hpp"
#include "l2echo/wire/byte_order.hpp"
#include "l2echo/wire/checksum.hpp"
#include "l2echo/wire/icmp.hpp"
#include "l2echo/wire/ip.hpp"
#include "l2echo/wire/neighbor_discovery.hpp"
#include "l2echo/wire/tcp.hpp"
#include "l2echo/wire/udp.hpp"

namespace {

using namespace l2echo;
using Span = std::span<const std::byte>;

void require(bool holds, const char* what) {
    if (holds)
        return;
    std::fprintf(stderr, "header_fuzzer: violated invariant: %s\n", what);
    std::abort();
}

void check_tcp(Span segment) {
    wire::TcpHeader header;
    const wire::HeaderRead read = wire::read_header(segment, header);
    if (!read)
        return;
    require(read.length >= wire::kTcpHeaderLength && read.length <= segment.size() && read.length % 4 == 0,
            "the header is within the segment");
    require(header.options.sack_blocks <= wire::kMaxSackBlocks, "no more SACK blocks than there is room for");
    // Written into exactly the bytes that it needs.
    const std::uint32_t length = wire::header_length(header);
    require(length >= wire::kTcpHeaderLength && length <= wire::kMaxTcpHeaderLength && length % 4 == 0,
            "a header that is written has a length that the offset field can have");
    const auto written = std::make_unique<std::byte[]>(length);
    require(wire::write_header(header, written.get()) == length, "the length is the one announced");
    wire::TcpHeader again;
    const wire::HeaderRead read_again = wire::read_header({written.get(), length}, again);
    require(read_again && read_again.length == length, "what is written is well-formed");
    // Padding may cost the last SACK block.
    require(again.options.sack_blocks <= header.options.sack_blocks, "no SACK block is invented");
    for (std::size_t i = again.options.sack_blocks; i < wire::kMaxSackBlocks; ++i)
        header.options.sack.at(i) = again.options.sack.at(i) = {};
    header.options.sack_blocks = again.options.sack_blocks;
    require(again == header, "a TCP header is read as it was written");
}

/// Fills in the checksum of most packets, so that the fuzzer gets past it.
void check_ipv4(std::span<std::byte> packet, bool repair) {
    const std::size_t length = packet.empty() ? 0 : 4 * (std::to_integer<std::size_t>(packet[0]) & 0xF);
    if (repair && length >= wire::kIpv4HeaderLength && length <= packet.size()) {
        wire::store_be16(packet.data() + 10, 0);
        wire::store_checksum(packet.data() + 10, wire::sum_of(packet.first(length)));
    }
    wire::Ipv4Header header;
    const wire::HeaderRead read = wire::read_header(packet, header);
    if (!read)
        return;
    require(
        read.length == length && read.length <= header.total_length && header.total_length <= packet.size(),
        "the IPv4 packet is within the bytes");
    std::array<std::byte, wire::kIpv4HeaderLength> written;
    header.total_length = wire::kIpv4HeaderLength;
    header.source_routed = false;
    wire::write_header(header, written.data());
    wire::Ipv4Header again;
    require(wire::read_header(written, again) && again == header, "an IPv4 header is read as it was written");
}

void check_ipv6(Span packet) {
    wire::Ipv6Header header;
    const wire::HeaderRead read = wire::read_header(packet, header);
    if (!read)
        return;
    require(read.length >= wire::kIpv6HeaderLength && read.length <= header.total_length &&
                header.total_length <= packet.size(),
            "the IPv6 packet is within the bytes");
    std::array<std::byte, wire::kIpv6HeaderLength> written;
    header.total_length = wire::kIpv6HeaderLength;
    header.fragment = header.later_fragment = header.source_routed = false;
    header.protocol = 6;  // what follows the extension headers need not be one
    wire::write_header(header, written.data());
    wire::Ipv6Header again;
    require(wire::read_header(written, again) && again == header, "an IPv6 header is read as it was written");
}

void check_udp(Span datagram) {
    wire::UdpHeader header;
    const wire::HeaderRead read = wire::read_header(datagram, header);
    if (!read)
        return;
    require(read.length == wire::kUdpHeaderLength && header.total_length <= datagram.size(),
            "the datagram is within the bytes");
    const auto written = std::make_unique<std::byte[]>(header.total_length);
    wire::write_header(header, written.get());
    wire::UdpHeader again;
    header.has_checksum = false;
    require(wire::read_header(Span(written.get(), header.total_length), again) && again == header,
            "a UDP header is read as it was written");
}

void check_arp(Span payload) {
    wire::ArpPacket packet;
    if (!wire::read_header(payload, packet))
        return;
    std::array<std::byte, wire::kArpLength> written;
    wire::write_header(packet, written.data());
    require(std::memcmp(written.data(), payload.data(), written.size()) == 0,
            "an ARP packet is written as it was read");
}

template <typename Message>
void check_neighbor_message(Span bytes) {
    Message message;
    const wire::HeaderRead read = wire::read_header(bytes, message);
    if (!read)
        return;
    require(read.length == bytes.size(), "the message is all of the bytes");
    std::array<std::byte, wire::kMaxNeighborMessageLength> written;
    const std::uint32_t length = wire::write_header(message, written.data());
    require(length <= written.size() && length % 8 == 0, "options have units of 8 bytes");
    Message again;
    require(wire::read_header(Span(written).first(length), again) && again == message,
            "a neighbour message is read as it was written");
}

void check_icmp(Span message) {
    wire::IcmpHeader header;
    if (!wire::read_header(message, header))
        return;
    std::array<std::byte, wire::kIcmpHeaderLength> written;
    wire::write_header(header, written.data());
    wire::IcmpHeader again;
    require(wire::read_header(written, again) && again == header, "an ICMP header is read as it was written");
    check_neighbor_message<wire::NeighborSolicitation>(message);
    check_neighbor_message<wire::NeighborAdvertisement>(message);
}

/// An error that we receive, with a right checksum.
void check_error(std::span<std::byte> message, std::uint8_t version) {
    const wire::IpAddress nobody{.bytes = {}, .version = version};
    if (message.size() >= wire::kIcmpHeaderLength) {
        wire::store_be16(message.data() + wire::kIcmpChecksumOffset, 0);
        wire::store_icmp_checksum(nobody, nobody, message);
        require(wire::icmp_checksum_is_right(nobody, nobody, message), "a stored checksum is right");
    }
    const auto error = net::read_error(nobody, nobody, message);
    if (!error)
        return;
    wire::QuotedPacket quote;
    const wire::HeaderRead read = wire::read_quote(version, message, quote);
    require(read && wire::kIcmpHeaderLength + read.length + quote.payload.size() <= message.size(),
            "the quote is within the message");
    require(error->source == quote.source && error->destination == quote.destination &&
                error->source.version == version,
            "the addresses are those of the quote");
    require(!error->has_transport || quote.payload.size() >= wire::kUdpHeaderLength,
            "ports are quoted bytes");
}

/// An error that we send about these bytes, most often with one of our addresses as destination.
void check_own_error(std::span<std::byte> packet, net::OwnError about, bool to_us) {
    static const wire::IpAddress own4{.bytes = {std::byte{192}, {}, std::byte{2}, std::byte{1}},
                                      .version = 4};
    static const wire::IpAddress own6{.bytes = {std::byte{0xFD}, std::byte{1}}, .version = 6};
    static const net::Routes routes(
        {.addresses = {{.address = own4, .length = 24}, {.address = own6, .length = 64}},
         .on_link = {},
         .ipv4_gateway = {},
         .ipv6_gateway = {}});
    const unsigned version = packet.empty() ? 0 : std::to_integer<unsigned>(packet[0]) >> 4;
    if (to_us && version == 4 && packet.size() >= wire::kIpv4HeaderLength)
        std::memcpy(packet.data() + 16, own4.bytes.data(), 4);
    if (to_us && version == 6 && packet.size() >= wire::kIpv6HeaderLength)
        std::memcpy(packet.data() + 24, own6.bytes.data(), 16);
    const auto written = std::make_unique<std::byte[]>(net::kMaxIpv6ErrorLength);
    const std::uint32_t length =
        net::write_error(about, {.packet = packet, .to_link_group = false}, routes, written.get());
    if (length == 0)
        return;
    const Span error(written.get(), length);
    wire::Ipv4Header header4;
    wire::Ipv6Header header6;
    const bool four = version == 4;
    const wire::HeaderRead read =
        four ? wire::read_header(error, header4) : wire::read_header(error, header6);
    require(read && (four ? header4.total_length : header6.total_length) == length, "our error is a packet");
    const wire::IpAddress& source = four ? header4.source : header6.source;
    const wire::IpAddress& destination = four ? header4.destination : header6.destination;
    require(routes.is_ours(source) && routes.is_acceptable_source(destination), "our error goes to one host");
    require(net::read_error(source, destination, error.subspan(read.length)).has_value(),
            "our error is one that we would read");
}

void check_checksum(Span bytes, std::size_t cut) {
    const auto copy = std::make_unique<std::byte[]>(bytes.size());
    const wire::Sum whole = wire::copy_and_sum(copy.get(), bytes);
    require(std::memcmp(copy.get(), bytes.data(), bytes.size()) == 0, "the copy is the original");
    require(whole == wire::sum_of(bytes), "copying does not change the sum");
    cut = std::min(cut, bytes.size());
    const wire::Sum parts =
        wire::sum_of(bytes.first(cut)) + wire::at_offset(wire::sum_of(bytes.subspan(cut)), cut);
    require(wire::fold(parts) == wire::fold(whole), "the sum of two pieces is that of the whole");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2)
        return 0;
    const unsigned choice = data[0];
    const std::size_t cut = data[1];
    // A copy that ends where the bytes end.
    const std::size_t length = size - 2;
    const auto bytes = std::make_unique<std::byte[]>(length);
    std::memcpy(bytes.get(), data + 2, length);
    const std::span<std::byte> input(bytes.get(), length);
    check_checksum(input, cut);
    switch (choice % 8) {
        case 0:
            check_ipv4(input, choice % 16 != 0);
            break;
        case 1:
            check_ipv6(input);
            break;
        case 2:
            check_udp(input);
            break;
        case 3:
            check_arp(input);
            break;
        case 4:
            check_icmp(input);
            break;
        case 5:
            check_error(input, cut % 2 == 0 ? 4 : 6);
            break;
        case 6:
            check_own_error(input, static_cast<net::OwnError>(cut % 3), cut % 16 != 0);
            break;
        default:
            check_tcp(input);
    }
    return 0;
}
