// The report, computed only from two snapshots.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "l2echo/report/snapshot.hpp"

namespace l2echo::report {

/// Rates over the report's interval. Bits are at layer 1, which adds 24 bytes per frame to layer 2 without
/// FCS (preamble and gap 20, FCS 4; IEEE 802.3 clauses 3.1.1 and 4.4.2).
struct Rates {
    double received_per_second = 0;
    double received_bits_per_second_l1 = 0;
    double echoed_per_second = 0;
    double echoed_bits_per_second_l1 = 0;
};

struct WorkerReport {
    WorkerSnapshot worker;
    verdict::FrameCounts counts;  ///< since start, over all its queue pairs
    Rates rates;
    double mean_burst = 0;        ///< frames per poll that returned any; over the interval
    double cycles_per_frame = 0;  ///< TSC cycles of busy iterations; over the interval
    double busy_share = 0;        ///< share of the interval, 0 to 1
};

struct QueueReport {
    std::uint16_t queue = 0;
    unsigned lcore = 0;
    std::uint64_t received = 0;  ///< since start
    double share = 0;            ///< share of the frames that the port received in the interval, 0 to 1
};

struct PortReport {
    PortSnapshot port;
    verdict::FrameCounts counts;  ///< since start, over all its queue pairs
    std::uint64_t received = 0;   ///< in the interval, like the next three
    std::uint64_t dropped = 0;
    std::uint64_t missed = 0;
    std::uint64_t no_mbuf = 0;
    std::uint32_t max_retries = 0;  ///< that --tx-full allows; 0: none
    std::vector<QueueReport> queues;
};

/// What a hint is about. A port has at most one of each.
enum class HintKind : std::uint8_t {
    NothingArrived,
    OneQueueHasAll,
    Missed,
    NoMbuf,
    Dropped,
    FacingReflector,
    FacingLoop,
};
/// Names in metrics, in the order of the enumerators.
inline constexpr std::array<std::string_view, 7> kHintNames{
    "nothing-arrived", "one-queue-has-all", "missed",     "no-mbuf",
    "dropped",         "facing-reflector",  "facing-loop"};

/// Advice for a problem of a port.
struct Hint {
    std::uint16_t port = 0;
    HintKind kind = HintKind::NothingArrived;
    std::string text;
};

struct Report {
    bool final = false;
    double elapsed_seconds = 0;       ///< since the workers were launched
    double interval_seconds = 0;      ///< the time that the rates cover
    verdict::FrameCounts counts;      ///< since start, over all workers
    verdict::PortCounts port_counts;  ///< since start, over all ports
    Rates rates;
    std::vector<WorkerReport> workers;
    std::vector<PortReport> ports;
    std::vector<Hint> hints;
};

/// Both snapshots must list the same workers and ports in the same order.
Report make_report(const Snapshot& before, const Snapshot& now, bool final);

/// Returns advice for problems seen in the interval: nothing arrives, one queue gets nearly everything,
/// frames are missed or dropped, the port faces a reflector or a loop.
std::vector<Hint> find_hints(const Report& report);

}  // namespace l2echo::report
