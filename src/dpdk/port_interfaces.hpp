// The kernel interfaces behind DPDK ports.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "l2echo/process/file_descriptor.hpp"

namespace l2echo::dpdk {

/// Values of the keys among device arguments: ("rx_iface=eth0,tx_iface=eth1", {"rx_iface", "tx_iface"}).
std::vector<std::string> interfaces_in(const std::string& device_arguments,
                                       const std::vector<std::string>& keys);

/// "net_tap", or empty when the port does not tell.
std::string driver_of(std::uint16_t port);

/// The kernel interfaces behind a DPDK port; none for ports that have none. A net_tap's own kernel end does
/// not count, it is there for the other side of a test; the interface that its `remote` names does.
std::vector<std::string> kernel_interfaces_of(std::uint16_t port);

/// The one that the driver itself names, among them a net_tap's kernel end; empty: none.
std::string own_interface_of(std::uint16_t port);

/// The capture files that a net_pcap reads.
std::vector<std::string> capture_files_of(std::uint16_t port);

/// A claim on each interface from which the port receives by a packet socket, to be held while it does.
/// Throws StartupError when another port has one.
std::vector<process::FileDescriptor> claim_interfaces(std::uint16_t port);

/// Those without which the port is as good as unplugged, and whose end its driver does not notice.
std::vector<std::string> wires_of(std::uint16_t port);

/// Throws UsageError when an argument of a vdev has no value: "net_pcap0,iface=".
void refuse_empty_values(const std::vector<std::string>& eal_arguments);

/// Throws StartupError when a tap that EAL is to open is already open in another process: a tap with several
/// queues would be shared, and each of the two would get a part of the flows.
void refuse_taps_in_use(const std::vector<std::string>& eal_arguments);

}  // namespace l2echo::dpdk
