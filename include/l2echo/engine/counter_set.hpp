// The counters of one queue pair: written by its worker, read by the reporter.
#pragma once

#include <rte_common.h>

#include <cstdint>

#include "l2echo/engine/counter.hpp"
#include "l2echo/verdict/counts.hpp"

namespace l2echo::engine {

/// Written only by the worker that owns the queue pair. Has its own cache lines, so that a reader does not
/// slow down the writer of a neighbouring set.
class alignas(RTE_CACHE_LINE_SIZE) CounterSet {
  public:
    void add(verdict::Count which, std::uint64_t amount) noexcept { counts_[which].add(amount); }
    void add(verdict::Reason reason, std::uint64_t amount) noexcept { refused_[reason].add(amount); }

    std::uint64_t read(verdict::Count which) const noexcept { return counts_[which].read(); }
    std::uint64_t read(verdict::Reason reason) const noexcept { return refused_[reason].read(); }
    /// Reads all counters between two bursts if the worker leaves time for it. While the worker runs,
    /// Received and the sum of its parts so differ by the frames of one burst at most; on a CPU that makes
    /// stores visible out of order (Arm), by a few.
    verdict::FrameCounts read() const noexcept;

  private:
    verdict::FrameCounts read_once() const noexcept;

    verdict::PerCount<verdict::Count, Counter> counts_;
    verdict::PerCount<verdict::Reason, Counter> refused_;
};

}  // namespace l2echo::engine
