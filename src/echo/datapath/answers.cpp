#include "l2echo/echo/answers.hpp"

#include <algorithm>
#include <cstring>

#include "l2echo/wire/byte_order.hpp"
#include "l2echo/wire/swap.hpp"

namespace l2echo::echo {
namespace {

constexpr std::uint8_t kFreshHopLimit = 64;  // RFC 1700; the answer is a new packet

std::uint8_t byte_at(const std::byte* at) noexcept {
    return std::to_integer<std::uint8_t>(*at);
}

bool same(const std::byte* a, const std::byte* b, std::size_t length) noexcept {
    return std::memcmp(a, b, length) == 0;
}

bool same_prefix(const std::byte* a, const std::byte* b, unsigned bits) noexcept {
    const unsigned bytes = bits / 8;
    const unsigned rest = bits % 8;
    return same(a, b, bytes) && (rest == 0 || (byte_at(a + bytes) ^ byte_at(b + bytes)) >> (8 - rest) == 0);
}

/// Replaces a 16-bit word and updates the checksum that covers it (RFC 1624, equation 3). A wrong checksum
/// stays wrong.
void replace_word(std::byte* word, std::uint16_t value, std::byte* checksum) noexcept {
    std::uint32_t sum = static_cast<std::uint16_t>(~wire::load_be16(checksum)) +
                        static_cast<std::uint16_t>(~wire::load_be16(word)) + std::uint32_t{value};
    sum = (sum & 0xFFFF) + (sum >> 16);
    sum = (sum & 0xFFFF) + (sum >> 16);
    wire::store_be16(word, value);
    wire::store_be16(checksum, static_cast<std::uint16_t>(~sum));
}

void answer_to_sender(std::byte* data, wire::MacAddress own_mac) noexcept {
    wire::store_swapped(data, {own_mac, wire::load_mac_pair(data).source});
}

/// Answers an ARP request for one of our addresses (RFC 826), from its own network or from 0.0.0.0 (RFC 5227
/// probe).
bool answer_arp(rte_mbuf& frame, const wire::FrameHeaders& headers, wire::MacAddress own_mac,
                const AnswerRules& rules) noexcept {
    constexpr std::array<std::uint8_t, 8> kRequest{0, 1, 8, 0,
                                                   6, 4, 0, 1};  // Ethernet, IPv4, lengths, request
    constexpr std::uint32_t kLength = 28;
    auto* data = rte_pktmbuf_mtod(&frame, std::byte*);
    std::byte* arp = data + headers.network;
    if (frame.data_len < headers.network + kLength || std::memcmp(arp, kRequest.data(), kRequest.size()) != 0)
        return false;
    std::byte* sender = arp + 8;
    std::byte* target = arp + 18;
    constexpr std::array<std::byte, 4> kNobody{};
    const auto ours = std::ranges::find_if(rules.ipv4, [&](const Ipv4Interface& own) {
        return same(target + 6, own.address.data(), 4) && !same(sender + 6, own.address.data(), 4) &&
               (same(sender + 6, kNobody.data(), 4) ||
                same_prefix(sender + 6, own.address.data(), own.prefix_length));
    });
    if (ours == rules.ipv4.end())
        return false;
    wire::store_be16(arp + 6, 2);
    std::memcpy(target, sender, 10);
    wire::store_mac(sender, own_mac);
    std::memcpy(sender + 6, ours->address.data(), 4);
    answer_to_sender(data, own_mac);
    return true;
}

/// Answers an ICMP echo request (RFC 792) that is not fragmented and has no IP options.
bool answer_icmp(rte_mbuf& frame, const wire::FrameHeaders& headers, wire::MacAddress own_mac,
                 const AnswerRules& rules) noexcept {
    constexpr std::uint32_t kHeaders = 20 + 8;
    auto* data = rte_pktmbuf_mtod(&frame, std::byte*);
    std::byte* ip = data + headers.network;
    if (headers.ip_version != 4 || headers.protocol != wire::kProtocolIcmp || headers.fragment ||
        headers.transport != headers.network + 20 || frame.data_len < headers.network + kHeaders ||
        headers.end < headers.network + kHeaders)
        return false;
    std::byte* icmp = data + headers.transport;
    const bool ours = std::ranges::any_of(rules.ipv4, [&](const Ipv4Interface& own) {
        return same(ip + 16, own.address.data(), 4) && !same(ip + 12, own.address.data(), 4);
    });
    const std::uint8_t source = byte_at(ip + 12);
    constexpr std::uint8_t kFirstGroup = 224;
    if (!ours || wire::load_be16(icmp) != 0x0800 || source == 0 || source >= kFirstGroup)
        return false;
    replace_word(icmp, 0, icmp + 2);
    // A reply of all zeros has the checksum 0xFFFF; it is equally valid for every other reply whose checksum
    // comes out as 0.
    if (wire::load_be16(icmp + 2) == 0)
        wire::store_be16(icmp + 2, 0xFFFF);
    replace_word(ip + 8, static_cast<std::uint16_t>(kFreshHopLimit << 8 | byte_at(ip + 9)), ip + 10);
    wire::swap_network(data, headers, wire::SwapLevel::MacIp);
    answer_to_sender(data, own_mac);
    return true;
}

/// Answers an ICMPv6 echo request (RFC 4443, 4.1).
bool answer_icmpv6_echo(rte_mbuf& frame, const wire::FrameHeaders& headers, wire::MacAddress own_mac,
                        const AnswerRules& rules) noexcept {
    auto* data = rte_pktmbuf_mtod(&frame, std::byte*);
    std::byte* ip = data + headers.network;
    std::byte* icmp = data + headers.transport;
    const bool ours = std::ranges::any_of(rules.ipv6, [&](const Ipv6Interface& own) {
        return same(ip + 24, own.address.data(), 16) && !same(ip + 8, own.address.data(), 16);
    });
    constexpr std::array<std::byte, 16> kUnspecified{};
    if (!ours || byte_at(ip + 8) == 0xFF || same(ip + 8, kUnspecified.data(), 16))
        return false;
    replace_word(icmp, 0x8100, icmp + 2);
    ip[7] = std::byte{kFreshHopLimit};
    wire::swap_network(data, headers, wire::SwapLevel::MacIp);
    answer_to_sender(data, own_mac);
    return true;
}

/// Returns the checksum over the pseudo-header and `length` bytes of ICMPv6 after an IPv6 header without
/// extensions; 0 for a correct packet (RFC 4443, 2.3).
std::uint16_t icmpv6_checksum(const std::byte* ip, std::uint32_t length) noexcept {
    std::uint64_t sum = wire::kProtocolIcmpv6 + length;
    for (std::uint32_t at = 8; at + 1 < 40 + length; at += 2)
        sum += wire::load_be16(ip + at);
    while (sum >> 16 != 0)
        sum = (sum & 0xFFFF) + (sum >> 16);
    return static_cast<std::uint16_t>(~sum);
}

/// Checks what RFC 4861, 7.1.1 requires of a solicitation's options and, if the source is unspecified, of its
/// destination.
bool is_valid_solicitation(const std::byte* ip, const std::byte* icmp, std::uint32_t length,
                           bool nobody_asks) noexcept {
    constexpr std::uint32_t kFirstOption = 24;
    constexpr std::uint8_t kSourceLinkLayerAddress = 1;
    constexpr std::array<std::uint8_t, 13> kSolicitedNode{0xFF, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xFF};
    if (nobody_asks && std::memcmp(ip + 24, kSolicitedNode.data(), kSolicitedNode.size()) != 0)
        return false;
    for (std::uint32_t at = kFirstOption; at < length; at += 8U * byte_at(icmp + at + 1))
        if (byte_at(icmp + at + 1) == 0 || (nobody_asks && byte_at(icmp + at) == kSourceLinkLayerAddress))
            return false;
    return true;
}

/// Turns a neighbour solicitation for one of our addresses (RFC 4861, 4.3 and 7.1.1) into the advertisement
/// (4.4, 7.2.4): solicited and override flags set, with our MAC as option. The answer to duplicate address
/// detection goes to all nodes, with only the override flag.
bool answer_neighbour_solicitation(rte_mbuf& frame, const wire::FrameHeaders& headers,
                                   wire::MacAddress own_mac, const AnswerRules& rules) noexcept {
    constexpr std::uint32_t kSolicitation = 24;
    constexpr std::uint16_t kAdvertisement = kSolicitation + 8;
    constexpr std::uint32_t kMaxSummed = 256;  // options may follow; no real solicitation is longer
    auto* data = rte_pktmbuf_mtod(&frame, std::byte*);
    std::byte* ip = data + headers.network;
    std::byte* icmp = data + headers.transport;
    const std::uint32_t length = headers.end - headers.transport;
    if (length < kSolicitation || length % 8 != 0 || length > kMaxSummed || headers.end > frame.data_len ||
        byte_at(ip + 7) != 255 || icmpv6_checksum(ip, length) != 0)
        return false;
    const auto ours = std::ranges::find_if(
        rules.ipv6, [&](const Ipv6Interface& own) { return same(icmp + 8, own.address.data(), 16); });
    constexpr std::array<std::byte, 16> kUnspecified{};
    const bool nobody_asks = same(ip + 8, kUnspecified.data(), 16);
    if (ours == rules.ipv6.end() || byte_at(ip + 8) == 0xFF ||
        !is_valid_solicitation(ip, icmp, length, nobody_asks))
        return false;
    const std::uint32_t answered = headers.transport + kAdvertisement;
    if (frame.nb_segs != 1)
        return false;
    if (answered > frame.data_len &&
        rte_pktmbuf_append(&frame, static_cast<std::uint16_t>(answered - frame.data_len)) == nullptr)
        return false;

    constexpr std::array<std::uint8_t, 16> kAllNodes{0xFF, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
    constexpr wire::MacAddress kAllNodesMac = 0x01'00'00'00'33'33;  // RFC 2464, 7
    answer_to_sender(data, own_mac);
    if (nobody_asks) {
        wire::store_mac(data, kAllNodesMac);
        std::memcpy(ip + 24, kAllNodes.data(), 16);
    } else {
        std::memcpy(ip + 24, ip + 8, 16);
    }
    std::memcpy(ip + 8, ours->address.data(), 16);
    wire::store_be16(ip + 4, kAdvertisement);
    std::memset(icmp, 0, 8);
    icmp[0] = std::byte{136};
    icmp[4] = nobody_asks ? std::byte{0x20} : std::byte{0x60};  // override; solicited
    std::memcpy(icmp + 8, ours->address.data(), 16);
    wire::store_be16(icmp + kSolicitation, 0x0201);  // target link-layer address, one unit of 8 bytes
    wire::store_mac(icmp + kSolicitation + 2, own_mac);
    wire::store_be16(icmp + 2, icmpv6_checksum(ip, kAdvertisement));
    return true;
}

bool answer_icmpv6(rte_mbuf& frame, const wire::FrameHeaders& headers, wire::MacAddress own_mac,
                   const AnswerRules& rules) noexcept {
    constexpr std::uint32_t kIcmpHeader = 8;
    if (headers.ip_version != 6 || headers.protocol != wire::kProtocolIcmpv6 || headers.fragment ||
        headers.transport != headers.network + 40 || frame.data_len < headers.transport + kIcmpHeader ||
        headers.end < headers.transport + kIcmpHeader)
        return false;
    const auto* data = rte_pktmbuf_mtod(&frame, const std::byte*);
    const std::uint16_t type_and_code = wire::load_be16(data + headers.transport);
    if (type_and_code == 0x8700)
        return answer_neighbour_solicitation(frame, headers, own_mac, rules);
    const bool to_us = wire::load_mac_pair(data).destination == own_mac;
    return to_us && type_and_code == 0x8000 && answer_icmpv6_echo(frame, headers, own_mac, rules);
}

/// Turns a loopback message into a loopback reply (IEEE 802.1Q, 21.7): changes the opcode, which is the
/// second byte, and keeps the rest.
bool answer_loopback_message(rte_mbuf& frame, const wire::FrameHeaders& headers,
                             wire::MacAddress own_mac) noexcept {
    constexpr std::uint32_t kCommonHeader = 4;
    constexpr std::byte kLoopbackMessage{3};
    constexpr std::byte kLoopbackReply{2};
    auto* data = rte_pktmbuf_mtod(&frame, std::byte*);
    std::byte* opcode = data + headers.network + 1;
    if (frame.data_len < headers.network + kCommonHeader || *opcode != kLoopbackMessage)
        return false;
    *opcode = kLoopbackReply;
    answer_to_sender(data, own_mac);
    return true;
}

}  // namespace

bool answer(rte_mbuf& frame, const wire::FrameHeaders& headers, wire::MacAddress own_mac,
            const AnswerRules& rules) noexcept {
    const wire::MacPair macs = wire::load_mac_pair(rte_pktmbuf_mtod(&frame, const std::byte*));
    const bool to_us = macs.destination == own_mac;
    const bool to_ipv6_group = (macs.destination & 0xFFFF) == 0x3333;  // RFC 2464, 7
    if (wire::is_group(macs.source) || macs.source == 0)
        return false;
    switch (headers.type) {
        case wire::kEtherTypeArp:
            return (to_us || macs.destination == wire::kMacMask) &&
                   answer_arp(frame, headers, own_mac, rules);
        case wire::kEtherTypeIpv4:
            return to_us && answer_icmp(frame, headers, own_mac, rules);
        case wire::kEtherTypeIpv6:
            return (to_us || to_ipv6_group) && answer_icmpv6(frame, headers, own_mac, rules);
        case wire::wire_order(0x8902):
            return to_us && rules.eth_loopback && answer_loopback_message(frame, headers, own_mac);
        default:
            return false;
    }
}

}  // namespace l2echo::echo
