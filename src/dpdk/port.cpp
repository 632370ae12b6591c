#include "l2echo/dpdk/port.hpp"

#include <fmt/format.h>
#include <rte_bus.h>
#include <rte_dev.h>
#include <rte_devargs.h>
#include <rte_ethdev.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "dpdk/datapath/burst_guard.hpp"
#include "dpdk/interrupt_thread.hpp"
#include "dpdk/log_capture.hpp"
#include "dpdk/port_interfaces.hpp"
#include "dpdk/startup_advice.hpp"
#include "l2echo/dpdk/result.hpp"
#include "l2echo/machine/host_limits.hpp"
#include "l2echo/machine/link.hpp"
#include "l2echo/machine/numa.hpp"
#include "l2echo/process/error.hpp"
#include "l2echo/wire/link_state.hpp"

namespace l2echo::dpdk {
namespace {

rte_eth_dev_info read_info(std::uint16_t port) {
    rte_eth_dev_info info{};
    throw_if_failed(rte_eth_dev_info_get(port, &info),
                    fmt::format("{}: rte_eth_dev_info_get", port_label(port)));
    return info;
}

/// Returns the plan; prefixes errors with the port's name.
PortPlan plan_for(std::uint16_t port, const PortRequest& request) {
    try {
        return plan_port(read_info(port), request);
    } catch (const process::StartupError& error) {
        throw process::StartupError(fmt::format("{}: {}", port_label(port), error.what()));
    }
}

wire::MacAddress read_mac(std::uint16_t port) {
    rte_ether_addr address{};
    throw_if_failed(rte_eth_macaddr_get(port, &address),
                    fmt::format("{}: rte_eth_macaddr_get", port_label(port)));
    wire::MacAddress mac = 0;
    std::memcpy(&mac, address.addr_bytes, sizeof address.addr_bytes);
    return mac;
}

std::string read_burst_mode(std::uint16_t port) {
    rte_eth_burst_mode rx{};
    rte_eth_burst_mode tx{};
    if (rte_eth_rx_burst_mode_get(port, 0, &rx) != 0 || rte_eth_tx_burst_mode_get(port, 0, &tx) != 0)
        return {};
    return fmt::format("RX {}, TX {}", rx.info, tx.info);
}

/// Returns the device arguments as given to EAL, such as "role=client,socket=/run/memif.sock".
std::string arguments_of(std::uint16_t port) {
    const rte_eth_dev_info info = read_info(port);
    const rte_devargs* given = info.device != nullptr ? rte_dev_devargs(info.device) : nullptr;
    return given != nullptr && given->args != nullptr ? given->args : "";
}

bool is_vdev(std::uint16_t port) {
    const rte_device* device = read_info(port).device;
    return device != nullptr && rte_bus_name(rte_dev_bus(device)) == std::string_view("vdev");
}

int count_link_change(std::uint16_t, rte_eth_event_type, void* changes, void*) {
    static_cast<std::atomic<std::uint64_t>*>(changes)->fetch_add(1, std::memory_order_relaxed);
    return 0;
}

/// Matches a callback with any argument (rte_eth_dev_callback_unregister).
void* const kAnyArgument = reinterpret_cast<void*>(-1);  // NOLINT(performance-no-int-to-ptr)

}  // namespace

std::string port_label(std::uint16_t port) {
    std::array<char, RTE_ETH_NAME_MAX_LEN> name{};
    const bool named = rte_eth_dev_get_name_by_port(port, name.data()) == 0;
    return named ? fmt::format("port {} ({})", port, name.data()) : fmt::format("port {}", port);
}

Port::Device::Device(std::uint16_t port) : id(port), claims(claim_interfaces(port)) {
    if (const auto link = machine::find_link(own_interface_of(port)))
        was_promiscuous = link->promiscuous;
}

Port::Device::~Device() {
    // A driver on a kernel interface changes the interface's promiscuous mode, even at start, and does not
    // restore it.
    if (was_promiscuous)
        (void)(*was_promiscuous ? rte_eth_promiscuous_enable(id) : rte_eth_promiscuous_disable(id));
    rte_eth_dev_callback_unregister(id, RTE_ETH_EVENT_INTR_LSC, count_link_change, kAnyArgument);
    const auto close = [this] {
        (void)rte_eth_dev_stop(id);  // a failed cleanup cannot be handled
        (void)rte_eth_dev_close(id);
    };
    if (closes_on_interrupt_thread)
        run_on_interrupt_thread(close);
    else
        close();
}

Port::Port(std::uint16_t id, const PortRequest& request, const std::vector<int>& worker_nodes)
    : id_(id),
      numa_node_(rte_eth_dev_socket_id(id)),
      plan_(plan_for(id, request)),
      device_(std::in_place, id),
      watch_(std::in_place, id) {
    std::array<char, RTE_ETH_NAME_MAX_LEN> name{};
    throw_if_failed(rte_eth_dev_get_name_by_port(id, name.data()), what("rte_eth_dev_get_name_by_port"));
    name_ = name.data();
    driver_ = read_info(id).driver_name;
    device_->closes_on_interrupt_thread = driver_ == "net_memif";
    link_down_advice_ = advice_for_link_down(driver_, arguments_of(id));
    bring_up(request, worker_nodes);
    fill_reta();
    make_sure_of_rss_key();
    set_promiscuous(request.promiscuous);
    set_flow_control(request.flow_control);
    mac_ = read_mac(id);
    burst_mode_ = read_burst_mode(id);
}

Port::~Port() = default;

std::string Port::what(const char* call) const {
    return fmt::format("{}: {}", port_label(id_), call);
}

void Port::configure() {
    rte_eth_conf conf = plan_.conf;
    if (!plan_.rss_key.empty()) {
        conf.rx_adv_conf.rss_conf.rss_key = plan_.rss_key.data();
        conf.rx_adv_conf.rss_conf.rss_key_len = static_cast<std::uint8_t>(plan_.rss_key.size());
    }
    throw_if_failed(rte_eth_dev_configure(id_, plan_.queue_pairs, plan_.queue_pairs, &conf),
                    what("rte_eth_dev_configure"));
    if (conf.intr_conf.lsc != 0)
        throw_if_failed(
            rte_eth_dev_callback_register(id_, RTE_ETH_EVENT_INTR_LSC, count_link_change, &link_changes_),
            what("rte_eth_dev_callback_register"));
}

void Port::set_up_queues(const PortRequest& request, const std::vector<int>& worker_nodes) {
    const rte_eth_dev_info info = read_info(id_);
    for (std::uint16_t queue = 0; queue < plan_.queue_pairs; ++queue) {
        const int node = numa_node_ >= 0 ? numa_node_ : worker_nodes.at(queue);
        pools_.push_back(std::make_unique<Mempool>(fmt::format("echo_p{}_q{}", id_, queue),
                                                   plan_.mbufs_per_pool, request.mempool_cache,
                                                   plan_.mbuf_data_room, node));
        rte_eth_rxconf rx = info.default_rxconf;
        rx.offloads = plan_.conf.rxmode.offloads;
        throw_if_failed(rte_eth_rx_queue_setup(id_, queue, plan_.rx_descriptors, static_cast<unsigned>(node),
                                               &rx, pools_.back()->get()),
                        what("rte_eth_rx_queue_setup") + fmt::format(" queue {}", queue));
        rte_eth_txconf tx = info.default_txconf;
        tx.offloads = plan_.conf.txmode.offloads;
        throw_if_failed(
            rte_eth_tx_queue_setup(id_, queue, plan_.tx_descriptors, static_cast<unsigned>(node), &tx),
            what("rte_eth_tx_queue_setup") + fmt::format(" queue {}", queue));
    }
}

void Port::bring_up(const PortRequest& request, const std::vector<int>& worker_nodes) {
    const LogCapture log;
    try {
        configure();
        set_up_queues(request, worker_nodes);
        throw_if_failed(rte_eth_dev_start(id_), what("rte_eth_dev_start"));
        if (driver_ == "net_memif")
            device_->guard = std::make_unique<BurstGuard>(id_, plan_.queue_pairs);
    } catch (const CallFailed& failed) {
        throw process::StartupError(
            explain_port_failure(failed.call(), {.step = Step::Port,
                                                 .error = -failed.result(),
                                                 .said = log.text(),
                                                 .driver = driver_,
                                                 .host = machine::read_host_limits()}));
    }
}

void Port::fill_reta() {
    if (plan_.rss_functions == 0)
        return;
    // Read the size again: it changes at start on mlx5, vmxnet3 and virtio.
    const std::uint16_t size = read_info(id_).reta_size;
    if (size == 0) {
        plan_.warnings.emplace_back(
            "the device has no redirection table: the shares of the queues are its own choice");
        return;
    }
    auto table = plan_reta(size, plan_.queue_pairs);
    const int result = rte_eth_dev_rss_reta_update(id_, table.data(), size);
    if (result < 0)
        plan_.warnings.push_back(
            fmt::format("the redirection table of {} entries stays as the driver fills it "
                        "(rte_eth_dev_rss_reta_update: {}): queues may get uneven shares",
                        size, reason_of(result)));
}

void Port::make_sure_of_rss_key() {
    if (plan_.rss_key.empty())
        return;
    // Some drivers (net_null) ignore the key at configuration but accept it now.
    std::vector<std::uint8_t> key(plan_.rss_key.size());
    rte_eth_rss_conf conf{};
    conf.rss_key = key.data();
    conf.rss_key_len = static_cast<std::uint8_t>(key.size());
    if (rte_eth_dev_rss_hash_conf_get(id_, &conf) == 0 && key == plan_.rss_key)
        return;
    conf.rss_key = plan_.rss_key.data();
    conf.rss_hf = plan_.rss_functions;
    const int result = rte_eth_dev_rss_hash_update(id_, &conf);
    if (result < 0)
        plan_.warnings.push_back(
            fmt::format("--rss-key may not be in force: "
                        "the device does not show it and does not take it while running ({})",
                        reason_of(result)));
}

void Port::set_promiscuous(bool wanted) {
    const int result = wanted ? rte_eth_promiscuous_enable(id_) : rte_eth_promiscuous_disable(id_);
    promiscuous_ = rte_eth_promiscuous_get(id_) == 1;
    if (promiscuous_ == wanted)
        return;
    const std::string why = result < 0 ? reason_of(result) : "the device did not follow";
    plan_.warnings.push_back(
        wanted ? fmt::format("promiscuous mode stays off ({}): only frames sent to this port's MAC arrive; "
                             "a VF needs trust (ip link set PF vf N trust on)",
                             why)
               : fmt::format("promiscuous mode stays on ({}): frames to any MAC are echoed", why));
}

void Port::set_flow_control(FlowControl wanted) {
    if (wanted == FlowControl::Keep)
        return;
    rte_eth_fc_conf conf{};
    int result = rte_eth_dev_flow_ctrl_get(id_, &conf);
    if (result == 0) {
        conf.mode = wanted == FlowControl::On ? RTE_ETH_FC_FULL : RTE_ETH_FC_NONE;
        result = rte_eth_dev_flow_ctrl_set(id_, &conf);
    }
    const bool has_none_to_switch_off = result == -ENOTSUP && wanted == FlowControl::Off && is_vdev(id_);
    if (result == 0)
        flow_control_ = wanted;
    else if (!has_none_to_switch_off)
        plan_.warnings.push_back(fmt::format(
            "flow control stays as it is ({}): if PAUSE is on, loss shows at the sender and not here",
            reason_of(result)));
}

int Port::mempool_node(std::uint16_t queue) const {
    const rte_mempool_memhdr* chunk = STAILQ_FIRST(&mempool(queue)->mem_list);
    return chunk != nullptr ? machine::numa_node_of_memory(chunk->addr) : machine::kUnknownNode;
}

wire::LinkState Port::link() const {
    rte_eth_link link{};
    wire::LinkState state;
    if (!given_up() && rte_eth_link_get_nowait(id_, &link) == 0) {
        state.up = link.link_status == RTE_ETH_LINK_UP;
        state.speed_mbps = link.link_speed == RTE_ETH_SPEED_NUM_UNKNOWN ? 0 : link.link_speed;
        state.full_duplex = link.link_duplex == RTE_ETH_LINK_FULL_DUPLEX;
    }
    state.changes = link_changes_.load(std::memory_order_relaxed);
    return state;
}

verdict::PortCounts Port::counts() const {
    rte_eth_stats stats{};
    if (given_up() || rte_eth_stats_get(id_, &stats) != 0)
        return last_counts_;
    last_counts_[verdict::PortCount::Missed] = stats.imissed;
    last_counts_[verdict::PortCount::NoMbuf] = stats.rx_nombuf;
    last_counts_[verdict::PortCount::RxErrors] = stats.ierrors;
    last_counts_[verdict::PortCount::TxErrors] = stats.oerrors;
    return last_counts_;
}

void Port::give_up() {
    rte_eth_dev_info info{};
    const bool known =
        rte_eth_dev_info_get(id_, &info) == 0;  // fails if the port shared a device that is already released
    (void)counts();                             // saves the last counts
    watch_.reset();
    device_->was_promiscuous.reset();
    device_.reset();
    if (known && info.device != nullptr)
        (void)rte_dev_remove(info.device);  // on failure, the kernel takes it when the process ends
}

}  // namespace l2echo::dpdk
