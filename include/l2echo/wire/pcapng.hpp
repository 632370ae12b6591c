// Traced frames as a pcapng file, which Wireshark and tcpdump open (IETF draft-ietf-opsawg-pcapng). DPDK's
// own writer wants mbufs, and takes no comment for a frame before 23.03.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace l2echo::wire {

/// Section header, and one interface for each name.
std::string pcapng_header(const std::vector<std::string>& interfaces, const std::string& application);

/// One frame, of which `bytes` were kept; `nanoseconds` since 1970; `comment` shows beside it in Wireshark.
std::string pcapng_packet(std::uint32_t interface, std::uint64_t nanoseconds,
                          std::span<const std::byte> bytes, std::uint32_t length, const std::string& comment);

}  // namespace l2echo::wire
