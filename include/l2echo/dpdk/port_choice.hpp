// Which ports to take, and what to log about them once they run.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "l2echo/dpdk/eal.hpp"
#include "l2echo/dpdk/ports.hpp"
#include "l2echo/process/stop_signal.hpp"

namespace l2echo::dpdk {

/// The ports to use, of those that EAL probed: all, or those that --ports names by id or device name.
/// Throws StartupError when there is none, when a name does not fit, or when the kernel uses the interface
/// behind one that was not named together with --take-kernel-interface.
std::vector<std::uint16_t> choose_ports(const Eal& eal, const std::vector<std::string>& names,
                                        bool take_kernel_interface);

/// The first port, for a program that uses one and has no --ports. Throws StartupError likewise.
std::uint16_t choose_first_port(const Eal& eal);

/// Logs what a started port got: driver, MAC to aim at, queues, RSS, NUMA node, and its warnings.
void describe_port(const Port& port);

/// The veth behind a started port; empty: there is none. Its other end fills in no UDP or TCP checksums.
std::string veth_behind(const Port& port);

/// Waits until all links are up, until `limit` is over or until stopped, and says which are not.
void wait_for_links(const Ports& ports, std::chrono::milliseconds limit, const process::StopSignal& stop);

}  // namespace l2echo::dpdk
