// DPDK's environment abstraction layer, from initialisation to cleanup, and its lcores.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "l2echo/dpdk/lcore.hpp"
#include "l2echo/dpdk/polling_lcore.hpp"

namespace l2echo::dpdk {

/// One per process. Everything that holds DPDK memory must be destroyed before it.
class Eal {
  public:
    /// `arguments` excludes the program name and "--". Throws StartupError with what to type. EAL's output to
    /// stdout is discarded, because stdout is for results.
    Eal(const std::string& program, std::vector<std::string> arguments);
    ~Eal();
    Eal(const Eal&) = delete;
    Eal& operator=(const Eal&) = delete;

    const std::vector<std::string>& arguments() const noexcept { return arguments_; }
    /// Returns the warnings and errors that EAL and the drivers logged during start-up.
    const std::string& said() const noexcept { return said_; }

    Lcore main_lcore() const;
    std::vector<Lcore> worker_lcores() const;  ///< all but the main lcore
    std::vector<std::uint16_t> ports() const;  ///< the probed ports; may be empty

  private:
    std::vector<std::string> arguments_;
    std::string said_;
    std::optional<PollingLcores> polling_;  ///< allocated in EAL's memory
};

}  // namespace l2echo::dpdk
