// A tuple as bytes for a keyed hash.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "l2echo/tcp/tuple.hpp"

namespace l2echo::tcp {

inline constexpr std::size_t kTupleBytes = 2 * 16 + 2 * 2;

/// IPv4 addresses as ::ffff:0:0/96 (RFC 4291 2.5.5.2), so that no IPv6 address, which cannot be one of these
/// on the wire, is the same.
inline void store_address(std::byte* at, const wire::IpAddress& address) noexcept {
    if (address.version != 4) {
        std::memcpy(at, address.bytes.data(), 16);
        return;
    }
    std::memset(at, 0, 10);
    std::memset(at + 10, 0xFF, 2);
    std::memcpy(at + 12, address.bytes.data(), 4);
}

/// Addresses, then ports.
inline void store_tuple(std::byte* at, const Tuple& tuple) noexcept {
    store_address(at, tuple.local);
    store_address(at + 16, tuple.remote);
    std::memcpy(at + 32, &tuple.local_port, 2);
    std::memcpy(at + 34, &tuple.remote_port, 2);
}

/// The tuple, then `purpose` and the words: what is hashed for one purpose says nothing about another.
template <std::size_t kWords>
std::array<std::byte, kTupleBytes + 1 + 4 * kWords> keyed_message(
    const Tuple& tuple, std::uint8_t purpose, const std::array<std::uint32_t, kWords>& words) {
    std::array<std::byte, kTupleBytes + 1 + 4 * kWords> message;
    store_tuple(message.data(), tuple);
    message[kTupleBytes] = std::byte{purpose};
    if constexpr (kWords > 0)  // data() of an empty array may be nullptr, which memcpy() must not get
        std::memcpy(message.data() + kTupleBytes + 1, words.data(), 4 * kWords);
    return message;
}

}  // namespace l2echo::tcp
