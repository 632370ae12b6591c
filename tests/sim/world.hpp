// What both hosts of a simulation share.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "event_queue.hpp"
#include "impaired_wire.hpp"
#include "l2echo/tcp/events.hpp"
#include "l2echo/tcp/info.hpp"
#include "packet.hpp"
#include "schedule.hpp"
#include "witness.hpp"

namespace l2echo::sim {

inline constexpr tcp::Micros kMinR2 = std::chrono::seconds(100);  // RFC 9293 3.8.3

/// How a connection ended on one side.
struct Outcome {
    tcp::Events events;  ///< all that were reported
    tcp::Info info;      ///< when it ended
    std::int64_t received = 0;
    std::int64_t expected = 0;
    tcp::Micros last_read_at{};  ///< when the application took the last bytes
    tcp::Micros paused_until{};  ///< the application reads nothing until then
    bool existed = false;
    bool ended = false;
    bool has_left = false;         ///< the application was done with it
    bool was_silent_long = false;  ///< nothing had arrived for as long as R2 of RFC 9293 takes at least
    bool was_swept = false;  ///< its peer had ended for a permitted reason, which this side could not learn
};

struct ConnectionRecord {
    Witness witness;
    std::array<Outcome, 2> sides;
    tcp::Micros opened_at{};
};

struct World {
    World(const Schedule& its_schedule, std::FILE* its_trace)
        : schedule(its_schedule),
          trace(its_trace),
          start(schedule.at(Key::ClockStart)),
          wires{ImpairedWire(schedule, Client, start, queue, packets),
                ImpairedWire(schedule, Server, start, queue, packets)} {}
    World(const World&) = delete;
    World& operator=(const World&) = delete;
    ~World() = default;

    void fail(std::string what) {
        if (finding.empty())
            finding = std::move(what);
    }

    const Schedule& schedule;
    std::FILE* trace;  ///< nullptr: none
    tcp::Micros start;
    EventQueue queue;
    PacketStore packets;
    std::array<ImpairedWire, 2> wires;
    std::vector<ConnectionRecord> connections;
    std::uint32_t opened = 0;  ///< connections 0 to opened - 1 have started
    tcp::Micros calm_from{};   ///< no blackhole and no shrunk window from then on
    tcp::Micros max_stall{};   ///< what each connection may be without progress from then on
    std::string finding;       ///< the first one; empty: none
};

}  // namespace l2echo::sim
