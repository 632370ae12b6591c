// Makes sure that an address of ours belongs to nobody else on the link: before its use (RFC 5227 2.1, RFC
// 4862 5.4), and while it is used (RFC 5227 2.4). One object per address, on one thread; it neither sends nor
// knows the time.
#pragma once

#include <cstdint>
#include <optional>

#include "l2echo/net/time.hpp"
#include "l2echo/wire/arp.hpp"
#include "l2echo/wire/ethernet.hpp"
#include "l2echo/wire/ip.hpp"
#include "l2echo/wire/neighbor_discovery.hpp"

namespace l2echo::net {

/// RFC 5227 1.1; for IPv6 RFC 4862 5.1 and RFC 4861 10, which need less: one solicitation, and 1 s to answer.
struct ClaimSettings {
    Micros max_start_delay{1'000'000};  ///< PROBE_WAIT; MAX_RTR_SOLICITATION_DELAY (RFC 4862 5.4.2)
    std::uint8_t arp_probes = 3;        ///< PROBE_NUM
    Micros min_probe_interval{1'000'000};
    Micros max_probe_interval{2'000'000};
    Micros announce_wait{2'000'000};    ///< after the last ARP probe
    std::uint8_t solicitations = 1;     ///< DupAddrDetectTransmits
    Micros retransmit_time{1'000'000};  ///< between solicitations, and after the last one: RETRANS_TIMER
    std::uint8_t announcements = 2;     ///< ANNOUNCE_NUM; RFC 4861 7.2.6 allows three
    Micros announce_interval{2'000'000};
    Micros defend_interval{10'000'000};
};

class AddressClaim {
  public:
    enum class State : std::uint8_t {
        Probing,   ///< the address must not be used
        Claimed,   ///< it is used, announced, and defended
        Conflict,  ///< somebody else had it first: it must not be used. Final
    };

    /// `own_mac` is the MAC address of the port, `random` different for each claim and start.
    AddressClaim(const wire::IpAddress& address, wire::MacAddress own_mac, std::uint64_t random, Micros now,
                 const ClaimSettings& settings = {}) noexcept;

    const wire::IpAddress& address() const noexcept { return address_; }
    State state() const noexcept { return state_; }
    /// Who else uses the address, 0 if nobody was seen. During probing the MAC address of the holder; later
    /// that of the last one who tried.
    wire::MacAddress other_mac() const noexcept { return other_mac_; }
    std::uint64_t conflicts() const noexcept { return conflicts_; }

    /// What to send. ARP packets go to the broadcast address; solicitations from :: to
    /// solicited_node_address(); advertisements from the address to all_nodes_address().
    enum class Message : std::uint8_t { ArpProbe, ArpAnnouncement, Solicitation, Advertisement };

    /// The message that is due, or none. Advances the state: call it until it returns none.
    std::optional<Message> next_message(Micros now) noexcept;

    /// When next_message() has something to do again; kNever if nothing is awaited.
    Micros next_deadline() const noexcept { return deadline_; }

    /// The content of the messages.
    wire::ArpPacket arp_packet(Message message) const noexcept;
    wire::NeighborSolicitation solicitation() const noexcept;
    wire::NeighborAdvertisement advertisement() const noexcept;

    /// Every ARP packet and every valid neighbour message that arrives, ours or not. `source` is the IP
    /// source of the solicitation, `sender_mac` the source of the frame. What the link returns of our own
    /// messages is no conflict.
    void receive(const wire::ArpPacket& packet, Micros now) noexcept;
    void receive(const wire::NeighborSolicitation& solicitation, const wire::IpAddress& source,
                 wire::MacAddress sender_mac, Micros now) noexcept;
    void receive(const wire::NeighborAdvertisement& advertisement, wire::MacAddress sender_mac,
                 Micros now) noexcept;

  private:
    bool is_ipv4() const noexcept { return address_.version == 4; }
    std::uint64_t draw() noexcept;
    Micros draw_between(Micros low, Micros high) noexcept;
    void meet(wire::MacAddress other, Micros now) noexcept;

    wire::IpAddress address_;
    wire::MacAddress own_mac_;
    std::uint64_t random_;
    std::uint64_t nonce_;
    ClaimSettings settings_;
    State state_ = State::Probing;
    std::uint8_t probes_ = 0;
    std::uint8_t announcements_ = 0;
    bool defended_ = false;
    Micros last_defence_{0};
    Micros deadline_;
    wire::MacAddress other_mac_ = 0;
    std::uint64_t conflicts_ = 0;
};

}  // namespace l2echo::net
