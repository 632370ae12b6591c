// Traces the next N frames: the workers record the verdicts, a control thread reads them.
#pragma once

#include <rte_mbuf.h>

#include <atomic>
#include <cstdint>

#include "l2echo/verdict/trace_record.hpp"

struct rte_ring;

namespace l2echo::engine {

/// Number of frames still to be traced, shared by all workers.
class TraceBudget {
  public:
    /// Control thread: sets the number of frames to trace.
    void set(std::int64_t frames) noexcept { left_.store(frames, std::memory_order_relaxed); }

    /// Workers, once per burst.
    bool wanted() const noexcept { return left_.load(std::memory_order_relaxed) > 0; }
    /// Workers, while tracing: returns true exactly as often as the number set.
    bool take() noexcept {
        std::int64_t left = left_.load(std::memory_order_relaxed);
        while (left > 0 && !left_.compare_exchange_weak(left, left - 1, std::memory_order_relaxed)) {
        }
        return left > 0;
    }

  private:
    alignas(RTE_CACHE_LINE_SIZE) std::atomic<std::int64_t> left_{0};
};

/// Passes trace records from one worker to the control thread, over a ring that never makes the worker wait:
/// while the ring is full, frames are not traced and do not use up the budget.
class FrameTrace {
  public:
    /// Throws StartupError.
    FrameTrace(TraceBudget& budget, std::uint16_t port, std::uint16_t queue, int numa_node);
    ~FrameTrace();
    FrameTrace(const FrameTrace&) = delete;
    FrameTrace& operator=(const FrameTrace&) = delete;

    bool wanted() const noexcept { return budget_.wanted(); }

    /// Worker: records the frame as received, before it is modified.
    void begin(const rte_mbuf& frame, std::uint64_t tsc) noexcept;
    /// Worker: records the verdict on the frame of begin(). `echoed_as` must have static storage.
    void end(const verdict::Verdict& verdict, const char* echoed_as) noexcept;

    /// Control thread: reads the oldest record; false if there is none.
    bool read(verdict::TraceRecord& record) noexcept;

  private:
    TraceBudget& budget_;
    rte_ring* ring_;
    verdict::TraceRecord record_;  ///< used by the worker only
};

}  // namespace l2echo::engine
