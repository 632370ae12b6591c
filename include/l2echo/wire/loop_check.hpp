// The loop check: a frame that detects whether a port's echoes come back to it. A frame cannot show whether
// it is part of a storm between two reflectors or comes from a tester that repeats itself, and layer 2 has no
// time to live. So each port sends one loop check per second, to a MAC address that no station uses. Another
// reflector treats it like any frame to that MAC, and a port whose own check comes back knows that its echoes
// come back too (echo/datapath/swap_burst.cpp).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "l2echo/wire/byte_order.hpp"
#include "l2echo/wire/frame_headers.hpp"

namespace l2echo::wire {

/// Length of a loop check without FCS: the minimum Ethernet frame.
inline constexpr std::uint16_t kLoopCheckLength = 60;

/// Local experimental EtherType 1 (IEEE 802, clause 9.2.3), in memory order.
inline constexpr std::uint16_t kEtherTypeLoopCheck = wire_order(0x88B5);

/// Sender of a loop check: a process, identified by a random number, and one of its ports.
struct LoopCheckSender {
    std::uint64_t process = 0;  ///< 48 bits
    std::uint16_t port = 0;     ///< port number within the process

    bool operator==(const LoopCheckSender&) const = default;
};

/// Destination MAC of a sender's checks: a locally administered unicast address that no station uses, so that
/// any type of reflector returns them. Each sender has its own address. With a shared one, a switch would
/// learn it on the port where a check was returned and would then forward the checks of other senders only to
/// that reflector.
constexpr MacAddress loop_check_mac(const LoopCheckSender& sender) noexcept {
    constexpr MacAddress kPrefix = 0x43'45'02;
    return kPrefix | ((sender.process + sender.port) & 0xFF'FFFF) << 24;
}

/// Writes kLoopCheckLength bytes.
void write_loop_check(std::byte* data, MacAddress own_mac, const LoopCheckSender& sender) noexcept;

struct LoopCheck {
    LoopCheckSender sender;
    bool returned = false;  ///< a reflector swapped its MACs; false: it arrived as it was sent
};

/// Parses a loop check, VLAN-tagged or not. Returns empty if the frame is no loop check, or if neither of its
/// MACs is the sender's loop_check_mac().
std::optional<LoopCheck> read_loop_check(const FrameView& frame, const FrameHeaders& headers) noexcept;

}  // namespace l2echo::wire
