// What reading a header finds.
#pragma once

#include <cstdint>

namespace l2echo::wire {

/// Why a header is malformed: the first reason that applies.
enum class HeaderFault : std::uint8_t {
    None,
    Truncated,     ///< the bytes end before the header does
    Version,       ///< not the version that the reader is for
    HeaderLength,  ///< the header claims to be shorter than its fixed part
    PacketLength,  ///< the packet claims to be shorter than its header, or longer than the bytes
    Option,        ///< an option or extension header has a length that it cannot have
    Checksum,      ///< of the IPv4 header
};

struct HeaderRead {
    std::uint16_t length = 0;  ///< bytes of the header with its options or extensions; valid without fault
    HeaderFault fault = HeaderFault::None;

    explicit operator bool() const noexcept { return fault == HeaderFault::None; }
};

}  // namespace l2echo::wire
