// The TCP header and its options (RFC 9293 3.1, 3.2) in both directions.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "l2echo/wire/header_read.hpp"

namespace l2echo::wire {

inline constexpr std::uint32_t kTcpHeaderLength = 20;  ///< without options
inline constexpr std::uint32_t kMaxTcpHeaderLength = 60;
inline constexpr std::uint32_t kTcpChecksumOffset = 16;
inline constexpr std::size_t kMaxSackBlocks = 4;

/// In the order of the bits, FIN the lowest.
struct TcpFlags {
    bool fin : 1 = false;
    bool syn : 1 = false;
    bool rst : 1 = false;
    bool psh : 1 = false;
    bool ack : 1 = false;
    bool urg : 1 = false;
    bool ece : 1 = false;
    bool cwr : 1 = false;

    friend bool operator==(const TcpFlags&, const TcpFlags&) noexcept = default;
};
static_assert(sizeof(TcpFlags) == 1);

/// RFC 7323 3.2
struct TcpTimestamps {
    std::uint32_t value = 0;  ///< TSval
    std::uint32_t echo = 0;   ///< TSecr

    friend bool operator==(const TcpTimestamps&, const TcpTimestamps&) noexcept = default;
};

/// Bytes from `left` up to, and without, `right` (RFC 2018 3).
struct SackBlock {
    std::uint32_t left = 0;
    std::uint32_t right = 0;

    friend bool operator==(const SackBlock&, const SackBlock&) noexcept = default;
};

/// The options that are understood. Of an option that occurs twice the last one counts.
struct TcpOptions {
    std::uint16_t mss = 0;  ///< 0: absent
    bool sack_permitted = false;
    std::uint8_t sack_blocks = 0;  ///< valid entries of `sack`, at most kMaxSackBlocks
    std::optional<std::uint8_t>
        window_scale;  ///< as on the wire: 0 to 255 (RFC 7323 2.3: above 14 counts as 14)
    std::optional<TcpTimestamps> timestamps;
    std::array<SackBlock, kMaxSackBlocks> sack{};

    friend bool operator==(const TcpOptions&, const TcpOptions&) noexcept = default;
};

/// All numbers in host byte order. The checksum is not here: read_header() does not verify it, because it
/// covers the payload, which is summed while it is copied.
struct TcpHeader {
    std::uint16_t source_port = 0;
    std::uint16_t destination_port = 0;
    std::uint32_t sequence = 0;
    std::uint32_t acknowledgment = 0;
    TcpFlags flags{};
    std::uint16_t window = 0;  ///< as on the wire, not scaled
    std::uint16_t urgent_pointer = 0;
    TcpOptions options{};

    friend bool operator==(const TcpHeader&, const TcpHeader&) noexcept = default;
};
static_assert(sizeof(TcpHeader) <= 80);

/// Reads the header at the start of a segment. Options that are not understood are skipped by their length.
HeaderRead read_header(std::span<const std::byte> segment, TcpHeader& header) noexcept;

/// Length of the header that write_header() writes: 20 to 60 bytes, a multiple of 4.
std::uint32_t header_length(const TcpHeader& header) noexcept;

/// Writes the header with its options, and a checksum field of zero, and returns header_length(). `to` has
/// room for it. SACK blocks that do not fit are left out, the last first: four fit alone, three beside
/// timestamps.
std::uint32_t write_header(const TcpHeader& header, std::byte* to) noexcept;

}  // namespace l2echo::wire
