// One run of the probe: a sender and a checker on one queue pair, and the lcores that turn them.
#pragma once

#include <rte_mempool.h>

#include <atomic>
#include <cstdint>
#include <vector>

#include "l2echo/control/eal.hpp"
#include "l2echo/control/stop_signal.hpp"
#include "l2echo/device/port.hpp"
#include "l2echo/probe/checker.hpp"
#include "l2echo/probe/sender.hpp"

namespace l2echo {

/// The sender and the checker share an lcore or have one each; each is touched by its own lcore only, but for
/// the counters.
class Exchange {
  public:
    Exchange(const Traffic& traffic, const SendPlan& plan, const Port& port, rte_mempool* pool,
            std::uint16_t burst, double drain_seconds, const StopSignal& stop);

    void send() noexcept;
    void check() noexcept;
    void send_and_check() noexcept;

    bool over() const noexcept { return over_.load(std::memory_order_acquire); }
    const Sender& sender() const noexcept { return sender_; }
    const Checker& checker() const noexcept { return checker_; }

  private:
    void finish_sending() noexcept;
    bool is_over() const noexcept;

    Sender sender_;
    Checker checker_;
    std::uint64_t drain_cycles_;
    const StopSignal& stop_;
    std::atomic<std::uint64_t> sending_ended_{0};  ///< written by the sending lcore
    std::atomic<bool> over_{false};                ///< written by the checking lcore
};

/// Returns when the exchange is over. No worker lcore: the main one does all, and a control thread watches.
/// One: it does all. Two or more: one sends, one checks.
void run_on(const std::vector<Lcore>& workers, Exchange& exchange, const SendPlan& plan);

}  // namespace l2echo
