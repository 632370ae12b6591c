#include "l2echo/engine/worker.hpp"

#include <rte_cycles.h>

#include <chrono>
#include <thread>

namespace l2echo::engine {
namespace {

/// Stays in the loop so that every worker starts, stops and reports alike; leaves its CPU to others.
void sleep_until_stopped(const std::atomic<bool>& stop) noexcept {
    constexpr std::chrono::milliseconds kLookAgain{20};
    while (!stop.load(std::memory_order_relaxed))
        std::this_thread::sleep_for(kLookAgain);
}

bool is_polled(const QueuePair& pair) noexcept {
    return pair.polling.load(std::memory_order_relaxed) == Polling::On;
}

/// Whether this was the turn that ended it. The release makes all that the worker did to the port come
/// before.
bool end_polling(QueuePair& pair) noexcept {
    Polling ending = Polling::Ending;
    return pair.polling.compare_exchange_strong(ending, Polling::Ended, std::memory_order_release,
                                                std::memory_order_relaxed);
}

/// Sends the loop check of each port whose queue pair 0 is this worker's. A check that could not leave is
/// tried again soon: the far end may be coming up. Returns when the next are due.
std::uint64_t send_loop_checks(const Worker& worker, std::uint64_t now) noexcept {
    constexpr std::uint64_t kTriesInASecond = 100;
    const std::uint64_t second = rte_get_tsc_hz();
    bool all_sent = true;
    for (QueuePair* pair : worker.queue_pairs)
        if (pair->queue == 0 && is_polled(*pair) && pair->pool != nullptr && pair->gate.may_send_checks(now))
            all_sent &= echo::send_loop_check(*pair);
    return now + (all_sent ? second : second / kTriesInASecond);
}

/// Tells the time that goes into frames from the time of empty turns. A reading of the TSC costs as much as
/// some frames (25 cycles on a Zen 4), so while full bursts come one is enough for kFramesAReading of them,
/// and an empty turn behind a full one counts with it.
class BusyTime {
  public:
    /// `full`: frames of a turn after which more are likely to be there.
    BusyTime(Counter& cycles, std::uint32_t full) noexcept : cycles_(cycles), full_(full) {}
    ~BusyTime() {
        if (frames_ > 0)
            read_clock();
    }
    BusyTime(const BusyTime&) = delete;
    BusyTime& operator=(const BusyTime&) = delete;

    /// In TSC cycles; up to kFramesAReading frames old.
    std::uint64_t now() const noexcept { return now_; }

    void end_turn(std::uint32_t received) noexcept {
        frames_ += received;
        if (received < full_ || frames_ >= kFramesAReading)
            read_clock();
    }

  private:
    static constexpr std::uint32_t kFramesAReading = 256;

    void read_clock() noexcept {
        const std::uint64_t now = rte_rdtsc();
        if (frames_ > 0)
            cycles_.add(now - now_);
        now_ = now;
        frames_ = 0;
    }

    Counter& cycles_;
    std::uint32_t full_;
    std::uint64_t now_ = rte_rdtsc();
    std::uint32_t frames_ = 0;  ///< since the last reading
};

/// Returns early when no queue pair is left to poll.
void echo_until_stopped(Worker& worker, const std::atomic<bool>& stop) noexcept {
    std::size_t left = worker.queue_pairs.size();
    BusyTime time(worker.busy_cycles, left > 0 ? worker.queue_pairs.front()->burst : 0);
    std::uint64_t checks_due = time.now();
    std::uint32_t empty_turns = 0;
    while (left > 0 && !stop.load(std::memory_order_relaxed)) {
        if (time.now() >= checks_due) [[unlikely]]
            checks_due = send_loop_checks(worker, time.now());
        std::uint32_t received = 0;
        for (QueuePair* pair : worker.queue_pairs) {
            if (is_polled(*pair)) [[likely]]
                received += echo::echo_burst(*pair, time.now());
            else if (end_polling(*pair))
                --left;
        }
        if (received > 0)
            empty_turns = 0;
        else if (worker.idle.way != Idle::Poll && ++empty_turns > kEmptyTurns)
            wait_for_frames(worker.idle, worker.queue_pairs);
        time.end_turn(received);
    }
}

}  // namespace

void run_worker(Worker& worker, const std::atomic<bool>& stop) noexcept {
    prepare_to_wait(worker.idle.way);
    worker.running.store(true, std::memory_order_release);
    echo_until_stopped(worker, stop);
    sleep_until_stopped(stop);
    worker.running.store(false, std::memory_order_release);
}

}  // namespace l2echo::engine
