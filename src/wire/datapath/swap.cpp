#include "l2echo/wire/swap.hpp"

#include <array>
#include <cstring>

namespace l2echo::wire {
namespace {

/// True for multicast (RFC 5771, RFC 4291) and the limited broadcast.
bool is_group_address(const std::byte* address, const FrameHeaders& headers) noexcept {
    const auto first = std::to_integer<unsigned>(address[0]);
    return headers.ip_version == 6 ? first == 0xFF : first >= 224;
}

template <std::size_t Length>
void swap_adjacent(std::byte* first) noexcept {
    std::array<std::byte, Length> kept;
    std::memcpy(kept.data(), first, Length);
    std::memcpy(first, first + Length, Length);
    std::memcpy(first + Length, kept.data(), Length);
}

}  // namespace

bool can_swap(const std::byte* data, const FrameHeaders& headers, SwapLevel level) noexcept {
    if (level == SwapLevel::Mac)
        return true;
    if (headers.ip_version == 0 || headers.source_routed)
        return false;
    const std::byte* destination = data + ip_source_offset(headers) + ip_address_length(headers);
    if (is_group_address(destination, headers))
        return false;
    if (level == SwapLevel::MacIp)
        return true;
    const bool port_protocol = headers.protocol == kProtocolUdp || headers.protocol == kProtocolTcp;
    return port_protocol && (headers.later_fragment || headers.ports != 0);
}

void swap_network(std::byte* data, const FrameHeaders& headers, SwapLevel level) noexcept {
    if (level == SwapLevel::Mac)
        return;
    if (headers.ip_version == 4)
        swap_adjacent<4>(data + ip_source_offset(headers));
    else
        swap_adjacent<16>(data + ip_source_offset(headers));
    if (level == SwapLevel::MacIpPort && headers.ports != 0)
        swap_adjacent<2>(data + headers.ports);
}

}  // namespace l2echo::wire
