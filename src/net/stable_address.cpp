#include "net/stable_address.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <span>

#include "l2echo/wire/byte_order.hpp"

namespace l2echo::net {
namespace {

constexpr std::size_t kMaxNameLength = 64;  // RTE_ETH_NAME_MAX_LEN
constexpr std::size_t kFixedLength = 8 + 6 + 2;

std::uint64_t identifier_of(const StableAddressSource& source, std::uint8_t attempt) noexcept {
    std::array<std::byte, kFixedLength + kMaxNameLength> message;
    std::memcpy(message.data(), source.prefix.bytes.data(), 8);
    wire::store_mac(message.data() + 8, source.mac);
    message[14] = std::byte{source.conflicts};
    message[15] = std::byte{attempt};
    const std::size_t name = std::min(source.port_name.size(), kMaxNameLength);
    std::memcpy(message.data() + kFixedLength, source.port_name.data(), name);
    return hash::siphash(source.secret, std::span(message).first(kFixedLength + name));
}

}  // namespace

bool is_reserved_identifier(std::uint64_t identifier) noexcept {
    constexpr std::uint64_t kIanaEthernet = 0x0200'5EFF'FE00'0000;
    constexpr std::uint64_t kIanaEthernetMask = 0xFFFF'FFFF'FF00'0000;
    constexpr std::uint64_t kFirstAnycast = 0xFDFF'FFFF'FFFF'FF80;
    constexpr std::uint64_t kLastAnycast = 0xFDFF'FFFF'FFFF'FFFF;
    return identifier == 0 || (identifier & kIanaEthernetMask) == kIanaEthernet ||
           (identifier >= kFirstAnycast && identifier <= kLastAnycast);
}

wire::IpAddress stable_address(const StableAddressSource& source) {
    std::uint8_t attempt = 0;
    std::uint64_t identifier = identifier_of(source, attempt);
    while (is_reserved_identifier(identifier))
        identifier = identifier_of(source, ++attempt);
    wire::IpAddress address = source.prefix;
    wire::store_be32(address.bytes.data() + 8, static_cast<std::uint32_t>(identifier >> 32));
    wire::store_be32(address.bytes.data() + 12, static_cast<std::uint32_t>(identifier));
    return address;
}

wire::IpAddress link_local_prefix() noexcept {
    wire::IpAddress prefix{.bytes = {}, .version = 6};
    prefix.bytes[0] = std::byte{0xFE};
    prefix.bytes[1] = std::byte{0x80};
    return prefix;
}

}  // namespace l2echo::net
