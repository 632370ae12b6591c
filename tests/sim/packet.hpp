// What travels on the simulated wire: the bytes of an IP packet, or an ICMP error.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "l2echo/tcp/icmp_error.hpp"
#include "l2echo/tcp/outgoing_segment.hpp"
#include "l2echo/tcp/tuple.hpp"
#include "l2echo/wire/tcp.hpp"

namespace l2echo::sim {

struct Packet {
    std::vector<std::byte> bytes;
    tcp::IcmpError error;  ///< if is_error
    tcp::Tuple quoted;     ///< if is_error: whose segment it quotes, seen from the receiver of the error
    bool is_error = false;
    bool in_use = false;
};

/// Keeps the buffers of packets that were delivered for the next ones.
class PacketStore {
  public:
    std::uint32_t add() {
        if (free_.empty()) {
            free_.push_back(static_cast<std::uint32_t>(packets_.size()));
            packets_.emplace_back();
        }
        const std::uint32_t id = free_.back();
        free_.pop_back();
        packets_[id].is_error = false;
        packets_[id].in_use = true;
        return id;
    }
    std::uint32_t copy(std::uint32_t id) {
        const std::uint32_t added = add();
        packets_[added].bytes = packets_[id].bytes;
        return added;
    }
    void release(std::uint32_t id) {
        packets_[id].in_use = false;
        free_.push_back(id);
    }
    Packet& operator[](std::uint32_t id) noexcept { return packets_[id]; }
    std::size_t in_use() const noexcept { return packets_.size() - free_.size(); }

  private:
    std::vector<Packet> packets_;
    std::vector<std::uint32_t> free_;
};

/// Length of the packet that write_packet() makes.
std::size_t packet_length(const tcp::Tuple& tuple, const tcp::OutgoingSegment& segment) noexcept;

/// Writes IP and TCP header, payload and checksums. `tuple` is the sender's.
void write_packet(const tcp::Tuple& tuple, const tcp::OutgoingSegment& segment,
                  std::vector<std::byte>& bytes);

struct ReceivedSegment {
    tcp::Tuple tuple;  ///< seen from the receiver
    wire::TcpHeader header;
    std::span<const std::byte> payload;
};

/// Nothing if a header is malformed or a checksum is wrong.
std::optional<ReceivedSegment> read_packet(std::span<const std::byte> bytes) noexcept;

}  // namespace l2echo::sim
