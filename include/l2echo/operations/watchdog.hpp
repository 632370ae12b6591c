// Reports to the service manager that the program is alive, as long as every worker ends its turns.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "l2echo/operations/service_manager.hpp"

namespace l2echo::operations {

/// Used by one thread, which must not be a worker.
class Watchdog {
  public:
    explicit Watchdog(ServiceManager& manager);

    /// Returns how often to call check(); empty: the manager does not watch.
    std::optional<std::chrono::microseconds> interval() const noexcept { return interval_; }

    /// Twice per timeout of the manager, reports that the program is alive, unless a worker has not ended a
    /// turn since the last report. Logs which one, once.
    void check();

  private:
    ServiceManager& manager_;
    std::optional<std::chrono::microseconds> interval_;
    std::chrono::steady_clock::time_point due_{};
    std::uint64_t mark_ = 0;
    bool stalled_ = false;
};

}  // namespace l2echo::operations
