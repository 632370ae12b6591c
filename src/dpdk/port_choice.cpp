#include "l2echo/dpdk/port_choice.hpp"

#include <fmt/ranges.h>
#include <pcap/pcap.h>
#include <rte_ethdev.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <iterator>
#include <memory>
#include <optional>

#include "dpdk/port_interfaces.hpp"
#include "dpdk/startup_advice.hpp"
#include "l2echo/cli/number.hpp"
#include "l2echo/dpdk/log.hpp"
#include "l2echo/machine/host_limits.hpp"
#include "l2echo/machine/kernel_interface.hpp"
#include "l2echo/machine/link.hpp"
#include "l2echo/machine/pci_nic.hpp"
#include "l2echo/process/error.hpp"

namespace l2echo::dpdk {
namespace {

std::uint16_t find_port(const std::string& name, const std::vector<std::uint16_t>& probed) {
    const auto number = cli::read_number(name, RTE_MAX_ETHPORTS);
    auto id = static_cast<std::uint16_t>(number.value_or(0));
    const bool found =
        number ? std::ranges::count(probed, id) != 0 : rte_eth_dev_get_port_by_name(name.c_str(), &id) == 0;
    if (found)
        return id;
    std::vector<std::string> labels;
    for (const std::uint16_t port : probed)
        labels.push_back(port_label(port));
    throw process::StartupError(
        fmt::format("--ports: there is no port {}; EAL found {}", name, fmt::join(labels, ", ")));
}

void leave_kernel_interfaces(std::uint16_t port, bool taken_on_purpose) {
    for (const std::string& interface : kernel_interfaces_of(port)) {
        const std::string reason = machine::reason_to_leave(machine::read_kernel_interface_use(interface));
        if (reason.empty())
            continue;
        if (!taken_on_purpose)
            throw process::StartupError(
                fmt::format("{}: its kernel interface {} carries {}, which echoing would cut off; "
                            "choose another port, or name it on purpose: "
                            "--ports {} --take-kernel-interface (not with l2_echo)",
                            port_label(port), interface, reason, port));
        log_warning(fmt::format("Port {}: taking the kernel interface {}, which carries {}", port, interface,
                                reason));
    }
}

/// Refuses interfaces without Ethernet headers, regardless of options: swapping the bytes in place of the
/// addresses would corrupt the packet.
void refuse_layer_3(std::uint16_t port) {
    std::vector<std::string> interfaces = wires_of(port);
    std::ranges::copy(kernel_interfaces_of(port), std::back_inserter(interfaces));
    for (const std::string& interface : interfaces) {
        const auto link = machine::find_link(interface);
        if (!link)  // pseudo-interfaces such as libpcap's "any"
            throw process::StartupError(
                fmt::format("{}: the kernel has no interface {}; `ip link` lists those it has",
                            port_label(port), interface));
        if (!machine::has_ethernet_header(*link))
            throw process::StartupError(fmt::format(
                "{}: the kernel's interface {} has no Ethernet frames (hardware type {}), "
                "so there are no MAC addresses to swap; choose one that has: a veth, a tap or a NIC",
                port_label(port), interface, link->hardware_type));
    }
}

/// Returns the DLT_ constant of <pcap/dlt.h>; empty if the file cannot be read twice, such as a pipe.
std::optional<int> link_type_of(const std::string& capture_file) {
    if (std::error_code none; !std::filesystem::is_regular_file(capture_file, none))
        return std::nullopt;
    std::array<char, PCAP_ERRBUF_SIZE> error{};
    const std::unique_ptr<pcap_t, decltype(&pcap_close)> capture(
        pcap_open_offline(capture_file.c_str(), error.data()), pcap_close);
    return capture ? std::optional(pcap_datalink(capture.get())) : std::nullopt;
}

/// Refuses captures that were made on such an interface.
void refuse_captures_of_layer_3(std::uint16_t port) {
    for (const std::string& file : capture_files_of(port))
        if (const auto type = link_type_of(file); type && *type != DLT_EN10MB) {
            const char* name = pcap_datalink_val_to_name(*type);
            throw process::StartupError(
                fmt::format("{}: {} has no Ethernet frames (link type {}); capture on an interface that has",
                            port_label(port), file, name != nullptr ? name : fmt::format("{}", *type)));
        }
}

/// Returns the chosen ports and those below them: sub-devices that a failsafe owns, and members of a bond.
std::vector<std::uint16_t> with_ports_beneath(std::vector<std::uint16_t> ports,
                                              const std::vector<std::uint16_t>& probed) {
    const auto is_bond = [](std::uint16_t port) { return driver_of(port) == "net_bonding"; };
    const bool has_bond = std::ranges::any_of(ports, is_bond);
    for (std::uint16_t port = 0; port < RTE_MAX_ETHPORTS; ++port) {
        const bool is_owned = std::ranges::count(probed, port) == 0;
        if (rte_eth_dev_is_valid_port(port) == 1 && (is_owned || has_bond) &&
            std::ranges::count(ports, port) == 0)
            ports.push_back(port);
    }
    return ports;
}

std::vector<machine::PciNic> nics_of_this_machine() {
    std::vector<machine::PciNic> nics = machine::read_pci_nics();
    for (machine::PciNic& nic : nics)
        if (!nic.interface.empty())
            nic.reason_to_leave = machine::reason_to_leave(machine::read_kernel_interface_use(nic.interface));
    return nics;
}

std::string describe_flow_control(FlowControl flow_control) {
    switch (flow_control) {
        case FlowControl::Off:
            return "off";
        case FlowControl::On:
            return "on";
        case FlowControl::Keep:
            break;
    }
    return "as it was";
}

}  // namespace

std::vector<std::uint16_t> choose_ports(const Eal& eal, const std::vector<std::string>& names,
                                        bool take_kernel_interface) {
    const std::vector<std::uint16_t> probed = eal.ports();
    FailedStart failed{.step = Step::Devices,
                       .eal_arguments = eal.arguments(),
                       .said = eal.said(),
                       .missing = requested_vdevs(eal.arguments()),
                       .host = machine::read_host_limits()};
    if (probed.empty())
        throw process::StartupError(explain_no_ports(failed, nics_of_this_machine()));
    for (const std::string& name : requested_vdevs(eal.arguments())) {
        std::uint16_t id = 0;
        failed.missing = {name};
        if (name.starts_with("net_") && rte_eth_dev_get_port_by_name(name.c_str(), &id) != 0)
            log_warning(explain_missing_device(failed));
    }
    std::vector<std::uint16_t> chosen;
    for (const std::string& name : names) {
        const std::uint16_t id = find_port(name, probed);
        if (std::ranges::count(chosen, id) == 0)
            chosen.push_back(id);
    }
    const bool named = !chosen.empty();
    if (!named)
        chosen = probed;
    for (const std::uint16_t id : with_ports_beneath(chosen, probed)) {
        refuse_layer_3(id);
        refuse_captures_of_layer_3(id);
        leave_kernel_interfaces(id, named && take_kernel_interface);
    }
    return chosen;
}

std::uint16_t choose_first_port(const Eal& eal) {
    const std::vector<std::uint16_t> probed = eal.ports();
    const std::vector<std::string> first = {probed.empty() ? "" : fmt::format("{}", probed.front())};
    return choose_ports(eal, first, false).front();
}

void describe_port(const Port& port) {
    const PortPlan& plan = port.plan();
    log_info("Port {}: {}, driver {}, MAC {}, NUMA node {}", port.id(), port.name(), port.driver(),
             wire::format_mac(port.mac()),
             port.numa_node() >= 0 ? fmt::format("{}", port.numa_node()) : "unknown");
    log_info("Port {}: {} queue pair{}, {} RX and {} TX descriptors, {} mbufs of {} bytes each, MTU {}",
             port.id(), plan.queue_pairs, plan.queue_pairs == 1 ? "" : "s", plan.rx_descriptors,
             plan.tx_descriptors, plan.mbufs_per_pool, plan.mbuf_data_room, plan.mtu);
    log_info("Port {}: RSS {}, promiscuous {}, flow control {}", port.id(),
             describe_rss_functions(plan.rss_functions), port.promiscuous() ? "on" : "off",
             describe_flow_control(port.flow_control()));
    if (!port.burst_mode().empty())
        log_info("Port {}: burst functions {}", port.id(), port.burst_mode());
    for (const std::string& note : plan.notes)
        log_info("Port {}: {}", port.id(), note);
    for (const std::string& warning : plan.warnings)
        log_warning(fmt::format("Port {}: {}", port.id(), warning));
}

std::string veth_behind(const Port& port) {
    for (const std::string& interface : kernel_interfaces_of(port.id()))
        if (const auto link = machine::find_link(interface); link && link->kind == "veth")
            return interface;
    return "";
}

void wait_for_links(const Ports& ports, std::chrono::milliseconds limit, const process::StopSignal& stop) {
    constexpr std::chrono::milliseconds kPoll{20};
    const double seconds = std::chrono::duration<double>(limit).count();
    const auto is_down = [](const Port& port) { return !port.link().up; };
    const auto deadline = std::chrono::steady_clock::now() + limit;
    for (const Port& port : ports)
        if (is_down(port))
            log_info("Port {}: link is down{}", port.id(),
                     limit.count() == 0 ? "" : fmt::format(", waiting up to {} s for it", seconds));
    while (std::ranges::any_of(ports, is_down) && std::chrono::steady_clock::now() < deadline)
        if (stop.wait_until(std::chrono::steady_clock::now() + kPoll))
            return;
    if (limit == std::chrono::milliseconds::zero())
        return;  // the user chose not to wait
    for (const Port& port : ports)
        if (is_down(port))
            log_warning(fmt::format("Port {}: link still down after {} s; continuing without it", port.id(),
                                    seconds));
}

}  // namespace l2echo::dpdk
