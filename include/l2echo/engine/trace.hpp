// "What happened to the next N frames?": the workers write down the verdicts, a control thread reads them.
#pragma once

#include <rte_mbuf.h>

#include <atomic>
#include <cstdint>

#include "l2echo/verdict/trace_record.hpp"

struct rte_ring;

namespace l2echo::engine {

/// How many more frames are to be traced, for all workers together.
class TraceBudget {
  public:
    /// Control thread.
    void set(std::int64_t frames) noexcept { left_.store(frames, std::memory_order_relaxed); }

    /// Workers; once a burst.
    bool wanted() const noexcept { return left_.load(std::memory_order_relaxed) > 0; }
    /// Workers, while tracing: true for exactly as many calls as were set.
    bool take() noexcept {
        std::int64_t left = left_.load(std::memory_order_relaxed);
        while (left > 0 && !left_.compare_exchange_weak(left, left - 1, std::memory_order_relaxed)) {
        }
        return left > 0;
    }

  private:
    alignas(RTE_CACHE_LINE_SIZE) std::atomic<std::int64_t> left_{0};
};

/// From one worker to the control thread, over a ring that never makes the worker wait: a frame that finds it
/// full is not traced, and the next one is.
class FrameTrace {
  public:
    /// Throws StartupError.
    FrameTrace(TraceBudget& budget, std::uint16_t port, std::uint16_t queue, int numa_node);
    ~FrameTrace();
    FrameTrace(const FrameTrace&) = delete;
    FrameTrace& operator=(const FrameTrace&) = delete;

    bool wanted() const noexcept { return budget_.wanted(); }

    /// Worker: the frame as received, before anything is changed.
    void begin(const rte_mbuf& frame, std::uint64_t tsc) noexcept;
    /// Worker: the verdict on the frame of begin(). `echoed_as` has static storage.
    void end(const verdict::Verdict& verdict, const char* echoed_as) noexcept;

    /// Control thread: the oldest record, if there is one.
    bool read(verdict::TraceRecord& record) noexcept;

  private:
    TraceBudget& budget_;
    rte_ring* ring_;
    verdict::TraceRecord record_;  ///< the worker's
};

}  // namespace l2echo::engine
