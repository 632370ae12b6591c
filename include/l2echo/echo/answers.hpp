// Requests that the port answers itself, so that it is reachable while it echoes: ARP, ICMP echo, neighbour
// solicitation, ICMPv6 echo, and ETH-LB. The request is turned into its answer in place.
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

/// Requests that a port answers; read-only while workers run.
struct AnswerRules {
    std::vector<Ipv4Interface> ipv4;
    std::vector<Ipv6Interface> ipv6;
    bool eth_loopback = false;  ///< ETH-LB: answers LBM with LBR (IEEE 802.1Q clause 20.2, ITU-T G.8013)

    bool any() const noexcept { return eth_loopback || !ipv4.empty() || !ipv6.empty(); }
};

/// Turns the frame into the answer, with its VLAN tags, and returns true. Returns false, with the frame
/// unchanged, if it is not a request for this port. A neighbour advertisement may be 8 bytes longer than its
/// solicitation; all other answers keep the length. `headers` are those of the frame, `own_mac` is the
/// port's. Called by workers.
bool answer(rte_mbuf& frame, const wire::FrameHeaders& headers, wire::MacAddress own_mac,
            const AnswerRules& rules) noexcept;

}  // namespace l2echo::echo
