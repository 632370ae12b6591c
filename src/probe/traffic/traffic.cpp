#include "l2echo/probe/traffic/traffic.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "l2echo/cli/number.hpp"
#include "l2echo/process/error.hpp"
#include "l2echo/wire/byte_order.hpp"
#include "l2echo/wire/line_overhead.hpp"
#include "probe/traffic/headers.hpp"

namespace l2echo::probe {
namespace {

constexpr std::uint16_t kTypeIpv4 = 0x0800;
constexpr std::uint16_t kTypeIpv6 = 0x86DD;
constexpr std::uint16_t kTypeExperimental = 0x88B6;  // IEEE 802: local experimental EtherType 2
constexpr std::uint16_t kDestinationPort = 7;        // echo (RFC 862)
constexpr std::uint16_t kFirstSourcePort = 49'152;   // dynamic ports (RFC 6335)
constexpr std::uint16_t kSourcePorts = 16'384;       // number of dynamic ports
constexpr std::uint32_t kLargestFrame = 9'618;       // MTU 9600 plus header and FCS

void append_16(std::vector<std::byte>& bytes, std::uint16_t value) {
    bytes.push_back(static_cast<std::byte>(value >> 8));
    bytes.push_back(static_cast<std::byte>(value));
}

void append(std::vector<std::byte>& bytes, std::initializer_list<unsigned> values) {
    for (const unsigned value : values)
        bytes.push_back(static_cast<std::byte>(value));
}

void append_mac(std::vector<std::byte>& bytes, wire::MacAddress mac) {
    for (unsigned shift = 0; shift < 48; shift += 8)
        bytes.push_back(static_cast<std::byte>(mac >> shift));
}

std::uint32_t network_length(Network network) noexcept {
    switch (network) {
        case Network::Ipv4:
            return kIpv4Length + kUdpLength;
        case Network::Ipv6:
            return kIpv6Length + kUdpLength;
        case Network::None:
            break;
    }
    return 0;
}

std::uint16_t inner_type(Network network) noexcept {
    return network == Network::Ipv4 ? kTypeIpv4 : network == Network::Ipv6 ? kTypeIpv6 : kTypeExperimental;
}

/// 198.18.0.0/15 is reserved for benchmarks (RFC 2544). Lengths and checksums are written per frame.
void append_ipv4(std::vector<std::byte>& bytes, unsigned host) {
    append(bytes,
           {0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, wire::kProtocolUdp, 0, 0, 198, 18, 0, host, 198, 19, 0, 1});
}

/// 2001:2::/48 is reserved for benchmarks (RFC 5180).
void append_ipv6(std::vector<std::byte>& bytes, unsigned host) {
    append(bytes, {0x60, 0, 0, 0, 0, 0, wire::kProtocolUdp, 64});
    append(bytes, {0x20, 0x01, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, host});
    append(bytes, {0x20, 0x01, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1});
}

/// Swaps the fields that the far end is expected to swap. This does not change sums over the header.
void swap_header(std::vector<std::byte>& header, std::uint32_t network_offset, Network network,
                 wire::SwapLevel level) {
    const auto swap_adjacent = [&header](std::size_t first, std::size_t length) {
        const auto at = header.begin() + static_cast<std::ptrdiff_t>(first);
        std::swap_ranges(at, at + static_cast<std::ptrdiff_t>(length),
                         at + static_cast<std::ptrdiff_t>(length));
    };
    swap_adjacent(0, 6);
    if (level == wire::SwapLevel::Mac || network == Network::None)
        return;
    const bool v4 = network == Network::Ipv4;
    swap_adjacent(network_offset + (v4 ? 12 : 8), v4 ? 4 : 16);
    if (level == wire::SwapLevel::MacIpPort)
        swap_adjacent(network_offset + (v4 ? kIpv4Length : kIpv6Length), 2);
}

std::uint32_t parse_size(std::string_view text) {
    const auto size = cli::read_number(text, kLargestFrame);
    if (!size)
        throw process::UsageError(
            fmt::format("--size: '{}' is not a frame size of at most {} bytes", text, kLargestFrame));
    return static_cast<std::uint32_t>(*size);
}

}  // namespace

Traffic::Traffic(const TrafficShape& shape, wire::SwapLevel swap_level, std::uint32_t nonce)
    : shape_(shape),
      nonce_(nonce),
      network_offset_(wire::kEthernetHeaderLength +
                      wire::kVlanTagLength * static_cast<std::uint32_t>(shape.vlan_ids.size())),
      header_length_(network_offset_ + network_length(shape.network)) {
    throw_if_too_small(shape_);
    for (std::uint32_t i = 0; i < largest_size(); ++i)
        filler_.push_back(static_cast<std::byte>(i));
    filler_checksum_.push_back(0);
    for (std::size_t at = 0; at + 2 <= filler_.size(); at += 2)
        filler_checksum_.push_back(sum_words({filler_.data() + at, 2}, filler_checksum_.back()));
    for (std::uint16_t index = 0; index < shape_.flows; ++index)
        flows_.push_back(make_flow(index, swap_level));
}

std::uint32_t Traffic::smallest_size() const noexcept {
    return *std::ranges::min_element(shape_.sizes);
}

std::uint32_t Traffic::largest_size() const noexcept {
    return shape_.random_to.value_or(*std::ranges::max_element(shape_.sizes));
}

double Traffic::mean_size() const noexcept {
    if (shape_.random_to)
        return (shape_.sizes[0] + *shape_.random_to) / 2.0;
    return std::accumulate(shape_.sizes.begin(), shape_.sizes.end(), 0.0) /
           static_cast<double>(shape_.sizes.size());
}

Traffic::Flow Traffic::make_flow(std::uint16_t index, wire::SwapLevel swap_level) const {
    Flow flow;
    std::vector<std::byte>& header = flow.sent_header;
    // Without ports, flows differ in the last two bytes of the source MAC.
    const wire::MacAddress varied =
        shape_.network == Network::None ? wire::MacAddress{wire::wire_order(index)} << 32 : 0;
    append_mac(header, shape_.destination);
    append_mac(header, shape_.source ^ varied);
    for (std::size_t tag = 0; tag < shape_.vlan_ids.size(); ++tag) {
        append_16(header, tag + 1 < shape_.vlan_ids.size() ? 0x88A8 : 0x8100);
        append_16(header, shape_.vlan_ids[tag]);
    }
    append_16(header, inner_type(shape_.network));
    if (shape_.network != Network::None) {
        const unsigned host = 1u + index / kSourcePorts;  // next source address once all ports are used
        shape_.network == Network::Ipv4 ? append_ipv4(header, host) : append_ipv6(header, host);
        append_16(header, static_cast<std::uint16_t>(kFirstSourcePort + index % kSourcePorts));
        append_16(header, kDestinationPort);
        append(header, {0, 0, 0, 0});
        // Pseudo header and UDP header: everything from the addresses on, plus the protocol (RFC 768, RFC
        // 8200 section 8.1).
        const std::size_t addresses = network_offset_ + (shape_.network == Network::Ipv4 ? 12 : 8);
        flow.checksum_base = sum_words(std::span<const std::byte>(header).subspan(addresses),
                                       std::uint32_t{wire::wire_order(wire::kProtocolUdp)});
    }
    flow.returned_header = header;
    swap_header(flow.returned_header, network_offset_, shape_.network, swap_level);
    return flow;
}

std::uint32_t smallest_size(const TrafficShape& shape) noexcept {
    const auto tags = static_cast<std::uint32_t>(shape.vlan_ids.size());
    return wire::kEthernetHeaderLength + wire::kVlanTagLength * tags + network_length(shape.network) +
           kStampLength + wire::kFcsLength;
}

std::string describe(const FrameSizes& sizes) {
    const bool same = sizes.text == std::to_string(sizes.largest);
    return same ? fmt::format("size {}", sizes.text)
                : fmt::format("size {} ({} to {} bytes)", sizes.text, sizes.smallest, sizes.largest);
}

void throw_if_too_small(const TrafficShape& shape) {
    const std::uint32_t least = smallest_size(shape);
    const std::uint32_t smallest = *std::ranges::min_element(shape.sizes);
    if (smallest < least)
        throw process::UsageError(fmt::format(
            "--size {}: frames of this kind take at least {} bytes ({} of headers, {} of stamp, {} FCS)",
            smallest, least, least - kStampLength - wire::kFcsLength, kStampLength, wire::kFcsLength));
}

void parse_sizes(const std::string& text, TrafficShape& shape) {
    shape.size_text = text;
    shape.sizes.clear();
    shape.random_to.reset();
    if (text == "imix") {
        // The simple IMIX of 7 : 4 : 1, interleaved so that no size is sent in one block.
        const std::uint32_t small = std::max(kSmallestEthernetFrame, smallest_size(shape));
        shape.sizes = {small, 594, small, small, 594, small, 1518, small, 594, small, small, 594};
        return;
    }
    if (const auto dash = text.find('-'); dash != std::string::npos) {
        shape.sizes = {parse_size(std::string_view(text).substr(0, dash))};
        shape.random_to = parse_size(std::string_view(text).substr(dash + 1));
        if (*shape.random_to < shape.sizes[0])
            throw process::UsageError(fmt::format("--size: the range {} ends below its beginning", text));
        return;
    }
    std::string_view rest = text;
    for (;;) {
        const auto comma = rest.find(',');
        shape.sizes.push_back(parse_size(rest.substr(0, comma)));
        if (comma == std::string_view::npos)
            return;
        rest.remove_prefix(comma + 1);
    }
}

}  // namespace l2echo::probe
