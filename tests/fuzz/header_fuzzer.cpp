// libFuzzer target: any bytes as IP packet or TCP segment. What a header says must survive writing and
// reading it again; the sanitizers see every access outside the bytes.

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <span>

#include "l2echo/wire/byte_order.hpp"
#include "l2echo/wire/checksum.hpp"
#include "l2echo/wire/ip.hpp"
#include "l2echo/wire/tcp.hpp"

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
    switch (choice % 4) {
        case 0:
            check_ipv4(input, choice % 8 != 0);
            break;
        case 1:
            check_ipv6(input);
            break;
        default:
            check_tcp(input);
    }
    return 0;
}
