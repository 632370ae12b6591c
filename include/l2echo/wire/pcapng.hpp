// Traced frames as a pcapng file, which Wireshark and tcpdump open (IETF draft-ietf-opsawg-pcapng). DPDK's
// own writer needs mbufs, and before 23.03 it has no per-frame comments.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace l2echo::wire {

/// Returns the section header and one interface description per name.
std::string pcapng_header(const std::vector<std::string>& interfaces, const std::string& application);

/// Returns the block of one frame of `length` bytes, of which `bytes` were captured. `nanoseconds` counts
/// from 1970; Wireshark shows `comment` with the frame.
std::string pcapng_packet(std::uint32_t interface, std::uint64_t nanoseconds,
                          std::span<const std::byte> bytes, std::uint32_t length, const std::string& comment);

}  // namespace l2echo::wire
