// State that all workers of a port share.
#pragma once

#include <rte_common.h>

#include <atomic>
#include <memory>

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

    Gate gate;

  private:
    std::unique_ptr<const WireRules> rules_;
    std::atomic<const WireRules*> current_;  ///< written by the main lcore before the workers start
};

}  // namespace l2echo::echo
