// A DPDK port: the constructor configures and starts it, the destructor closes it.
#pragma once

#include <rte_ethdev.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "l2echo/dpdk/mempool.hpp"
#include "l2echo/dpdk/port_plan.hpp"
#include "l2echo/dpdk/removal_watch.hpp"
#include "l2echo/process/file_descriptor.hpp"
#include "l2echo/verdict/counts.hpp"
#include "l2echo/wire/ethernet.hpp"
#include "l2echo/wire/link_state.hpp"

namespace l2echo::dpdk {

/// Returns the name of a port for messages, such as "port 0 (net_tap0)".
std::string port_label(std::uint16_t port);

class BurstGuard;

/// Used by one thread at a time: the main lcore, or the control thread that reports while the main lcore
/// echoes. Only link_changes_ is written by another thread, the EAL interrupt thread.
class Port {
  public:
    /// Configures the port, sets up the queue pairs, each with its own mempool, and starts the port.
    /// `worker_nodes` holds the NUMA node of each worker, in order: a pool is placed on the port's node, or
    /// on its worker's node if the port's is unknown. Throws StartupError; a rejected setting that the port
    /// can work without becomes a warning.
    Port(std::uint16_t id, const PortRequest& request, const std::vector<int>& worker_nodes);
    ~Port();
    Port(const Port&) = delete;
    Port& operator=(const Port&) = delete;

    std::uint16_t id() const noexcept { return id_; }
    const std::string& name() const noexcept { return name_; }
    const std::string& driver() const noexcept { return driver_; }
    /// Returns advice to append to "link is down"; empty: none.
    const std::string& link_down_advice() const noexcept { return link_down_advice_; }
    const std::string& burst_mode() const noexcept { return burst_mode_; }
    wire::MacAddress mac() const noexcept { return mac_; }
    int numa_node() const noexcept { return numa_node_; }  ///< -1: unknown
    const PortPlan& plan() const noexcept { return plan_; }
    bool promiscuous() const noexcept { return promiscuous_; }           ///< as read back from the device
    FlowControl flow_control() const noexcept { return flow_control_; }  ///< Keep: unchanged
    rte_mempool* mempool(std::uint16_t queue) const { return pools_.at(queue)->get(); }
    int mempool_node(std::uint16_t queue) const;  ///< actual node of the memory; -1: unknown

    /// False if the kernel strips the outer VLAN tag and the driver reinserts every tag as 802.1Q (0x8100),
    /// even an 802.1ad tag (0x88A8).
    bool keeps_outer_tag() const noexcept { return driver_ != "net_af_packet"; }

    wire::LinkState link() const;
    /// Returns the device's counters, or the last ones if the device does not answer, so that they never
    /// decrease.
    verdict::PortCounts counts() const;

    /// True if the device was removed, or its removal was requested.
    bool removed() const noexcept { return given_up() || watch_->removed(); }

    /// Closes the port of a removed device and releases the device. No worker may still poll it. Its
    /// description remains available; the link is then down, and counts() returns the last counts.
    void give_up();
    bool given_up() const noexcept { return !device_.has_value(); }

  private:
    void configure();
    void set_up_queues(const PortRequest& request, const std::vector<int>& worker_nodes);
    /// Configures the port, sets up its queues and starts it. On failure, the error includes what the driver
    /// logged.
    void bring_up(const PortRequest& request, const std::vector<int>& worker_nodes);
    void fill_reta();
    void make_sure_of_rss_key();
    void set_promiscuous(bool wanted);
    void set_flow_control(FlowControl wanted);
    std::string what(const char* call) const;

    std::uint16_t id_;
    std::string name_;
    std::string driver_;
    std::string link_down_advice_;
    std::string burst_mode_;
    wire::MacAddress mac_ = 0;
    int numa_node_;
    PortPlan plan_;
    bool promiscuous_ = false;
    FlowControl flow_control_ = FlowControl::Keep;
    std::atomic<std::uint64_t> link_changes_{0};  ///< written by the EAL interrupt thread
    std::vector<std::unique_ptr<Mempool>> pools_;
    mutable verdict::PortCounts last_counts_;  ///< last counts read successfully

    /// Declared after pools_ so that it is destroyed first: the driver must release its mbufs before their
    /// pools are freed.
    struct Device {
        std::uint16_t id;
        /// Claims on the kernel interfaces that the port receives from.
        std::vector<process::FileDescriptor> claims;
        /// The memif driver frees a connection on the interrupt thread when the peer disconnects, and in
        /// close() when we do. Both at the same time would free it twice.
        bool closes_on_interrupt_thread = false;
        std::unique_ptr<BurstGuard> guard;    ///< for net_memif; needed until the port is stopped
        std::optional<bool> was_promiscuous;  ///< mode of the kernel interface before; empty: no interface
        explicit Device(std::uint16_t port);
        ~Device();
        Device(const Device&) = delete;
        Device& operator=(const Device&) = delete;
    };
    std::optional<Device> device_;
    std::optional<RemovalWatch> watch_;
};

}  // namespace l2echo::dpdk
