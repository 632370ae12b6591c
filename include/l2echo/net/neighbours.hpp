// The neighbour cache of one worker: which MAC address an IP address on the link has (RFC 826, RFC 4861 7).
// ARP and neighbour discovery share it: an ARP reply is an advertisement with the override flag.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "l2echo/hash/siphash.hpp"
#include "l2echo/net/time.hpp"
#include "l2echo/wire/ethernet.hpp"
#include "l2echo/wire/ip.hpp"

namespace l2echo::net {

struct NeighbourSettings {
    std::uint32_t entries = 1024;       ///< at least 8; as many as Linux keeps (gc_thresh3)
    std::uint32_t held_frames = 256;    ///< in all; at most as many mbufs as the pool can spare
    hash::SipKey key{};                 ///< random, so that nobody can choose addresses of one bucket
    Micros reachable_time{30'000'000};  ///< on average (RFC 4861 10: REACHABLE_TIME)
    Micros retransmit_time{1'000'000};  ///< between requests (RETRANS_TIMER; RFC 1122 2.3.2.1: at most 1/s)
    Micros delay_time{5'000'000};       ///< for upper layers to confirm (DELAY_FIRST_PROBE_TIME)
    /// How long a neighbour that did not answer counts as unreachable, without being asked again. Our choice:
    /// a scan of a silent address costs three requests in 8 s, and a host that starts is found within 5 s.
    Micros unreachable_time{5'000'000};
};

enum class NeighbourState : std::uint8_t {
    Incomplete,   ///< asked, no MAC address yet
    Reachable,    ///< confirmed within the reachable time
    Stale,        ///< has a MAC address, not confirmed lately
    Delay,        ///< used since it is stale; waits for upper layers to confirm
    Probe,        ///< asked at its MAC address
    Unreachable,  ///< did not answer
};

/// Plain numbers, written by the worker that owns the cache.
struct NeighbourCounts {
    std::uint64_t requests = 0;     ///< to be sent, first ones and repetitions
    std::uint64_t resolved = 0;     ///< answers that gave an entry its first MAC address
    std::uint64_t moved = 0;        ///< answers that gave an entry another MAC address
    std::uint64_t unreachable = 0;  ///< entries that did not answer
    std::uint64_t evicted = 0;      ///< entries that made room for others
    std::uint64_t dropped = 0;      ///< frames that were held in vain, or that there was no room for
    std::uint64_t ignored = 0;      ///< messages that nothing was learned from
};

/// Owned and called by one worker. Allocates in the constructor only. Frames are opaque; whoever calls
/// take_held(), take_dropped() or hold() and receives one owns it again. The destructor does not know how to
/// free frames: call drop_all() before it.
class Neighbours {
  public:
    static constexpr std::uint32_t kMaxRequests = 3;  ///< MAX_MULTICAST_SOLICIT, MAX_UNICAST_SOLICIT
    static constexpr std::uint32_t kMaxHeld = 3;      ///< frames held per entry; the newest ones are kept

    explicit Neighbours(const NeighbourSettings& settings);

    /// The answer of resolve(): the MAC address, or why there is none.
    struct Resolution {
        NeighbourState state = NeighbourState::Unreachable;
        wire::MacAddress mac = 0;

        bool has_mac() const noexcept { return has_mac_in(state); }
    };

    /// Finds the MAC address of a next hop, and starts to ask for it if there is none. The caller then holds
    /// the frame in state Incomplete, and reports the destination unreachable in state Unreachable.
    Resolution resolve(const wire::IpAddress& address, Micros now) noexcept;

    /// Keeps a frame until its Incomplete neighbour answers. Returns the frame that has to give way, which
    /// the caller frees: the oldest one of this neighbour, or `frame` if it cannot be held; else null.
    void* hold(const wire::IpAddress& address, void* frame) noexcept;

    /// What an upper layer knows from the peer's progress: packets that we sent to this neighbour arrive
    /// (RFC 4861 7.3.1). Acknowledgments of new data count, arriving data does not.
    void confirm(const wire::IpAddress& address, Micros now) noexcept;

    /// A message that was sent to us and that we answer: an ARP request for our address, or a valid neighbour
    /// solicitation for it with its source MAC address. The only way in which an entry appears that nobody
    /// asked for. The caller has verified that `address` is another host's and on the link. Returns true if
    /// the entry now has a MAC address that it did not have: its held frames may go.
    bool learn_from_request(const wire::IpAddress& address, wire::MacAddress mac, Micros now) noexcept;

    struct Advertisement {
        wire::IpAddress address{};
        std::optional<wire::MacAddress> mac;  ///< of option 2; always there for ARP
        bool solicited = false;  ///< its flag; for ARP a reply to us. Believed only while we are asking
        bool overrides = true;   ///< its flag; true for ARP
    };

    /// An ARP reply, a gratuitous ARP request or reply, or a valid advertisement. Changes existing entries
    /// only (RFC 826, RFC 4861 7.2.5). Returns as learn_from_request().
    bool learn_from_advertisement(const Advertisement& advertisement, Micros now) noexcept;

    /// The next frame held for a neighbour that has a MAC address, oldest first, or null.
    void* take_held(const wire::IpAddress& address) noexcept;

    /// The next frame whose neighbour did not answer or was evicted, or null.
    void* take_dropped() noexcept;

    /// Gives all held frames to take_dropped(), and forgets all neighbours.
    void drop_all() noexcept;

    struct Request {
        wire::IpAddress target{};
        /// Where to ask: absent for broadcast (ARP) or the solicited-node group, else the MAC address to
        /// verify.
        std::optional<wire::MacAddress> unicast;
    };

    /// The next request that is due, or none. Advances all timers: call it each turn until it returns none.
    std::optional<Request> next_request(Micros now) noexcept;

    /// When next_request() has something to do again; kNever if nothing is awaited.
    Micros next_deadline() const noexcept;

    /// The state of an entry without changing it; none if there is no entry.
    std::optional<NeighbourState> state_of(const wire::IpAddress& address, Micros now) const noexcept;

    const NeighbourCounts& counts() const noexcept { return counts_; }
    std::uint32_t size() const noexcept { return used_; }

  private:
    static constexpr std::uint32_t kNone = 0xFFFF'FFFF;

    static constexpr bool has_mac_in(NeighbourState state) noexcept {
        return state != NeighbourState::Incomplete && state != NeighbourState::Unreachable;
    }

    /// Entries in the order in which their time is over: all that wait in one list wait for the same
    /// duration.
    enum List : std::uint8_t {
        kDue,          ///< Incomplete, and the first request is not taken yet
        kAsking,       ///< Incomplete: `when` is the next request
        kDelayed,      ///< Delay: `when` is the first probe
        kProbing,      ///< Probe: `when` is the next request
        kUnreachable,  ///< Unreachable: `when` is the end
        kKnown,        ///< Reachable and Stale, the last used ones last: `when` is about the last use
        kFree,
        kLists,
    };

    struct Entry {
        wire::IpAddress address{};
        NeighbourState state = NeighbourState::Incomplete;
        List list = kFree;
        std::uint8_t requests = 0;  // sent in this state
        std::uint8_t held = 0;
        wire::MacAddress mac = 0;
        Micros when{0};
        Micros reachable_until{0};
        Micros reachable_time{0};
        std::uint32_t bucket_next = kNone;
        std::uint32_t before = kNone;
        std::uint32_t after = kNone;
        std::uint32_t oldest_held = kNone;
        std::uint32_t newest_held = kNone;
    };

    struct Held {
        void* frame = nullptr;
        std::uint32_t next = kNone;
    };

    struct Ends {
        std::uint32_t first = kNone;
        std::uint32_t last = kNone;
        std::uint32_t size = 0;
    };

    std::uint64_t hash_of(const wire::IpAddress& address) const noexcept;
    std::uint32_t find(const wire::IpAddress& address) const noexcept;
    std::uint32_t create(const wire::IpAddress& address) noexcept;
    void erase(std::uint32_t index) noexcept;
    std::uint32_t victim() const noexcept;
    std::uint32_t unresolved() const noexcept;

    void unlink(std::uint32_t index) noexcept;
    void append(std::uint32_t index, List list, Micros when) noexcept;
    void prepend(std::uint32_t index, List list) noexcept;
    void move_to(std::uint32_t index, List list, Micros when) noexcept;
    Request ask_again(std::uint32_t index, List list, Micros now) noexcept;
    void become_reachable(std::uint32_t index, Micros now) noexcept;
    void become_stale(std::uint32_t index, Micros now) noexcept;
    static NeighbourState state_at(const Entry& entry, Micros now) noexcept;
    void set_mac(Entry& entry, wire::MacAddress mac) noexcept;

    void drop_held(Entry& entry) noexcept;
    std::uint32_t pop_held(Entry& entry) noexcept;

    NeighbourSettings settings_;
    std::uint32_t bucket_mask_;
    std::vector<std::uint32_t> buckets_;
    std::vector<Entry> entries_;
    std::vector<Held> held_;
    std::array<Ends, kLists> lists_{};
    std::uint32_t free_held_ = kNone;
    std::uint32_t oldest_dropped_ = kNone;
    std::uint32_t newest_dropped_ = kNone;
    std::uint32_t used_ = 0;
    NeighbourCounts counts_;
};

}  // namespace l2echo::net
