#include "l2echo/probe/traffic/traffic.hpp"

#include <fmt/format.h>
#include <rte_byteorder.h>
#include <rte_hash_crc.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <numeric>

#include "l2echo/process/error.hpp"
#include "l2echo/wire/byte_order.hpp"
#include "l2echo/wire/line_overhead.hpp"

namespace l2echo::probe {
namespace {

constexpr std::uint16_t kTypeIpv4 = 0x0800;
constexpr std::uint16_t kTypeIpv6 = 0x86DD;
constexpr std::uint16_t kTypeExperimental = 0x88B6;  // IEEE 802: local experimental EtherType 2
constexpr std::uint32_t kIpv4Length = 20;
constexpr std::uint32_t kIpv6Length = 40;
constexpr std::uint32_t kUdpLength = 8;
constexpr std::uint16_t kDestinationPort = 7;       // echo (RFC 862)
constexpr std::uint16_t kFirstSourcePort = 49'152;  // dynamic ports (RFC 6335)
constexpr std::uint32_t kLargestFrame = 9'618;      // MTU 9600 and its header

constexpr std::uint32_t kSequenceOffset = 2;
constexpr std::uint32_t kPlannedOffset = 8;
constexpr std::uint32_t kCheckOffset = 14;

void put_16(std::byte* at, std::uint16_t value) noexcept {
    const std::uint16_t wire = rte_cpu_to_be_16(value);
    std::memcpy(at, &wire, sizeof wire);
}

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

/// One's-complement sum (RFC 1071) of 16-bit words as they lie in memory; an odd last byte counts as padded
/// by zero.
std::uint32_t sum_words(std::span<const std::byte> bytes, std::uint32_t sum = 0) noexcept {
    std::size_t at = 0;
    for (; at + 2 <= bytes.size(); at += 2) {
        std::uint16_t word;
        std::memcpy(&word, bytes.data() + at, sizeof word);
        sum += word;
    }
    if (at < bytes.size())
        sum += std::to_integer<std::uint32_t>(bytes[at]);  // little-endian: the first byte is the low one
    return sum;
}

std::uint16_t fold(std::uint64_t sum) noexcept {
    while (sum >> 16 != 0)
        sum = (sum & 0xFFFF) + (sum >> 16);
    return static_cast<std::uint16_t>(~sum);
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

/// 198.18.0.0/15 is set aside for benchmarks (RFC 2544); lengths and checksums are written per frame.
void append_ipv4(std::vector<std::byte>& bytes) {
    append(bytes, {0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, wire::kProtocolUdp, 0, 0, 198, 18, 0, 1, 198, 19, 0, 1});
}

/// 2001:2::/48 is set aside for benchmarks (RFC 5180).
void append_ipv6(std::vector<std::byte>& bytes) {
    append(bytes, {0x60, 0, 0, 0, 0, 0, wire::kProtocolUdp, 64});
    append(bytes, {0x20, 0x01, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1});
    append(bytes, {0x20, 0x01, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1});
}

/// Exchanges what the far end is expected to exchange; sums over the header do not change by it.
void swap_header(std::vector<std::byte>& header, std::uint32_t network_offset, Network network,
                 wire::SwapLevel level) {
    const auto exchange = [&header](std::size_t first, std::size_t length) {
        const auto at = header.begin() + static_cast<std::ptrdiff_t>(first);
        std::swap_ranges(at, at + static_cast<std::ptrdiff_t>(length),
                         at + static_cast<std::ptrdiff_t>(length));
    };
    exchange(0, 6);
    if (level == wire::SwapLevel::Mac || network == Network::None)
        return;
    const bool v4 = network == Network::Ipv4;
    exchange(network_offset + (v4 ? 12 : 8), v4 ? 4 : 16);
    if (level == wire::SwapLevel::MacIpPort)
        exchange(network_offset + (v4 ? kIpv4Length : kIpv6Length), 2);
}

std::uint32_t parse_size(std::string_view text) {
    std::uint32_t size = 0;
    const char* end = text.data() + text.size();
    const auto result = std::from_chars(text.data(), end, size);
    if (result.ec != std::errc{} || result.ptr != end || size > kLargestFrame)
        throw process::UsageError(
            fmt::format("--size: '{}' is not a frame size of at most {} bytes", text, kLargestFrame));
    return size;
}

}  // namespace

Traffic::Traffic(const TrafficShape& shape, wire::SwapLevel swap_level, std::uint32_t nonce)
    : shape_(shape),
      nonce_(nonce),
      network_offset_(wire::kEthernetHeaderLength +
                      wire::kVlanTagLength * static_cast<std::uint32_t>(shape.vlan_ids.size())),
      header_length_(network_offset_ + network_length(shape.network)) {
    const std::uint32_t smallest = *std::ranges::min_element(shape_.sizes);
    if (smallest < smallest_size())
        throw process::UsageError(
            fmt::format("--size {}: frames of this kind take at least {} bytes ({} of headers, {} of "
                        "stamp, {} FCS)",
                        smallest, smallest_size(), header_length_, kStampLength, wire::kFcsLength));
    for (std::uint32_t i = 0; i < largest_size(); ++i)
        filler_.push_back(static_cast<std::byte>(i));
    filler_checksum_.push_back(0);
    for (std::size_t at = 0; at + 2 <= filler_.size(); at += 2)
        filler_checksum_.push_back(sum_words({filler_.data() + at, 2}, filler_checksum_.back()));
    for (std::uint16_t index = 0; index < shape_.flows; ++index)
        flows_.push_back(make_flow(index, swap_level));
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

std::uint32_t Traffic::size_of(std::uint64_t index) const noexcept {
    if (!shape_.random_to)
        return shape_.sizes[index % shape_.sizes.size()];
    // SplitMix64 (Steele, Lea, Flood 2014): a good hash of the index, the same in every run.
    std::uint64_t mixed = (index + 1) * 0x9E37'79B9'7F4A'7C15;
    mixed = (mixed ^ mixed >> 30) * 0xBF58'476D'1CE4'E5B9;
    mixed = (mixed ^ mixed >> 27) * 0x94D0'49BB'1331'11EB;
    mixed ^= mixed >> 31;
    return shape_.sizes[0] + static_cast<std::uint32_t>(mixed % (*shape_.random_to - shape_.sizes[0] + 1));
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
        shape_.network == Network::Ipv4 ? append_ipv4(header) : append_ipv6(header);
        append_16(header, static_cast<std::uint16_t>(kFirstSourcePort + index));
        append_16(header, kDestinationPort);
        append(header, {0, 0, 0, 0});
        // Pseudo header and UDP header: addresses to the end, and the protocol (RFC 768, RFC 8200
        // section 8.1).
        const std::size_t addresses = network_offset_ + (shape_.network == Network::Ipv4 ? 12 : 8);
        flow.checksum_base = sum_words(std::span<const std::byte>(header).subspan(addresses),
                                       std::uint32_t{wire::wire_order(wire::kProtocolUdp)});
    }
    flow.returned_header = header;
    swap_header(flow.returned_header, network_offset_, shape_.network, swap_level);
    return flow;
}

std::uint32_t Traffic::check_value(const std::byte* stamp, std::size_t frame_length) const noexcept {
    const std::uint32_t seed = nonce_ ^ static_cast<std::uint32_t>(frame_length);
    std::array<std::uint64_t, 2> words{};  // frames lie at any address, rte_hash_crc() reads aligned words
    std::memcpy(words.data(), stamp, kCheckOffset);
    return rte_hash_crc_8byte(words[1], rte_hash_crc_8byte(words[0], seed));
}

void Traffic::write_with(std::span<std::byte> frame, const Stamp& stamp, const Flow& flow,
                         const std::vector<std::byte>& header) const noexcept {
    std::memcpy(frame.data(), header.data(), header.size());
    std::byte* payload = frame.data() + header_length_;
    std::memcpy(payload, &stamp.stream, sizeof stamp.stream);
    std::memcpy(payload + kSequenceOffset, &stamp.sequence, 6);
    std::memcpy(payload + kPlannedOffset, &stamp.planned, 6);
    const std::uint32_t check = check_value(payload, frame.size());
    std::memcpy(payload + kCheckOffset, &check, sizeof check);
    const std::size_t filler_length = frame.size() - header_length_ - kStampLength;
    std::memcpy(payload + kStampLength, filler_.data(), filler_length);
    if (shape_.network == Network::None)
        return;

    std::byte* network = frame.data() + network_offset_;
    const auto udp_length = static_cast<std::uint16_t>(kUdpLength + kStampLength + filler_length);
    std::byte* udp = network + kIpv6Length;
    if (shape_.network == Network::Ipv4) {
        put_16(network + 2, static_cast<std::uint16_t>(kIpv4Length + udp_length));
        const std::uint16_t header_checksum = fold(sum_words({network, kIpv4Length}));
        std::memcpy(network + 10, &header_checksum, sizeof header_checksum);
        udp = network + kIpv4Length;
    } else {
        put_16(network + 4, udp_length);
    }
    put_16(udp + 4, udp_length);
    // The length enters twice: with the pseudo header and with the UDP header.
    std::uint64_t sum =
        flow.checksum_base + 2u * wire::wire_order(udp_length) + filler_checksum_[filler_length / 2];
    if (filler_length % 2 != 0)
        sum += std::to_integer<std::uint64_t>(filler_[filler_length - 1]);
    std::uint16_t checksum = fold(sum + sum_words({payload, kStampLength}));
    if (checksum == 0)
        checksum = 0xFFFF;  // 0 means no checksum (RFC 768)
    std::memcpy(udp + 6, &checksum, sizeof checksum);
}

void Traffic::write(std::span<std::byte> frame, const Stamp& stamp) const noexcept {
    const Flow& flow = flows_[stamp.stream];
    write_with(frame, stamp, flow, flow.sent_header);
}

bool Traffic::has_returned_addresses(std::span<const std::byte> frame) const noexcept {
    if (frame.size() < wire::kEthernetHeaderLength)
        return false;
    const wire::MacPair macs = wire::load_mac_pair(frame.data());
    constexpr wire::MacAddress kWithoutFlow = 0xFFFF'FFFF;
    return macs.source == shape_.destination &&
           (macs.destination & kWithoutFlow) == (shape_.source & kWithoutFlow);
}

Traffic::Verdict Traffic::check(std::span<const std::byte> frame, std::span<std::byte> scratch,
                                Stamp& stamp) const noexcept {
    const Verdict unreadable = has_returned_addresses(frame) ? Verdict::Damaged : Verdict::Foreign;
    if (frame.size() < header_length_ + kStampLength)
        return unreadable;
    const std::byte* payload = frame.data() + header_length_;
    std::uint32_t check;
    std::memcpy(&check, payload + kCheckOffset, sizeof check);
    stamp = {};
    std::memcpy(&stamp.stream, payload, sizeof stamp.stream);
    std::memcpy(&stamp.sequence, payload + kSequenceOffset, 6);
    std::memcpy(&stamp.planned, payload + kPlannedOffset, 6);
    if (check != check_value(payload, frame.size()) || stamp.stream >= flows_.size() ||
        frame.size() + wire::kFcsLength > largest_size())
        return unreadable;
    const Flow& flow = flows_[stamp.stream];
    const std::span<std::byte> expected = scratch.first(frame.size());
    write_with(expected, stamp, flow, flow.returned_header);
    const bool same = std::memcmp(frame.data(), expected.data(), frame.size()) == 0;
    return same ? Verdict::Intact : Verdict::Corrupted;
}

void parse_sizes(const std::string& text, TrafficShape& shape) {
    shape.sizes.clear();
    shape.random_to.reset();
    if (text == "imix") {
        // The simple IMIX of 7 : 4 : 1, spread so that no size comes in one lump.
        shape.sizes = {64, 594, 64, 64, 594, 64, 1518, 64, 594, 64, 64, 594};
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
