// One end of the wire: its connections, its listener, its timers, as a program around the library has them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <vector>

#include "application.hpp"
#include "l2echo/fifo/arena.hpp"
#include "l2echo/tcp/connection.hpp"
#include "l2echo/tcp/listener.hpp"
#include "l2echo/tcp/settings.hpp"
#include "l2echo/tcp/time_wait.hpp"
#include "l2echo/tcp/timer_wheel.hpp"
#include "world.hpp"

namespace l2echo::sim {

inline constexpr std::uint16_t kServerPort = 80;

/// Aligned, so that an arena has the same number of blocks in each run.
inline constexpr std::align_val_t kArenaAlignment{4096};
struct ReleaseArenaMemory {
    void operator()(std::byte* memory) const noexcept { ::operator delete(memory, kArenaAlignment); }
};
using ArenaMemory = std::unique_ptr<std::byte[], ReleaseArenaMemory>;

class Host {
  public:
    Host(World& world, Side side);
    Host(const Host&) = delete;
    Host& operator=(const Host&) = delete;
    ~Host() = default;

    /// Starts an active open of this connection.
    void open(std::uint32_t number, tcp::Micros now);
    void receive(const Packet& packet, tcp::Micros now);
    /// A segment that no host of the simulation sent.
    void receive_forged(const tcp::Tuple& tuple, const wire::TcpHeader& header,
                        std::span<const std::byte> payload, tcp::Micros now);
    /// Timers that are due.
    void advance(tcp::Micros now);
    /// The application of this connection continues after a pause.
    void act(std::uint32_t number, tcp::Micros now);
    /// Aborts all connections; returns how many. For those whose peer has gone without a word, for a
    /// permitted reason.
    std::size_t sweep(tcp::Micros now);
    /// Names what is left although nothing should be; nullptr if nothing is. Removes the listener.
    const char* remains();

    bool has_connections() const noexcept { return !endpoints_.empty(); }
    tcp::ListenerInfo listener_info() const noexcept {
        return listener_ ? listener_->info() : tcp::ListenerInfo{};
    }
    tcp::Tuple tuple_of(std::uint32_t number) const;
    /// nullptr if it does not exist, or has ended.
    const tcp::Connection* connection(std::uint32_t number) const noexcept;

  private:
    struct Endpoint {
        Endpoint(const Schedule& schedule, Side side, std::uint32_t its_number)
            : number(its_number), application(schedule, side, its_number) {}

        tcp::TimerNode node;
        std::uint32_t number;
        Application application;
        std::optional<tcp::Connection> connection;
        std::optional<tcp::Micros> acts_at;  // when the queue wakes the application
        tcp::Micros last_arrival{};          // of a segment from the peer whose ACK counts
        tcp::Micros last_progress{};
        std::uint64_t acknowledged = 0;
        std::uint64_t checks = 0;
        std::uint32_t probes = 0;
        std::uint32_t max_flight = 0;           // by the congestion window before recovery
        tcp::State state = tcp::State::Closed;  // at the last check
        bool waits = false;                     // for the peer, at the last check
        bool is_started = false;
    };

    std::optional<std::uint32_t> number_of(const tcp::Tuple& tuple) const;
    Endpoint* find(const tcp::Tuple& tuple) noexcept;
    Endpoint* find(std::uint32_t number) noexcept;
    Endpoint& add(std::uint32_t number, tcp::Micros now);
    Outcome& outcome(const Endpoint& endpoint) noexcept;
    Outcome& outcome_of(std::uint32_t number) noexcept;
    void receive_unknown(const tcp::Tuple& tuple, const wire::TcpHeader& header,
                         std::span<const std::byte> payload, tcp::Micros now);
    void accept(const tcp::Tuple& tuple, const tcp::Handshake& handshake, const wire::TcpHeader& header,
                std::span<const std::byte> payload, tcp::Micros now);
    void note(Endpoint& endpoint, tcp::Events events, tcp::Micros now);
    /// After each call into a connection: application, output, checks, timer. Removes the endpoint if it has
    /// ended.
    void serve(Endpoint& endpoint, tcp::Micros now);
    void send_all(Endpoint& endpoint, tcp::Micros now);
    void check_flight(Endpoint& endpoint, bool sends_new);
    void send_for_nobody(const tcp::Tuple& tuple, const tcp::OutgoingSegment& segment, tcp::Micros now);
    void send_for_listener(const tcp::Tuple& tuple, const tcp::OutgoingSegment& segment, tcp::Micros now);
    void trace(const char* what, const tcp::Tuple& tuple, const wire::TcpHeader& header, std::size_t payload,
               tcp::Micros now) const;
    void watch(std::uint32_t number, const tcp::Tuple& tuple, const tcp::OutgoingSegment& segment,
               tcp::Micros now);
    void check(Endpoint& endpoint, tcp::Micros now);
    void finish(Endpoint& endpoint, tcp::Micros now);
    void arm(tcp::Micros now);

    World& world_;
    Side side_;
    tcp::Settings settings_;
    ArenaMemory memory_;
    fifo::Arena arena_;
    std::size_t free_at_first_ = 0;
    std::vector<std::byte> time_wait_memory_;
    std::optional<tcp::TimeWaitTable> time_wait_;
    tcp::TimerWheel wheel_;
    std::optional<tcp::Listener> listener_;
    std::vector<std::unique_ptr<Endpoint>> endpoints_;
    std::vector<std::uint32_t> due_;
    std::optional<tcp::Micros> timer_at_;  // the earliest timer event in the queue
};

}  // namespace l2echo::sim
