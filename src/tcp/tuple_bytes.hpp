// A tuple as bytes for a keyed hash.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "l2echo/tcp/tuple.hpp"

namespace l2echo::tcp {

inline constexpr std::size_t kTupleBytes = 2 * sizeof(wire::IpAddress::bytes) + 4;

/// Addresses and ports one after the other. The families are left out: addresses of different families do not
/// meet in one tuple, and a hash may collide.
inline void store_tuple(std::byte* at, const Tuple& tuple) noexcept {
    constexpr std::size_t kAddress = sizeof tuple.local.bytes;
    std::memcpy(at, &tuple.local.bytes, kAddress);
    std::memcpy(at + kAddress, &tuple.remote.bytes, kAddress);
    std::memcpy(at + 2 * kAddress, &tuple.local_port, 2);
    std::memcpy(at + 2 * kAddress + 2, &tuple.remote_port, 2);
}

/// The tuple, then `purpose` and the words: what is hashed for one purpose says nothing about another.
template <std::size_t kWords>
std::array<std::byte, kTupleBytes + 1 + 4 * kWords> keyed_message(
    const Tuple& tuple, std::uint8_t purpose, const std::array<std::uint32_t, kWords>& words) {
    std::array<std::byte, kTupleBytes + 1 + 4 * kWords> message;
    store_tuple(message.data(), tuple);
    message[kTupleBytes] = std::byte{purpose};
    std::memcpy(message.data() + kTupleBytes + 1, words.data(), 4 * kWords);
    return message;
}

}  // namespace l2echo::tcp
