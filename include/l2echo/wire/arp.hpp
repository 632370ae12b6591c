// ARP packets for IPv4 over Ethernet (RFC 826) in both directions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "l2echo/wire/ethernet.hpp"
#include "l2echo/wire/header_read.hpp"
#include "l2echo/wire/ip.hpp"

namespace l2echo::wire {

inline constexpr std::uint32_t kArpLength = 28;

enum class ArpOperation : std::uint8_t { Request = 1, Reply = 2 };

struct ArpPacket {
    ArpOperation operation = ArpOperation::Request;
    MacAddress sender_mac = 0;
    IpAddress sender{};  ///< 0.0.0.0: a probe, which nobody may learn from (RFC 5227 1.1)
    MacAddress target_mac = 0;
    IpAddress target{};

    friend bool operator==(const ArpPacket&, const ArpPacket&) noexcept = default;
};

/// Reads the packet at the start of an Ethernet payload; padding may follow. Faults: Version if it is not for
/// IPv4 over Ethernet or neither a request nor a reply, HeaderLength if an address length is wrong.
HeaderRead read_header(std::span<const std::byte> payload, ArpPacket& packet) noexcept;

/// Writes the packet. `to` has room for kArpLength bytes; both addresses are IPv4.
void write_header(const ArpPacket& packet, std::byte* to) noexcept;

}  // namespace l2echo::wire
