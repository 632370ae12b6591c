// What a run of the probe found, and the gates that a script sets on it. Pure functions of their arguments.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "l2echo/probe/result/histogram.hpp"
#include "l2echo/probe/run/lcore_plan.hpp"
#include "l2echo/probe/run/stream_tracker.hpp"
#include "l2echo/probe/traffic/traffic.hpp"

namespace l2echo::probe {

struct StreamResult {
    std::uint64_t sent = 0;
    StreamCounts counts;
};

/// Frames before the run, which count nowhere else.
struct WarmUp {
    std::uint64_t sent = 0;
    std::uint64_t lost = 0;
};

/// What was asked of a sender and what it did.
struct SendResult {
    std::uint64_t sent = 0;
    std::uint64_t sent_bytes = 0;             ///< layer 2 without FCS
    double requested_per_second = 0;          ///< 0: not asked for in frames
    double requested_bits_per_second_l1 = 0;  ///< 0: not asked for in bits
    /// What the rates are over: from the first planned frame until the interval of the last one was over, and
    /// where not all was sent, until the sender ended.
    double seconds = 0;
    std::uint64_t tx_full = 0;

    double sent_per_second() const noexcept { return seconds > 0 ? static_cast<double>(sent) / seconds : 0; }
    double sent_bits_per_second_l1() const noexcept;
    /// It did not keep up with what was asked (below 99.9 %).
    bool fell_behind() const noexcept;
};

/// How a run ended. All but Complete make it incomplete: it says so in text, JSON and exit status.
enum class RunEnd : std::uint8_t {
    Complete,  ///< all that was planned was sent, or the time was over
    Signal,
    Removed,
    NothingSent,
    GaveUp,
    LinkDown,
    Stalled,
};

struct RunEndRow {
    std::string_view name;  ///< in JSON
    std::string_view meaning;
};

/// By value of RunEnd.
inline constexpr std::array<RunEndRow, 7> kRunEnds{{
    {"complete", "all that was planned was sent"},
    {"signal", "a signal ended the run"},
    {"removed", "the port was removed"},
    {"nothing-sent", "no frame was sent"},
    {"gave-up", "the TX queue took nothing for 5 s"},
    {"link-down", "the link was down at the end"},
    {"stalled", "the TX queue took nothing in the last second"},
}};

constexpr const RunEndRow& row_of(RunEnd end) {
    return kRunEnds.at(static_cast<std::size_t>(end));
}

/// One queue pair's part of a run. A frame may come back on another one than it was sent on.
struct QueuePairResult {
    QueuePairLcores lcores;
    SendResult sender;
    std::uint64_t returned = 0;  ///< sequence numbers seen here first
    std::uint64_t corrupted = 0;
    std::uint64_t foreign = 0;
};

/// The sum of all queue pairs, but for `seconds`, which is the longest.
struct ProbeResult : SendResult {
    std::uint64_t corrupted = 0;
    std::uint64_t damaged = 0;  ///< of the corrupted: without a readable stamp
    std::uint64_t foreign = 0;
    std::uint64_t loop_checks = 0;  ///< by which an l2echo says that it reflects
    std::uint64_t missed = 0;       ///< by the probe's own port: its RX ring was full, or it had no mbuf
    std::uint64_t link_changes = 0;
    FrameSizes sizes;
    std::vector<StreamResult> streams;
    std::vector<QueuePairResult> queue_pairs;
    WarmUp warm_up;
    std::uint64_t returned_bytes = 0;  ///< of first copies, layer 2 without FCS
    double returned_seconds = 0;       ///< the same until the last one came back, at least `seconds`

    double tsc_hz = 1;
    Histogram round_trip;  ///< TSC cycles
    Histogram send_delay;  ///< TSC cycles
    Histogram self_loop;   ///< TSC cycles: what the probe itself adds
    RunEnd end = RunEnd::Complete;
    std::vector<std::pair<std::string, std::string>> environment;

    StreamCounts totals() const noexcept;
    bool complete() const noexcept { return end == RunEnd::Complete; }
    const RunEndRow& how_it_ended() const { return row_of(end); }
    /// Sent, and not back as they must be, or too late to tell: what --require-loss counts.
    std::uint64_t not_intact() const noexcept;
    /// Sent, and neither returned nor corrupted: a damaged frame is one of ours, though it cannot be told
    /// which.
    std::uint64_t lost() const noexcept;
    double returned_per_second() const noexcept;
    double returned_bits_per_second_l1() const noexcept;
    /// A sender fell behind, or all together did.
    bool sender_limited() const noexcept;
    bool open_loop() const noexcept { return requested_per_second > 0 || requested_bits_per_second_l1 > 0; }
    double nanoseconds(double cycles) const noexcept { return cycles * 1e9 / tsc_hz; }
};

/// Limits that make the exit status.
struct Gates {
    std::optional<std::uint64_t> loss;        ///< frames allowed that did not come back intact
    std::optional<double> p99_seconds;        ///< 99th percentile of the round trip allowed
    std::optional<double> frames_per_second;  ///< rate that must have been sent
    std::optional<double> bits_per_second_l1;
};

/// One sentence for each gate that is not kept.
std::vector<std::string> failed_gates(const ProbeResult& result, const Gates& gates);

inline constexpr const char* kProbeSchema = "l2echo.probe/1";

/// One JSON object without line break.
std::string render_json(const ProbeResult& result, const std::vector<std::string>& failed_gates);
/// For people.
std::string render_text(const ProbeResult& result);

}  // namespace l2echo::probe
