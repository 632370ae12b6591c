// What happens in one simulated run: the wire, both hosts, the applications. Everything follows from these
// numbers.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace l2echo::sim {

/// Directions of the wire, and the hosts that send there.
enum Side : std::uint8_t { Client = 0, Server = 1 };

constexpr Side other(Side side) noexcept {
    return side == Client ? Server : Client;
}

/// One number each. Those of a pair (`x`, `x_back`) apply to what the client sends and what the server sends,
/// or to the client and the server. The rows of schedule.cpp have units, ranges, and the value that disturbs
/// least.
enum class Key : std::uint8_t {
    Seed,
    Connections,
    Ipv6,
    // Where counters start
    SequenceNearWrap,
    TimestampNearWrap,
    ClockStart,
    // The wire
    Loss,
    LossBack,
    BurstStart,
    BurstStartBack,
    BurstLength,
    Duplicate,
    DuplicateBack,
    Reorder,
    ReorderBack,
    ReorderDelay,
    Corrupt,
    CorruptBack,
    Delay,
    DelayBack,
    Jitter,
    JitterBack,
    Rate,
    RateBack,
    Queue,
    QueueBack,
    HoldAcks,
    HoldAcksBack,
    Mtu,
    MtuChangeAt,
    MtuChangeFor,
    MtuChanged,
    Icmp,
    BlackholeAt,
    BlackholeFor,
    BlackholeSides,
    ShrinkAt,
    ShrinkFor,
    ShrinkShift,
    ShrinkSide,
    HealAt,
    // Both hosts
    Algorithm,
    AlgorithmBack,
    NoSack,
    NoSackBack,
    NoTimestamps,
    NoTimestampsBack,
    NoScaling,
    NoScalingBack,
    NoHystart,
    NoProbe,
    AckDelay,
    AckDelayBack,
    MinRto,
    MaxMss,
    MaxMssBack,
    InitialWindow,
    ReceiveBuffer,
    ReceiveBufferBack,
    SendBuffer,
    SendBufferBack,
    Arena,
    ArenaBack,
    Records,
    HalfOpen,
    TimeWait,
    TimeWaitEntries,
    Keepalive,
    // The applications
    SimultaneousOpen,
    ReuseTuple,
    Spacing,
    Service,
    Bytes,
    BytesBack,
    WriteChunk,
    WriteChunkBack,
    WritePause,
    WritePauseBack,
    NoDelay,
    ReadChunk,
    ReadChunkBack,
    ReadPause,
    ReadPauseBack,
    StallAt,
    StallFor,
    StallSide,
    Ending,
    AbortAfter,
    Linger,
    // What comes from elsewhere
    Flood,
    Forged,
    SoftErrors,
    CountOfKeys,
};

inline constexpr std::size_t kKeys = static_cast<std::size_t>(Key::CountOfKeys);

/// What the server's application does with what it receives.
enum Service : std::uint8_t { BothSend = 0, Echo = 1, AnswerLength = 2, Discard = 3 };

/// Who ends the connections, and how.
enum Ending : std::uint8_t {
    ClientFirst = 0,   ///< the client shuts down after its last byte, the server after the client's end
    ServerFirst = 1,   ///< the other way round
    BothAtOnce = 2,    ///< each shuts down after its last byte
    ClientCloses = 3,  ///< close() instead of shutdown(): what still arrives there is answered by a RST
    ServerCloses = 4,
    ClientAborts = 5,  ///< after `abort_after`
    ServerAborts = 6,
};

/// One row per key.
struct Parameter {
    Key key;
    std::string_view name;
    std::int64_t simplest;  ///< what a failing schedule is simplified to
    std::int64_t min;
    std::int64_t max;
};

std::span<const Parameter, kKeys> parameters() noexcept;

class Schedule {
  public:
    /// Each key has its simplest value: an undisturbed transfer of nothing.
    Schedule() noexcept;
    /// The schedule of this seed: most parameters are simple, and some are drawn.
    static Schedule from_seed(std::uint64_t seed);
    /// Two bytes per key, in the order of the rows; what is missing keeps its simplest value. For a fuzzer.
    static Schedule from_bytes(std::span<const std::uint8_t> bytes);
    /// Reads what text() writes. Throws std::invalid_argument with the word that is wrong.
    static Schedule from_text(std::string_view text);

    /// `name=value`, separated by spaces, where the value is not the simplest.
    std::string text() const;

    std::int64_t at(Key key) const noexcept { return values_[static_cast<std::size_t>(key)]; }
    /// The number of a pair that applies to this side.
    std::int64_t at(Key key, Side side) const noexcept {
        return values_[static_cast<std::size_t>(key) + side];
    }
    bool flag(Key key) const noexcept { return at(key) != 0; }
    bool flag(Key key, Side side) const noexcept { return at(key, side) != 0; }
    void set(Key key, std::int64_t value) noexcept { values_[static_cast<std::size_t>(key)] = value; }
    void set(Key key, Side side, std::int64_t value) noexcept {
        values_[static_cast<std::size_t>(key) + side] = value;
    }

    friend bool operator==(const Schedule&, const Schedule&) = default;

    /// Mends what would make the properties meaningless, such as a wire that loses much and never heals. Each
    /// function above that makes a schedule calls it.
    void settle() noexcept;

  private:
    std::array<std::int64_t, kKeys> values_{};
};

}  // namespace l2echo::sim
