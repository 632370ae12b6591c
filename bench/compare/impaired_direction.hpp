// One direction of an impaired wire: frames enter by one port and leave by another. Some are dropped,
// corrupted, sent twice or overtaken, and all of them wait for the rate and the delay.
#pragma once

#include <rte_mbuf.h>

#include <cstdint>
#include <deque>
#include <random>

#include "l2echo/probe/result/histogram.hpp"

namespace l2echo {

/// Each frame is lost, corrupted, duplicated and reordered independently, with these probabilities.
struct Impairment {
    std::uint64_t delay_cycles = 0;  ///< in TSC cycles; no frame leaves earlier
    std::uint32_t loss_per_million = 0;
    std::uint32_t corrupt_per_million = 0;    ///< one bit behind the Ethernet header is inverted
    std::uint32_t duplicate_per_million = 0;  ///< a copy follows the frame
    std::uint32_t reorder_per_million = 0;    ///< held longer by reorder_cycles, so that others overtake it
    std::uint64_t reorder_cycles = 0;
    double cycles_per_byte = 0;      ///< time that a byte occupies the wire; 0: none
    std::uint64_t queue_cycles = 0;  ///< a frame that would wait longer for the wire is dropped
};

struct ImpairmentCounts {
    std::uint64_t received = 0;  ///< + duplicated = lost + overflowed + forwarded + held
    std::uint64_t lost = 0;
    std::uint64_t overflowed = 0;  ///< the queue of the rate limit was full
    std::uint64_t corrupted = 0;
    std::uint64_t duplicated = 0;  ///< copies made
    std::uint64_t reordered = 0;
    std::uint64_t forwarded = 0;
};

/// Drops only the frames that it counts as lost or overflowed: frames that the output port does not accept
/// yet are held longer, and while it holds `capacity` frames it receives no more. Single-threaded. Uses queue
/// pair 0 of both ports.
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
    const ImpairmentCounts& counts() const noexcept { return counts_; }
    std::uint64_t held() const noexcept { return line_.size() + overtaken_.size(); }
    /// Hold times of the forwarded frames, in TSC cycles.
    const probe::Histogram& hold_time() const noexcept { return hold_time_; }

  private:
    struct Held {
        rte_mbuf* frame;
        std::uint64_t since;
        std::uint64_t due;
    };
    using Line = std::deque<Held>;

    void take_in();
    void take_in(rte_mbuf* frame, std::uint64_t now);
    void enqueue(rte_mbuf* frame, std::uint64_t now);
    void corrupt(rte_mbuf* frame);
    void let_out(Line& line);
    bool happens(std::uint32_t per_million);

    std::uint16_t from_;
    std::uint16_t to_;
    std::size_t capacity_;
    Impairment impairment_;
    std::mt19937_64 random_;
    Line line_;
    Line overtaken_;           ///< a line of its own: both are in the order in which frames are due
    double wire_free_at_ = 0;  ///< in TSC cycles: when the last frame has left the rate limit
    ImpairmentCounts counts_;
    probe::Histogram hold_time_;
};

}  // namespace l2echo
