// Requests that the port answers for itself, so that the far end is visible while it reflects: ARP, ICMP
// echo, neighbour solicitation, ICMPv6 echo, and ETH-LB. A request becomes its answer in place.
#pragma once

#include <rte_mbuf.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "l2echo/wire/frame_headers.hpp"

namespace l2echo::echo {

struct Ipv4Interface {
    std::array<std::byte, 4> address{};
    std::uint8_t prefix_length = 32;
};

struct Ipv6Interface {
    std::array<std::byte, 16> address{};
    std::uint8_t prefix_length = 128;
};

/// What a port answers; read-only while workers run.
struct AnswerRules {
    std::vector<Ipv4Interface> ipv4;
    std::vector<Ipv6Interface> ipv6;
    bool eth_loopback = false;  ///< ETH-LB: LBM by LBR (IEEE 802.1Q clause 20.2, ITU-T G.8013)

    bool any() const noexcept { return eth_loopback || !ipv4.empty() || !ipv6.empty(); }
};

/// Turns the frame into the answer, tags kept, and returns true; false: it is no request for us, and not
/// touched. A neighbour advertisement may be 8 bytes longer than its solicitation, everything else keeps its
/// length. `headers` are those of the frame, `own_mac` is the port's. Workers.
bool answer(rte_mbuf& frame, const wire::FrameHeaders& headers, wire::MacAddress own_mac,
            const AnswerRules& rules) noexcept;

}  // namespace l2echo::echo
