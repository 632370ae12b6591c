#include "l2echo/probe/traffic/traffic.hpp"

#include <rte_hash_crc.h>

#include <array>
#include <cstring>

#include "l2echo/wire/byte_order.hpp"
#include "l2echo/wire/line_overhead.hpp"
#include "probe/traffic/headers.hpp"

namespace l2echo::probe {
namespace {

constexpr std::uint32_t kSequenceOffset = 2;
constexpr std::uint32_t kPlannedOffset = 8;
constexpr std::uint32_t kCheckOffset = 14;

std::uint16_t fold(std::uint64_t sum) noexcept {
    while (sum >> 16 != 0)
        sum = (sum & 0xFFFF) + (sum >> 16);
    return static_cast<std::uint16_t>(~sum);
}

}  // namespace

std::uint32_t Traffic::size_of(std::uint64_t index) const noexcept {
    if (!shape_.random_to)
        return shape_.sizes[index % shape_.sizes.size()];
    // SplitMix64 (Steele, Lea, Flood 2014): a good hash of the index, identical in every run.
    std::uint64_t mixed = (index + 1) * 0x9E37'79B9'7F4A'7C15;
    mixed = (mixed ^ mixed >> 30) * 0xBF58'476D'1CE4'E5B9;
    mixed = (mixed ^ mixed >> 27) * 0x94D0'49BB'1331'11EB;
    mixed ^= mixed >> 31;
    return shape_.sizes[0] + static_cast<std::uint32_t>(mixed % (*shape_.random_to - shape_.sizes[0] + 1));
}

std::uint32_t Traffic::check_value(const std::byte* stamp, std::size_t frame_length) const noexcept {
    const std::uint32_t seed = nonce_ ^ static_cast<std::uint32_t>(frame_length);
    std::array<std::uint64_t, 2> words{};  // frames may be unaligned, rte_hash_crc() reads aligned words
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
        wire::store_be16(network + 2, static_cast<std::uint16_t>(kIpv4Length + udp_length));
        const std::uint16_t header_checksum = fold(sum_words({network, kIpv4Length}));
        std::memcpy(network + 10, &header_checksum, sizeof header_checksum);
        udp = network + kIpv4Length;
    } else {
        wire::store_be16(network + 4, udp_length);
    }
    wire::store_be16(udp + 4, udp_length);
    // The length is included twice: in the pseudo header and in the UDP header.
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
        frame.size() + wire::kFcsLength > filler_.size())
        return unreadable;
    const Flow& flow = flows_[stamp.stream];
    const std::span<std::byte> expected = scratch.first(frame.size());
    write_with(expected, stamp, flow, flow.returned_header);
    const bool same = std::memcmp(frame.data(), expected.data(), frame.size()) == 0;
    return same ? Verdict::Intact : Verdict::Corrupted;
}

}  // namespace l2echo::probe
