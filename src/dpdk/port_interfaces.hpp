// Kernel interfaces of DPDK ports.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "l2echo/process/file_descriptor.hpp"

namespace l2echo::dpdk {

/// Returns the values of the keys in device arguments: ("rx_iface=eth0,tx_iface=eth1", {"rx_iface",
/// "tx_iface"}) gives eth0 and eth1.
std::vector<std::string> interfaces_in(const std::string& device_arguments,
                                       const std::vector<std::string>& keys);

/// Returns the driver name, such as "net_tap"; empty if it cannot be read.
std::string driver_of(std::uint16_t port);

/// Returns the kernel interfaces that a DPDK port uses; may be empty. The kernel interface of a net_tap
/// itself does not count, because it is for the other side of a test; the interface in its `remote` argument
/// does.
std::vector<std::string> kernel_interfaces_of(std::uint16_t port);

/// Returns the interface that the driver reports, including the kernel interface of a net_tap; empty: none.
std::string own_interface_of(std::uint16_t port);

/// Returns the capture files that a net_pcap reads.
std::vector<std::string> capture_files_of(std::uint16_t port);

/// Claims each interface from which the port receives through a packet socket. Hold the claims as long as it
/// receives. Throws StartupError if another port holds one.
std::vector<process::FileDescriptor> claim_interfaces(std::uint16_t port);

/// Returns the interfaces whose removal disconnects the port without its driver noticing.
std::vector<std::string> wires_of(std::uint16_t port);

/// Throws UsageError if an argument of a vdev has an empty value: "net_pcap0,iface=".
void refuse_empty_values(const std::vector<std::string>& eal_arguments);

/// Throws StartupError if another process already has a tap open that EAL is about to open: a multi-queue tap
/// would be shared, and each process would get part of the flows.
void refuse_taps_in_use(const std::vector<std::string>& eal_arguments);

}  // namespace l2echo::dpdk
