// State that all workers of a port share.
#pragma once

#include <rte_common.h>

#include <atomic>
#include <memory>
#include <utility>

#include "l2echo/echo/gate.hpp"
#include "l2echo/echo/rules.hpp"

namespace l2echo::echo {

/// Cache-line aligned: all workers of the port read it on every burst, and it is rarely written.
class alignas(RTE_CACHE_LINE_SIZE) EchoPort {
  public:
    explicit EchoPort(std::unique_ptr<const WireRules> rules) noexcept
        : rules_(std::move(rules)), current_(rules_.get()) {}

    /// Workers, once per burst. The rules are one immutable object, so that a burst never sees a partial
    /// change.
    const WireRules& rules() const noexcept { return *current_.load(std::memory_order_acquire); }

    /// Any other thread, one at a time: the next burst sees the new rules. Returns the old ones, which bursts
    /// in progress may still read: destroy them when every worker has ended a turn (dpdk/polling_lcore.hpp).
    std::unique_ptr<const WireRules> replace_rules(std::unique_ptr<WireRules> rules) noexcept {
        rules->generation = rules_->generation + 1;
        current_.store(rules.get(), std::memory_order_release);
        return std::exchange(rules_, std::move(rules));
    }

    Gate gate;

  private:
    std::unique_ptr<const WireRules> rules_;
    std::atomic<const WireRules*> current_;  ///< written by the thread that replaces the rules
};

}  // namespace l2echo::echo
