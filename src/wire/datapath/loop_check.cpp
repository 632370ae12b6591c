#include "l2echo/wire/loop_check.hpp"

#include <array>
#include <cstring>

namespace l2echo::wire {
namespace {

/// Follows the EtherType; then the nonce.
constexpr std::array<char, 16> kMagic{'l', '2', 'e', 'c', 'h', 'o', ' ', 'l',
                                      'o', 'o', 'p', ' ', 'c', 'h', 'k', '1'};

}  // namespace

void write_loop_check(std::byte* data, MacAddress own_mac, std::uint64_t nonce) noexcept {
    std::memset(data, 0, kLoopCheckLength);
    store_swapped(data, {own_mac, kLoopCheckDestination});
    std::memcpy(data + 12, &kEtherTypeLoopCheck, sizeof kEtherTypeLoopCheck);
    std::memcpy(data + kEthernetHeaderLength, kMagic.data(), kMagic.size());
    std::memcpy(data + kEthernetHeaderLength + kMagic.size(), &nonce, sizeof nonce);
}

LoopCheckSender read_loop_check(const FrameView& frame, const FrameHeaders& headers,
                                std::uint64_t nonce) noexcept {
    if (headers.type != kEtherTypeLoopCheck || frame.length < headers.network + kMagic.size() + sizeof nonce)
        return LoopCheckSender::NoCheck;
    const std::byte* payload = frame.data + headers.network;
    if (std::memcmp(payload, kMagic.data(), kMagic.size()) != 0)
        return LoopCheckSender::NoCheck;
    const bool ours = std::memcmp(payload + kMagic.size(), &nonce, sizeof nonce) == 0;
    return ours ? LoopCheckSender::Ourselves : LoopCheckSender::Another;
}

}  // namespace l2echo::wire
