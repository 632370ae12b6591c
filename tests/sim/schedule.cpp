#include "schedule.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <stdexcept>

#include "random.hpp"

namespace l2echo::sim {

namespace {

constexpr std::int64_t kMaxWord = std::int64_t{1} << 53;  // a JSON reader keeps it exactly

// Probabilities are parts per million of packets, times are microseconds since the start, sizes are bytes.
constexpr std::array<Parameter, kKeys> kParameters{{
    {Key::Seed, "seed", 0, 0, kMaxWord},
    {Key::Connections, "connections", 1, 1, 16},
    {Key::Ipv6, "ipv6", 0, 0, 1},
    {Key::SequenceNearWrap, "sequence_near_wrap", 0, 0, 1},
    {Key::TimestampNearWrap, "timestamp_near_wrap", 0, 0, 1},
    {Key::ClockStart, "clock_start", 1'000'000, 0, std::int64_t{1} << 50},
    {Key::Loss, "loss", 0, 0, 400'000},
    {Key::LossBack, "loss_back", 0, 0, 400'000},
    {Key::BurstStart, "burst_start", 0, 0, 20'000},
    {Key::BurstStartBack, "burst_start_back", 0, 0, 20'000},
    {Key::BurstLength, "burst_length", 1, 1, 100},  // packets, the mean of a geometric distribution
    {Key::Duplicate, "duplicate", 0, 0, 300'000},
    {Key::DuplicateBack, "duplicate_back", 0, 0, 300'000},
    {Key::Reorder, "reorder", 0, 0, 300'000},
    {Key::ReorderBack, "reorder_back", 0, 0, 300'000},
    {Key::ReorderDelay, "reorder_delay", 1'000, 1, 3'000'000},  // in addition to the delay
    {Key::Corrupt, "corrupt", 0, 0, 200'000},
    {Key::CorruptBack, "corrupt_back", 0, 0, 200'000},
    {Key::Delay, "delay", 1'000, 1, 500'000},
    {Key::DelayBack, "delay_back", 1'000, 1, 500'000},
    {Key::Jitter, "jitter", 0, 0, 200'000},  // packets stay in order
    {Key::JitterBack, "jitter_back", 0, 0, 200'000},
    {Key::Rate, "rate", 0, 0, 1'250'000'000},  // bytes per second; 0: no limit
    {Key::RateBack, "rate_back", 0, 0, 1'250'000'000},
    {Key::Queue, "queue", 1'000'000, 20'000, 10'000'000},
    {Key::QueueBack, "queue_back", 1'000'000, 20'000, 10'000'000},
    {Key::HoldAcks, "hold_acks", 0, 0, 100'000},  // of the ACKs of this time, only the last is delivered
    {Key::HoldAcksBack, "hold_acks_back", 0, 0, 100'000},
    {Key::Mtu, "mtu", 1500, 576, 9216},
    {Key::MtuChangeAt, "mtu_change_at", 0, 0, 20'000'000},
    {Key::MtuChangeFor, "mtu_change_for", 0, 0, 100'000'000},
    {Key::MtuChanged, "mtu_changed", 1500, 576, 9216},
    {Key::Icmp, "icmp", 1, 0,
     2},  // 0: what is too big is lost silently; 1: an error says the MTU; 2: an old router's
    {Key::BlackholeAt, "blackhole_at", 0, 0, 60'000'000},
    {Key::BlackholeFor, "blackhole_for", 0, 0, 60'000'000},
    {Key::BlackholeSides, "blackhole_sides", 3, 1,
     3},  // bit 0: what the client sends, bit 1: what the server sends
    {Key::ShrinkAt, "shrink_at", 0, 0, 20'000'000},
    {Key::ShrinkFor, "shrink_for", 0, 0, 60'000'000},
    {Key::ShrinkShift, "shrink_shift", 1, 1, 16},  // the window field is divided by 2 to this power
    {Key::ShrinkSide, "shrink_side", 0, 0, 1},     // whose segments are changed
    {Key::HealAt, "heal_at", 0, 0, 60'000'000},    // from then on the wire only delays; 0: never
    {Key::Algorithm, "algorithm", 1, 0, 1},
    {Key::AlgorithmBack, "algorithm_back", 1, 0, 1},
    {Key::NoSack, "no_sack", 0, 0, 1},
    {Key::NoSackBack, "no_sack_back", 0, 0, 1},
    {Key::NoTimestamps, "no_timestamps", 0, 0, 1},
    {Key::NoTimestampsBack, "no_timestamps_back", 0, 0, 1},
    {Key::NoScaling, "no_scaling", 0, 0, 1},
    {Key::NoScalingBack, "no_scaling_back", 0, 0, 1},
    {Key::NoHystart, "no_hystart", 0, 0, 1},
    {Key::NoProbe, "no_probe", 0, 0, 1},
    {Key::AckDelay, "ack_delay", 40'000, 0, 500'000},
    {Key::AckDelayBack, "ack_delay_back", 40'000, 0, 500'000},
    {Key::MinRto, "min_rto", 200'000, 1'000, 2'000'000},
    {Key::MaxMss, "max_mss", 9'000, 64, 9'000},
    {Key::MaxMssBack, "max_mss_back", 9'000, 64, 9'000},
    {Key::InitialWindow, "initial_window", 10, 1, 100},
    {Key::ReceiveBuffer, "receive_buffer", 20, 10, 22},  // powers of two: 1 KiB to 4 MiB
    {Key::ReceiveBufferBack, "receive_buffer_back", 20, 10, 22},
    {Key::SendBuffer, "send_buffer", 20, 10, 22},
    {Key::SendBufferBack, "send_buffer_back", 20, 10, 22},
    {Key::Arena, "arena", 25, 14, 25},
    {Key::ArenaBack, "arena_back", 25, 14, 25},
    {Key::Records, "records", 16'384, 16, 16'384},
    {Key::HalfOpen, "half_open", 64, 1, 64},
    {Key::TimeWait, "time_wait", 60'000'000, 1'000'000, 240'000'000},
    {Key::TimeWaitEntries, "time_wait_entries", 0, 0, 1},
    {Key::Keepalive, "keepalive", 0, 0, 1},
    {Key::SimultaneousOpen, "simultaneous_open", 0, 0, 1},
    {Key::ReuseTuple, "reuse_tuple", 0, 0,
     1},  // each connection starts when the one before has ended, between its ports
    {Key::Spacing, "spacing", 0, 0, 5'000'000},
    {Key::Service, "service", 0, 0, 3},
    {Key::Bytes, "bytes", 0, 0, 1'000'000'000},  // the most that a connection sends
    {Key::BytesBack, "bytes_back", 0, 0, 1'000'000'000},
    {Key::WriteChunk, "write_chunk", 65'536, 1, 65'536},
    {Key::WriteChunkBack, "write_chunk_back", 65'536, 1, 65'536},
    {Key::WritePause, "write_pause", 0, 0, 1'000'000},
    {Key::WritePauseBack, "write_pause_back", 0, 0, 1'000'000},
    {Key::NoDelay, "no_delay", 0, 0, 1},
    {Key::ReadChunk, "read_chunk", 65'536, 1, 65'536},
    {Key::ReadChunkBack, "read_chunk_back", 65'536, 1, 65'536},
    {Key::ReadPause, "read_pause", 0, 0, 1'000'000},
    {Key::ReadPauseBack, "read_pause_back", 0, 0, 1'000'000},
    {Key::StallAt, "stall_at", 0, 0, 1'000'000},  // received bytes after which the application stops reading
    {Key::StallFor, "stall_for", 0, 0, 120'000'000},
    {Key::StallSide, "stall_side", 1, 0, 1},
    {Key::Ending, "ending", 0, 0, 6},
    {Key::AbortAfter, "abort_after", 10'000, 0, 10'000'000},
    {Key::Linger, "linger", 0, 0, 1'000'000},  // set before close(): 0: not set
    {Key::Flood, "flood", 0, 0, 2'000},        // SYNs of hosts that do not exist, within the first second
    {Key::Forged, "forged", 0, 0, 100},        // segments of an attacker who knows the ports, not the numbers
    {Key::SoftErrors, "soft_errors", 0, 0, 20},
}};

constexpr std::uint64_t kMemoryOfOne = 1 << 16;
constexpr std::int64_t kMaxFuzzedBytes = 100'000;

constexpr bool rows_are_in_order() {
    for (std::size_t i = 0; i < kKeys; ++i)
        if (static_cast<std::size_t>(kParameters[i].key) != i ||
            kParameters[i].simplest < kParameters[i].min || kParameters[i].simplest > kParameters[i].max)
            return false;
    return true;
}
static_assert(rows_are_in_order());

/// Spreads over the orders of magnitude, so that 3 and 300 000 are both common.
std::int64_t any_magnitude(Random& random, std::int64_t low, std::int64_t high) {
    std::int64_t bound = low;
    while (bound < high && !random.one_in(5))
        bound = bound * 2 + 1;
    return random.between(low, std::min(bound, high));
}

class Draw {
  public:
    Draw(Schedule& schedule, Random& random) : schedule_(schedule), random_(random) {}

    void both(Key key, std::int64_t low, std::int64_t high) {
        one(key, Client, low, high);
        one(key, Server, low, high);
    }
    void one(Key key, Side side, std::int64_t low, std::int64_t high) {
        schedule_.set(key, side, random_.between(low, high));
    }
    void one(Key key, std::int64_t low, std::int64_t high) { one(key, Client, low, high); }
    void magnitude(Key key, std::int64_t low, std::int64_t high) { magnitude(key, Client, low, high); }
    void magnitude(Key key, Side side, std::int64_t low, std::int64_t high) {
        schedule_.set(key, side, any_magnitude(random_, low, high));
    }
    /// An impairment of one direction or of both.
    void sides(Key key, std::int64_t low, std::int64_t high) {
        const std::int64_t which = random_.below(3);
        if (which != 1)
            one(key, Client, low, high);
        if (which != 0)
            one(key, Server, low, high);
    }

  private:
    Schedule& schedule_;
    Random& random_;
};

void draw_start(Schedule& schedule, Random& random) {
    Draw draw(schedule, random);
    if (random.one_in(4))
        draw.one(Key::Connections, 2, random.one_in(8) ? 16 : 4);
    draw.one(Key::Ipv6, 0, 1);
    // Half of all schedules wrap whatever can wrap.
    if (random.one_in(2)) {
        schedule.set(Key::SequenceNearWrap, 1);
        schedule.set(Key::TimestampNearWrap, 1);
        // The clock passes 2^32 us, 2^31 us, 2^32 ms or 2^42 us (records may keep the low bits of an
        // instant).
        constexpr std::int64_t kMilliseconds = 1000;
        const std::array<std::int64_t, 4> wraps{std::int64_t{1} << 32, std::int64_t{1} << 31,
                                                (std::int64_t{1} << 32) * kMilliseconds,
                                                std::int64_t{1} << 42};
        schedule.set(Key::ClockStart, wraps.at(static_cast<std::size_t>(random.below(4))) -
                                          any_magnitude(random, 1, 100'000'000));
    }
}

void draw_wire(Schedule& schedule, Random& random) {
    Draw draw(schedule, random);
    for (const Side side : {Client, Server})
        draw.magnitude(Key::Delay, side, 5, random.one_in(20) ? 500'000 : 100'000);
    if (random.one_in(3))
        draw.sides(Key::Loss, 1'000, random.one_in(4) ? 300'000 : 50'000);
    if (random.one_in(6)) {
        draw.sides(Key::BurstStart, 500, 20'000);
        draw.one(Key::BurstLength, 2, 40);
    }
    if (random.one_in(5))
        draw.sides(Key::Duplicate, 1'000, 200'000);
    if (random.one_in(5)) {
        draw.sides(Key::Reorder, 1'000, 200'000);
        draw.magnitude(Key::ReorderDelay, 10, random.one_in(4) ? 2'000'000 : 50'000);
    }
    if (random.one_in(6))
        draw.sides(Key::Corrupt, 1'000, 100'000);
    if (random.one_in(5)) {
        draw.magnitude(Key::Jitter, Client, 1, 100'000);
        draw.magnitude(Key::Jitter, Server, 1, 100'000);
    }
    if (random.one_in(3))
        for (const Side side : {Client, Server}) {
            draw.magnitude(Key::Rate, side, 20'000, 125'000'000);
            draw.magnitude(Key::Queue, side, 20'000, 2'000'000);
        }
    if (random.one_in(6))
        draw.sides(Key::HoldAcks, 100, 30'000);
    if (random.one_in(4))
        schedule.set(Key::Mtu, random.one_in(2) ? 9'000 : random.between(576, 9'000));
    if (random.one_in(8)) {
        draw.magnitude(Key::MtuChangeAt, 1'000, 5'000'000);
        draw.magnitude(Key::MtuChangeFor, 1'000'000, 60'000'000);
        draw.one(Key::MtuChanged, 576, 1'480);
        draw.one(Key::Icmp, 0, 2);
    }
    if (random.one_in(6)) {
        draw.magnitude(Key::BlackholeAt, 100, 10'000'000);
        draw.magnitude(Key::BlackholeFor, 50'000, 60'000'000);
        draw.one(Key::BlackholeSides, 1, 3);
    }
    if (random.one_in(8)) {
        draw.magnitude(Key::ShrinkAt, 1'000, 5'000'000);
        draw.magnitude(Key::ShrinkFor, 10'000, 30'000'000);
        draw.one(Key::ShrinkShift, 1, 16);
        draw.one(Key::ShrinkSide, 0, 1);
    }
    if (random.one_in(2))
        draw.magnitude(Key::HealAt, 10'000, 60'000'000);
}

void draw_hosts(Schedule& schedule, Random& random) {
    Draw draw(schedule, random);
    draw.both(Key::Algorithm, 0, 1);
    if (random.one_in(5))
        draw.both(Key::NoSack, 0, 1);
    if (random.one_in(5))
        draw.both(Key::NoTimestamps, 0, 1);
    if (random.one_in(5))
        draw.both(Key::NoScaling, 0, 1);
    draw.one(Key::NoHystart, 0, 1);
    if (random.one_in(5))
        schedule.set(Key::NoProbe, 1);
    if (random.one_in(4))
        draw.both(Key::AckDelay, 0, 500'000);
    if (random.one_in(4))
        draw.magnitude(Key::MinRto, 1'000, 1'000'000);
    if (random.one_in(6)) {
        draw.magnitude(Key::MaxMss, Client, 88, 9'000);
        draw.magnitude(Key::MaxMss, Server, 88, 9'000);
    }
    if (random.one_in(5))
        draw.one(Key::InitialWindow, 1, 100);
    if (random.one_in(2))
        draw.both(Key::ReceiveBuffer, 10, 22);
    if (random.one_in(2))
        draw.both(Key::SendBuffer, 10, 22);
    if (random.one_in(5))
        draw.both(Key::Arena, 14, 22);
    if (random.one_in(10))
        draw.magnitude(Key::Records, 16, 16'384);
    if (random.one_in(4))
        draw.one(Key::HalfOpen, 1, 4);
    if (random.one_in(4))
        draw.magnitude(Key::TimeWait, 1'000'000, 240'000'000);
    draw.one(Key::TimeWaitEntries, 0, 1);
    if (random.one_in(8))
        schedule.set(Key::Keepalive, 1);
}

void draw_applications(Schedule& schedule, Random& random) {
    Draw draw(schedule, random);
    if (random.one_in(16))
        schedule.set(Key::SimultaneousOpen, 1);
    if (random.one_in(8))
        schedule.set(Key::ReuseTuple, 1);
    if (random.one_in(3))
        draw.magnitude(Key::Spacing, 1, 2'000'000);
    draw.one(Key::Service, 0, 3);
    const std::int64_t largest = random.one_in(30) ? 3'000'000 : random.one_in(3) ? 200'000 : 20'000;
    for (const Side side : {Client, Server})
        if (random.one_in(2))
            draw.one(Key::Bytes, side, 0, largest);
        else
            draw.magnitude(Key::Bytes, side, 0, largest);
    for (const Side side : {Client, Server}) {
        if (random.one_in(3))
            draw.magnitude(Key::WriteChunk, side, 1, 65'536);
        if (random.one_in(6))
            draw.magnitude(Key::WritePause, side, 1, 1'000'000);
        if (random.one_in(4))
            draw.magnitude(Key::ReadChunk, side, 1, 65'536);
        if (random.one_in(6))
            draw.magnitude(Key::ReadPause, side, 1, 1'000'000);
    }
    draw.one(Key::NoDelay, 0, 1);
    if (random.one_in(8)) {
        draw.magnitude(Key::StallAt, 0, 200'000);
        draw.magnitude(Key::StallFor, 10'000, 120'000'000);
        draw.one(Key::StallSide, 0, 1);
    }
    draw.one(Key::Ending, 0, random.one_in(4) ? 6 : 2);
    draw.magnitude(Key::AbortAfter, 10, 10'000'000);
    if (random.one_in(10))
        draw.magnitude(Key::Linger, 1, 1'000'000);
    if (random.one_in(16))
        draw.magnitude(Key::Flood, 1, 300);
    if (random.one_in(6))
        draw.one(Key::Forged, 1, 50);
    if (random.one_in(10))
        draw.one(Key::SoftErrors, 1, 20);
}

const Parameter* find(std::string_view name) {
    const auto* const row = std::ranges::find_if(
        kParameters, [name](const Parameter& parameter) { return parameter.name == name; });
    return row == kParameters.end() ? nullptr : row;
}

}  // namespace

std::span<const Parameter, kKeys> parameters() noexcept {
    return kParameters;
}

Schedule::Schedule() noexcept {
    for (const Parameter& parameter : kParameters)
        set(parameter.key, parameter.simplest);
}

Schedule Schedule::from_seed(std::uint64_t seed) {
    Schedule schedule;
    Random random(seed);
    schedule.set(Key::Seed, static_cast<std::int64_t>(seed % kMaxWord));
    draw_start(schedule, random);
    draw_wire(schedule, random);
    draw_hosts(schedule, random);
    draw_applications(schedule, random);
    schedule.settle();
    return schedule;
}

Schedule Schedule::from_bytes(std::span<const std::uint8_t> bytes) {
    Schedule schedule;
    for (std::size_t i = 0; i < kKeys && 2 * i + 1 < bytes.size(); ++i) {
        const Parameter& row = kParameters[i];
        const std::int64_t word = bytes[2 * i] | std::int64_t{bytes[2 * i + 1]} << 8;
        // A fuzzer needs many short runs.
        const bool is_size = row.key == Key::Bytes || row.key == Key::BytesBack;
        const std::int64_t range = is_size ? kMaxFuzzedBytes : row.max - row.min;
        if (word != 0)  // so that an input of zeros is the simplest schedule
            schedule.set(
                row.key,
                row.min + (range < 65'535 ? word % (range + 1)
                                          : static_cast<std::int64_t>(static_cast<double>(word) / 65'535.0 *
                                                                      static_cast<double>(range))));
    }
    schedule.settle();
    return schedule;
}

Schedule Schedule::from_text(std::string_view text) {
    Schedule schedule;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find_first_of(" \n"), text.size());
        const std::string_view word = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (word.empty())
            continue;
        const std::size_t sign = word.find('=');
        const Parameter* row = find(word.substr(0, sign));
        std::int64_t value = 0;
        const char* const last = word.data() + word.size();
        if (row == nullptr || sign == std::string_view::npos || sign + 1 == word.size() ||
            std::from_chars(word.data() + sign + 1, last, value).ptr != last || value < row->min ||
            value > row->max)
            throw std::invalid_argument(
                fmt::format("'{}' is no parameter of a schedule, or out of its range", word));
        schedule.set(row->key, value);
    }
    schedule.settle();
    return schedule;
}

std::string Schedule::text() const {
    std::string text;
    for (const Parameter& parameter : kParameters)
        if (at(parameter.key) != parameter.simplest)
            text += fmt::format("{}{}={}", text.empty() ? "" : " ", parameter.name, at(parameter.key));
    return text;
}

void Schedule::settle() noexcept {
    const std::int64_t min_mtu = flag(Key::Ipv6) ? 1280 : 576;  // RFC 8200 5, RFC 9293 3.7.1
    set(Key::Mtu, std::max(at(Key::Mtu), min_mtu));
    set(Key::MtuChanged, std::clamp(at(Key::MtuChanged), min_mtu, at(Key::Mtu)));
    for (const Side side : {Client, Server}) {
        // A wire that loses more than a few per cent must heal, or a connection may rightly give up.
        const std::int64_t bursts = at(Key::BurstStart, side) * at(Key::BurstLength);
        if (at(Key::Loss, side) + at(Key::Corrupt, side) + bursts > 50'000 && at(Key::HealAt) == 0)
            set(Key::HealAt, 30'000'000);
        // A slow reader needs a bounded time: read_pause applies to the first reads only, see Application.
        if (flag(Key::Rate, side)) {
            // All bytes take a minute at most, or connections rightly starve each other for longer than a
            // stall may last.
            const std::int64_t bytes = at(Key::Connections) * (at(Key::Bytes) + at(Key::BytesBack));
            set(Key::Rate, side, std::max({at(Key::Rate, side), std::int64_t{20'000}, bytes / 60}));
            // A queue that takes longer than two seconds is an outage of its own.
            set(Key::Queue, side, std::min(at(Key::Queue, side), 2 * at(Key::Rate, side)));
        }
        set(Key::Queue, side, std::max(at(Key::Queue, side), 4 * at(Key::Mtu) * at(Key::Connections)));
    }
    // Send FIFOs that hold all memory at both ends would wait for each other.
    for (const Side side : {Client, Server})
        set(Key::Arena, side,
            std::max<std::int64_t>(
                at(Key::Arena, side),
                std::bit_width(static_cast<std::uint64_t>(at(Key::Connections)) * kMemoryOfOne)));
    // A connection in TIME-WAIT answers a new SYN by an ACK. The SYN must be repeated for longer than that
    // lasts.
    if (flag(Key::ReuseTuple) && !flag(Key::TimeWaitEntries))
        set(Key::TimeWait, std::min<std::int64_t>(at(Key::TimeWait), 30'000'000));
    // Two active opens need no listener, and a tuple that neither end holds in TIME-WAIT.
    if (flag(Key::SimultaneousOpen)) {
        set(Key::Flood, 0);
        set(Key::ReuseTuple, 0);
    }
}

}  // namespace l2echo::sim
