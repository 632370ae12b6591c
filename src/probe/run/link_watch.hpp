// Reports when the link of a port goes and comes back during a run, and when the port itself goes.
#pragma once

#include <cstdint>

#include "l2echo/dpdk/port.hpp"
#include "l2echo/wire/link_state.hpp"

namespace l2echo::probe {

/// One thread.
class LinkWatch {
  public:
    explicit LinkWatch(const dpdk::Port& port);

    /// Says so when the link is not as it was the last time.
    void look(double elapsed_seconds);

    /// Whether the port is gone for good.
    bool removed() const noexcept { return port_.removed(); }

    /// Since construction: as the driver counts them, or as look() saw them where it does not.
    std::uint64_t changes() const;

  private:
    const dpdk::Port& port_;
    wire::LinkState before_;
    bool up_;
    std::uint64_t seen_ = 0;
};

}  // namespace l2echo::probe
