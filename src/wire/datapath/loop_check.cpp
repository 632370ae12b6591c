#include "l2echo/wire/loop_check.hpp"

#include <array>
#include <cstring>

namespace l2echo::wire {
namespace {

/// Follows the EtherType and precedes the sender.
constexpr std::array<char, 16> kMagic{'l', '2', 'e', 'c', 'h', 'o', ' ', 'l',
                                      'o', 'o', 'p', ' ', 'c', 'h', 'k', '1'};

/// Packs the sender for the wire: 48 bits process, 16 bits port, in memory order. Only l2echo reads it.
std::uint64_t pack(const LoopCheckSender& sender) noexcept {
    return sender.process << 16 | sender.port;
}

}  // namespace

void write_loop_check(std::byte* data, MacAddress own_mac, const LoopCheckSender& sender) noexcept {
    std::memset(data, 0, kLoopCheckLength);
    store_swapped(data, {own_mac, loop_check_mac(sender)});
    std::memcpy(data + 12, &kEtherTypeLoopCheck, sizeof kEtherTypeLoopCheck);
    std::memcpy(data + kEthernetHeaderLength, kMagic.data(), kMagic.size());
    const std::uint64_t packed = pack(sender);
    std::memcpy(data + kEthernetHeaderLength + kMagic.size(), &packed, sizeof packed);
}

std::optional<LoopCheck> read_loop_check(const FrameView& frame, const FrameHeaders& headers) noexcept {
    std::uint64_t packed = 0;
    if (headers.type != kEtherTypeLoopCheck || frame.length < headers.network + kMagic.size() + sizeof packed)
        return {};
    const std::byte* payload = frame.data + headers.network;
    if (std::memcmp(payload, kMagic.data(), kMagic.size()) != 0)
        return {};
    std::memcpy(&packed, payload + kMagic.size(), sizeof packed);
    const LoopCheckSender sender{packed >> 16, static_cast<std::uint16_t>(packed & 0xFFFF)};
    const MacPair macs = load_mac_pair(frame.data);
    const MacAddress check_mac = loop_check_mac(sender);
    if (macs.source != check_mac && macs.destination != check_mac)
        return {};
    return LoopCheck{sender, macs.source == check_mac};
}

}  // namespace l2echo::wire
