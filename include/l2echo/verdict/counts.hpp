// All counters. To add a counter, edit only this file: the worker's counters, the report's sums, its JSON,
// its table and its metrics are derived from the tables here.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "l2echo/verdict/reason.hpp"

namespace l2echo::verdict {

/// Counters of one queue pair. They count frames unless the name says bytes; bytes are layer 2 without FCS.
/// Refused frames are counted by Reason. Once the worker has stopped, Received = Echoed + Answered + refused
/// + Dropped.
enum class Count : std::uint8_t {
    Received,
    ReceivedBytes,
    Echoed,
    EchoedBytes,
    Answered,
    Dropped,
    TxRetries,
    ChecksSent,
    Bursts,
    End,
};

struct CountRow {
    Count count;
    std::string_view key;     ///< in JSON
    std::string_view metric;  ///< in the name of its metric, between "l2echo_" and "_total"
    /// Label of its line in the table, which is printed if the count is not 0; empty: it has no line.
    std::string_view label;
    std::string_view meaning;
};

inline constexpr std::array kCountTable{
    CountRow{Count::Received, "received", "received_frames", "", "handed over by the driver"},
    CountRow{Count::ReceivedBytes, "received_bytes", "received_bytes", "", "bytes of the received frames"},
    CountRow{Count::Echoed, "echoed", "echoed_frames", "", "swapped, and taken by the TX queue"},
    CountRow{Count::EchoedBytes, "echoed_bytes", "echoed_bytes", "", "bytes of the echoed frames"},
    CountRow{Count::Answered, "answered", "answered_frames", "",
             "requests that became their reply, taken by the TX queue"},
    CountRow{Count::Dropped, "dropped", "dropped_frames", "",
             "echoes and answers that found the TX queue full"},
    CountRow{Count::TxRetries, "tx_retries", "tx_retries", "TX retries", "further tries at a full TX queue"},
    CountRow{Count::ChecksSent, "checks_sent", "loop_checks_sent", "",
             "loop checks sent; in no other counter"},
    CountRow{Count::Bursts, "bursts", "bursts", "", "polls that returned at least one frame"},
};

/// Counters of a device: frames that never reached l2echo, or never left. They count from start-up and are
/// summed over ports. Gauges belong in report::PortSnapshot.
enum class PortCount : std::uint8_t { Missed, NoMbuf, RxErrors, TxErrors, End };

struct PortCountRow {
    PortCount count;
    std::string_view key;     ///< in JSON
    std::string_view metric;  ///< in the name of its metric, between "l2echo_port_" and "_total"
    std::string_view label;   ///< in the table
    std::string_view meaning;
};

inline constexpr std::array kPortCountTable{
    PortCountRow{PortCount::Missed, "missed", "missed_frames", "missed",
                 "lost by the NIC because its RX ring was full"},
    PortCountRow{PortCount::NoMbuf, "no_mbuf", "no_mbuf", "no-mbuf", "RX found the mempool empty"},
    PortCountRow{PortCount::RxErrors, "rx_errors", "rx_errors", "RX errors", "received damaged"},
    PortCountRow{PortCount::TxErrors, "tx_errors", "tx_errors", "TX errors", "refused by the NIC when sent"},
};

/// One value for each enumerator before End.
template <typename Enum, typename Value = std::uint64_t>
class PerCount {
  public:
    static constexpr std::size_t kSize = static_cast<std::size_t>(Enum::End);

    constexpr Value& operator[](Enum which) noexcept { return values_[static_cast<std::size_t>(which)]; }
    constexpr const Value& operator[](Enum which) const noexcept {
        return values_[static_cast<std::size_t>(which)];
    }
    constexpr PerCount& operator+=(const PerCount& other) noexcept {
        for (std::size_t i = 0; i < kSize; ++i)
            values_[i] += other.values_[i];
        return *this;
    }
    bool operator==(const PerCount&) const = default;

  private:
    std::array<Value, kSize> values_{};
};

using PortCounts = PerCount<PortCount>;

/// A plain copy of the counters of one queue pair, or the sum of several.
class FrameCounts {
  public:
    std::uint64_t& operator[](Count which) noexcept { return counts_[which]; }
    std::uint64_t operator[](Count which) const noexcept { return counts_[which]; }
    std::uint64_t& operator[](Reason reason) noexcept { return refused_[reason]; }
    std::uint64_t operator[](Reason reason) const noexcept { return refused_[reason]; }

    /// Returns the frames refused for any reason.
    std::uint64_t refused() const noexcept;
    /// True if the other counters account for every frame received. Not meaningful while the worker runs.
    bool balanced() const noexcept;
    FrameCounts& operator+=(const FrameCounts& other) noexcept;

  private:
    PerCount<Count> counts_;
    PerCount<Reason> refused_;
};

/// Row i of a table is enumerator i.
template <typename Table>
consteval bool rows_are_in_order(const Table& table) {
    for (std::size_t i = 0; i < table.size(); ++i)
        if (static_cast<std::size_t>(table[i].count) != i)
            return false;
    return true;
}
static_assert(kCountTable.size() == PerCount<Count>::kSize && rows_are_in_order(kCountTable));
static_assert(kPortCountTable.size() == PortCounts::kSize && rows_are_in_order(kPortCountTable));

}  // namespace l2echo::verdict
