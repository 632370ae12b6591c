// Chooses the ports to use, and logs their properties once they run.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "l2echo/dpdk/eal.hpp"
#include "l2echo/dpdk/ports.hpp"
#include "l2echo/process/stop_signal.hpp"

namespace l2echo::dpdk {

/// Returns the ports to use out of those that EAL probed: all, or those that --ports selects by id or device
/// name. Throws StartupError if there is none, if a name matches no port, or if the kernel uses the interface
/// of a port that was not selected explicitly together with --take-kernel-interface.
std::vector<std::uint16_t> choose_ports(const Eal& eal, const std::vector<std::string>& names,
                                        bool take_kernel_interface);

/// Returns the first port, for a program that uses one port and has no --ports. Throws StartupError like
/// choose_ports().
std::uint16_t choose_first_port(const Eal& eal);

/// Logs the settings of a started port: driver, MAC to send to, queues, RSS, NUMA node, and its warnings.
void describe_port(const Port& port);

/// Returns the veth that a started port uses; empty if there is none. The veth's peer does not fill in UDP or
/// TCP checksums.
std::string veth_behind(const Port& port);

/// Waits until all links are up, `limit` expires or the program is stopped, and logs the links that are down.
void wait_for_links(const Ports& ports, std::chrono::milliseconds limit, const process::StopSignal& stop);

}  // namespace l2echo::dpdk
