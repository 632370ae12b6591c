// The frame by which a reflector finds out that its frames come back. A frame cannot show whether
// it is part of a storm between two reflectors or comes from a tester that repeats itself, and layer 2 has no
// time to live. So each port sends one check a second, to a MAC that nobody has. A reflector treats another's
// check as any frame to that MAC, and a port whose own check comes back knows that its echoes do too
// (echo/datapath/swap_burst.cpp).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "l2echo/wire/byte_order.hpp"
#include "l2echo/wire/frame_headers.hpp"

namespace l2echo::wire {

/// Bytes without FCS: the shortest Ethernet frame.
inline constexpr std::uint16_t kLoopCheckLength = 60;

/// Local experimental EtherType 1 (IEEE 802, clause 9.2.3), in memory order.
inline constexpr std::uint16_t kEtherTypeLoopCheck = wire_order(0x88B5);

/// Who sent a check: a process, by a random number, and one of its ports.
struct LoopCheckSender {
    std::uint64_t process = 0;  ///< 48 bits
    std::uint16_t port = 0;     ///< the process's own number for it

    bool operator==(const LoopCheckSender&) const = default;
};

/// Where its checks go: a locally administered unicast address that nobody has, so that a reflector of any
/// kind returns them. Each sender has its own: a switch learns it where a check was returned, and would keep
/// those of others from anybody but that reflector.
constexpr MacAddress loop_check_mac(const LoopCheckSender& sender) noexcept {
    constexpr MacAddress kPrefix = 0x43'45'02;
    return kPrefix | ((sender.process + sender.port) & 0xFF'FFFF) << 24;
}

/// Writes kLoopCheckLength bytes.
void write_loop_check(std::byte* data, MacAddress own_mac, const LoopCheckSender& sender) noexcept;

struct LoopCheck {
    LoopCheckSender sender;
    bool returned = false;  ///< somebody swapped its MACs; else it is as it was sent
};

/// Tagged or not. Empty: no check, or one that goes neither to nor from its loop_check_mac().
std::optional<LoopCheck> read_loop_check(const FrameView& frame, const FrameHeaders& headers) noexcept;

}  // namespace l2echo::wire
