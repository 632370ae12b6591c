#include "l2echo/operations/watchdog.hpp"

#include "l2echo/dpdk/log.hpp"
#include "l2echo/dpdk/polling_lcore.hpp"

namespace l2echo::operations {

Watchdog::Watchdog(ServiceManager& manager) : manager_(manager) {
    if (const auto timeout = manager.watchdog_timeout())
        interval_ = *timeout / 4;
}

void Watchdog::check() {
    const auto now = std::chrono::steady_clock::now();
    dpdk::PollingLcores* const lcores = dpdk::PollingLcores::current();
    if (!interval_ || now < due_ || lcores == nullptr)
        return;
    if (const auto lcore = lcores->stalled_since(mark_)) {
        if (!stalled_)
            dpdk::log_warning(
                fmt::format("lcore {} has not ended a turn since the last watchdog notification", *lcore));
        stalled_ = true;
        return;
    }
    manager_.alive();
    stalled_ = false;
    mark_ = lcores->mark();
    due_ = now + 2 * *interval_;
}

}  // namespace l2echo::operations
