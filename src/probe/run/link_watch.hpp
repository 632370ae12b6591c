// Reports link changes of a port during a run, and the removal of the port.
#pragma once

#include <cstdint>

#include "l2echo/dpdk/port.hpp"
#include "l2echo/wire/link_state.hpp"

namespace l2echo::probe {

/// Used by one thread.
class LinkWatch {
  public:
    explicit LinkWatch(const dpdk::Port& port);

    /// Logs if the link has changed since the last call.
    void look(double elapsed_seconds);

    /// True if the port was removed.
    bool removed() const noexcept { return port_.removed(); }

    /// Returns the link changes since construction: the driver's count or, if it is higher, that of look().
    std::uint64_t changes() const;

  private:
    const dpdk::Port& port_;
    wire::LinkState before_;
    bool up_;
    std::uint64_t seen_ = 0;
};

}  // namespace l2echo::probe
