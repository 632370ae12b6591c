#include "probe/result/probe_metrics.hpp"

#include <array>
#include <vector>

namespace l2echo::probe {
namespace {

using metrics::Type;

/// In seconds: from what shared memory takes to what a broken path takes, three buckets per power of ten.
constexpr std::array kBounds{1e-6, 2e-6, 5e-6, 1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3,
                             2e-3, 5e-3, 1e-2, 2e-2, 5e-2, 1e-1, 2e-1, 5e-1, 1.0};

metrics::Family counter(const char* name, const char* help, std::uint64_t value) {
    return {name, Type::Counter, help, {{{}, value}}};
}

}  // namespace

ProbeTotals::ProbeTotals() : round_trip_(std::make_unique<Histogram>()) {}

void ProbeTotals::add(const ProbeResult& result, bool failed) {
    ++runs_;
    failed_runs_ += failed ? 1 : 0;
    sent_ += result.sent;
    sent_bytes_ += result.sent_bytes;
    lost_ += result.lost();
    corrupted_ += result.corrupted;
    foreign_ += result.foreign;
    missed_ += result.missed;
    counts_ += result.totals();
    tsc_hz_ = result.tsc_hz;
    round_trip_->merge(result.round_trip);
}

void ProbeTotals::add_failed_run() {
    ++runs_;
    ++failed_runs_;
}

metrics::Families ProbeTotals::families() const {
    metrics::Family round_trip{"l2probe_round_trip_seconds", Type::Histogram,
                               "Round trips of the frames that came back intact"};
    std::vector<metrics::Bucket> buckets;
    for (const double bound : kBounds)
        buckets.push_back({bound, round_trip_->count_up_to(static_cast<std::uint64_t>(bound * tsc_hz_))});
    metrics::add_histogram(round_trip, {}, buckets, round_trip_->count(),
                           round_trip_->mean() * static_cast<double>(round_trip_->count()) / tsc_hz_);
    return {
        counter("l2probe_runs", "Runs that have ended", runs_),
        counter("l2probe_failed_runs", "Runs that were not complete or did not meet a --require limit",
                failed_runs_),
        counter("l2probe_sent_frames", "Frames sent, without those of the warm-up", sent_),
        counter("l2probe_sent_bytes", "Layer 2 bytes, without FCS, of l2probe_sent_frames", sent_bytes_),
        counter("l2probe_returned_frames", "Frames that came back, each counted once", counts_.unique),
        counter("l2probe_lost_frames", "Frames that did not come back", lost_),
        counter("l2probe_duplicated_frames", "Further copies of frames that came back", counts_.duplicated),
        counter("l2probe_reordered_frames", "Frames that came back after a later one", counts_.reordered),
        counter("l2probe_corrupted_frames", "Frames that came back changed", corrupted_),
        counter("l2probe_late_frames", "Frames that came back too late to judge", counts_.late),
        counter("l2probe_foreign_frames", "Frames that are not the probe's", foreign_),
        counter("l2probe_missed_frames", "Frames that the probe's own port lost", missed_),
        std::move(round_trip),
    };
}

}  // namespace l2echo::probe
