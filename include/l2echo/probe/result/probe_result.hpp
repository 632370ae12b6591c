// The result of a probe run, and the gates that a script sets for it. Pure functions of their arguments.
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

/// Warm-up frames sent before the run; they are not counted anywhere else.
struct WarmUp {
    std::uint64_t sent = 0;
    std::uint64_t lost = 0;
};

/// Requested and actual values of a sender.
struct SendResult {
    std::uint64_t sent = 0;
    std::uint64_t sent_bytes = 0;             ///< layer 2 without FCS
    double requested_per_second = 0;          ///< 0: no rate in frames requested
    double requested_bits_per_second_l1 = 0;  ///< 0: no rate in bits requested
    /// Time base of the rates: from the first planned frame to the end of the last one's interval or, if not
    /// all frames were sent, until the sender ended.
    double seconds = 0;
    std::uint64_t tx_full = 0;

    double sent_per_second() const noexcept { return seconds > 0 ? static_cast<double>(sent) / seconds : 0; }
    double sent_bits_per_second_l1() const noexcept;
    /// True if it did not keep up with the requested rate (below 99.9 %).
    bool fell_behind() const noexcept;
};

/// How a run ended. Every value but Complete makes the run incomplete, which is shown in text, JSON and exit
/// status.
enum class RunEnd : std::uint8_t {
    Complete,  ///< all planned frames were sent, or the duration was over
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

/// Indexed by RunEnd.
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

/// One queue pair's part of a run. A frame may come back on a different queue pair than it was sent on.
struct QueuePairResult {
    QueuePairLcores lcores;
    SendResult sender;
    std::uint64_t returned = 0;  ///< sequence numbers seen first on this queue
    std::uint64_t corrupted = 0;
    std::uint64_t foreign = 0;
};

/// The sum over all queue pairs, except for `seconds`, which is the maximum.
struct ProbeResult : SendResult {
    std::uint64_t corrupted = 0;
    std::uint64_t damaged = 0;  ///< corrupted frames without a readable stamp
    std::uint64_t foreign = 0;
    std::uint64_t loop_checks = 0;  ///< loop checks of an l2echo
    std::uint64_t missed = 0;       ///< by the probe's own port: RX ring full or no mbuf
    std::uint64_t link_changes = 0;
    FrameSizes sizes;
    std::vector<StreamResult> streams;
    std::vector<QueuePairResult> queue_pairs;
    WarmUp warm_up;
    std::uint64_t returned_bytes = 0;  ///< bytes of first copies, layer 2 without FCS
    double returned_seconds = 0;       ///< time until the last one came back; at least `seconds`

    double tsc_hz = 1;
    Histogram round_trip;  ///< TSC cycles
    Histogram send_delay;  ///< TSC cycles
    Histogram self_loop;   ///< TSC cycles added by the probe itself
    RunEnd end = RunEnd::Complete;
    std::vector<std::pair<std::string, std::string>> environment;

    StreamCounts totals() const noexcept;
    bool complete() const noexcept { return end == RunEnd::Complete; }
    const RunEndRow& how_it_ended() const { return row_of(end); }
    /// Returns the frames sent that did not come back intact, or too late to judge. --require-loss counts
    /// these.
    std::uint64_t not_intact() const noexcept;
    /// Returns the frames sent that are unaccounted for: not returned, not late, not damaged. A damaged frame
    /// is one of ours, although it is unknown which.
    std::uint64_t lost() const noexcept;
    double returned_per_second() const noexcept;
    double returned_bits_per_second_l1() const noexcept;
    /// True if one sender, or all of them together, fell behind.
    bool sender_limited() const noexcept;
    bool open_loop() const noexcept { return requested_per_second > 0 || requested_bits_per_second_l1 > 0; }
    double nanoseconds(double cycles) const noexcept { return cycles * 1e9 / tsc_hz; }
};

/// Limits that determine the exit status.
struct Gates {
    std::optional<std::uint64_t> loss;        ///< maximum number of frames that do not come back intact
    std::optional<double> p99_seconds;        ///< maximum 99th percentile of the round trip
    std::optional<double> frames_per_second;  ///< minimum rate sent
    std::optional<double> bits_per_second_l1;
};

/// Returns one sentence per gate that is not met.
std::vector<std::string> failed_gates(const ProbeResult& result, const Gates& gates);

inline constexpr const char* kProbeSchema = "l2echo.probe/1";

/// Renders one JSON object without a line break.
std::string render_json(const ProbeResult& result, const std::vector<std::string>& failed_gates);
/// Renders the human-readable result.
std::string render_text(const ProbeResult& result);

}  // namespace l2echo::probe
