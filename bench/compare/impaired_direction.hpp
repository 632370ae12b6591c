// One direction of a wire that delays every frame and drops some: frames enter by one port and leave by
// another.
#pragma once

#include <rte_mbuf.h>

#include <cstdint>
#include <deque>
#include <random>

#include "l2echo/probe/result/histogram.hpp"

namespace l2echo {

struct Impairment {
    std::uint64_t delay_cycles = 0;      ///< in TSC cycles; no frame leaves earlier
    std::uint32_t loss_per_million = 0;  ///< probability for each frame, independently
};

/// Drops only the frames that it counts as dropped: frames that the output port does not accept yet are held
/// longer, and while it holds `capacity` frames it receives no more. Single-threaded. Uses queue pair 0 of
/// both ports.
class ImpairedDirection {
  public:
    ImpairedDirection(std::uint16_t from, std::uint16_t to, std::size_t capacity, Impairment impairment,
                      std::uint64_t seed);
    ~ImpairedDirection();
    ImpairedDirection(const ImpairedDirection&) = delete;
    ImpairedDirection& operator=(const ImpairedDirection&) = delete;

    /// Receives waiting frames and sends those that are due.
    void poll();

    std::uint16_t from() const noexcept { return from_; }
    std::uint16_t to() const noexcept { return to_; }
    std::uint64_t received() const noexcept { return received_; }  ///< = dropped + forwarded + held
    std::uint64_t dropped() const noexcept { return dropped_; }
    std::uint64_t forwarded() const noexcept { return forwarded_; }
    std::uint64_t held() const noexcept { return line_.size(); }
    /// Hold times of the forwarded frames, in TSC cycles.
    const probe::Histogram& hold_time() const noexcept { return hold_time_; }

  private:
    struct Held {
        rte_mbuf* frame;
        std::uint64_t since;
    };

    void take_in();
    void let_out();
    std::uint16_t due_frames(rte_mbuf** frames, std::uint16_t max, std::uint64_t now) const;

    std::uint16_t from_;
    std::uint16_t to_;
    std::size_t capacity_;
    Impairment impairment_;
    std::mt19937_64 random_;
    std::deque<Held> line_;
    std::uint64_t received_ = 0;
    std::uint64_t dropped_ = 0;
    std::uint64_t forwarded_ = 0;
    probe::Histogram hold_time_;
};

}  // namespace l2echo
