// The frame by which a reflector says that it is there. Nothing in a frame tells a storm between two
// reflectors from a tester that repeats itself, and layer 2 has no time to live. So each port sends one check
// a second: whoever reflects returns it, and a port that gets any check, its own or another's, stops echoing.
#pragma once

#include <cstddef>
#include <cstdint>

#include "l2echo/wire/byte_order.hpp"
#include "l2echo/wire/frame_headers.hpp"

namespace l2echo::wire {

/// Bytes without FCS: the shortest Ethernet frame.
inline constexpr std::uint16_t kLoopCheckLength = 60;

/// Local experimental EtherType 1 (IEEE 802, clause 9.2.3), in memory order.
inline constexpr std::uint16_t kEtherTypeLoopCheck = wire_order(0x88B5);

/// Where checks go: a locally administered unicast address that nobody has, so that a reflector of any kind
/// returns them.
inline constexpr MacAddress kLoopCheckDestination = 0x4B'43'48'43'45'02;

/// Writes kLoopCheckLength bytes. `nonce` tells this process's checks from another's.
void write_loop_check(std::byte* data, MacAddress own_mac, std::uint64_t nonce) noexcept;

enum class LoopCheckSender : std::uint8_t { NoCheck, Ourselves, Another };

/// Swapped or not, tagged or not.
LoopCheckSender read_loop_check(const FrameView& frame, const FrameHeaders& headers,
                                std::uint64_t nonce) noexcept;

}  // namespace l2echo::wire
