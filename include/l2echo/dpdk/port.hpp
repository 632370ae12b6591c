// A DPDK port, configured and started from construction to destruction.
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

/// "port 0 (net_tap0)", as in every message about it.
std::string port_label(std::uint16_t port);

/// One thread at a time: the main lcore, or the control thread that reports while the main lcore echoes. Only
/// link_changes is counted by another, the EAL interrupt thread.
class Port {
  public:
    /// Configures, sets up the queues, each with a mempool of its own, and starts. `worker_nodes` holds the
    /// NUMA node of each worker, in order: a pool goes to the port's node, or to its worker's where that is
    /// unknown. Throws StartupError; what the device refuses but can do without becomes a warning.
    Port(std::uint16_t id, const PortRequest& request, const std::vector<int>& worker_nodes);
    ~Port();
    Port(const Port&) = delete;
    Port& operator=(const Port&) = delete;

    std::uint16_t id() const noexcept { return id_; }
    const std::string& name() const noexcept { return name_; }
    const std::string& driver() const noexcept { return driver_; }
    /// What is to follow "link is down"; empty: nothing.
    const std::string& link_down_advice() const noexcept { return link_down_advice_; }
    const std::string& burst_mode() const noexcept { return burst_mode_; }
    wire::MacAddress mac() const noexcept { return mac_; }
    int numa_node() const noexcept { return numa_node_; }  ///< -1: unknown
    const PortPlan& plan() const noexcept { return plan_; }
    bool promiscuous() const noexcept { return promiscuous_; }           ///< as read back from the device
    FlowControl flow_control() const noexcept { return flow_control_; }  ///< Keep: left as it was
    rte_mempool* mempool(std::uint16_t queue) const { return pools_.at(queue)->get(); }
    int mempool_node(std::uint16_t queue) const;  ///< where the memory really is; -1: unknown

    /// False where the kernel has taken the outer VLAN tag off before, and the driver writes every one back
    /// as 802.1Q (0x8100), also one of 802.1ad (0x88A8).
    bool keeps_outer_tag() const noexcept { return driver_ != "net_af_packet"; }

    wire::LinkState link() const;
    /// Those of the last time when the device gives none, so that they never go backward.
    verdict::PortCounts counts() const;

    /// Whether the device is being taken away.
    bool removed() const noexcept { return given_up() || watch_->removed(); }

    /// Closes the port of a removed device and gives the device back. No worker may poll it any more. Its
    /// description stays; the link is down and the counts are the last ones.
    void give_up();
    bool given_up() const noexcept { return !device_.has_value(); }

  private:
    void configure();
    void set_up_queues(const PortRequest& request, const std::vector<int>& worker_nodes);
    /// Configures it, sets up its queues and starts it; reports what the driver logs if it fails.
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
    mutable verdict::PortCounts last_counts_;  ///< the last that could be read

    /// Declared after pools_ so that it is destroyed first: the driver must release its mbufs before their
    /// pools are freed.
    struct Device {
        std::uint16_t id;
        std::vector<process::FileDescriptor> claims;  ///< on the kernel's interfaces that it receives from
        /// memif's driver frees a connection on the interrupt thread when the peer leaves, and here when we
        /// do: both at once would free it twice.
        bool closes_on_interrupt_thread = false;
        std::optional<bool> was_promiscuous;  ///< the kernel's interface; empty: there is none
        explicit Device(std::uint16_t port);
        ~Device();
        Device(const Device&) = delete;
        Device& operator=(const Device&) = delete;
    };
    std::optional<Device> device_;
    std::optional<RemovalWatch> watch_;
};

}  // namespace l2echo::dpdk
