// IP addresses of tests, and reading from a buffer that ends where its bytes end.
#pragma once

#include <span>

#include "exact_bytes.hpp"
#include "l2echo/wire/header_read.hpp"
#include "l2echo/wire/ip.hpp"
#include "test_packets.hpp"

namespace packets {

inline l2echo::wire::IpAddress v4(const Bytes& bytes) {
    return l2echo::wire::IpAddress::from_ipv4(reinterpret_cast<const std::byte*>(bytes.data()));
}
inline l2echo::wire::IpAddress v6(const Bytes& bytes) {
    return l2echo::wire::IpAddress::from_ipv6(reinterpret_cast<const std::byte*>(bytes.data()));
}
inline const l2echo::wire::IpAddress kNobody4{.bytes = {}, .version = 4};
inline const l2echo::wire::IpAddress kNobody6{.bytes = {}, .version = 6};

template <typename Header>
l2echo::wire::HeaderRead read_exactly(const Bytes& bytes, Header& header) {
    ExactBytes exact(bytes);
    return read_header(std::span<const std::byte>(exact.data(), bytes.size()), header);
}

inline Bytes changed(Bytes packet, std::size_t at, unsigned value) {
    packet.at(at) = static_cast<std::uint8_t>(value);
    return packet;
}

}  // namespace packets
