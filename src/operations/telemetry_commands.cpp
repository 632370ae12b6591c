#include "l2echo/operations/telemetry_commands.hpp"

#include <rte_lcore.h>
#include <rte_telemetry.h>
#include <rte_version.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "l2echo/cli/number.hpp"
#include "l2echo/dpdk/version.hpp"
#include "l2echo/report/snapshot_metrics.hpp"

namespace l2echo::operations {
namespace {

/// DPDK's callbacks take no argument of ours, so they find the source here. DPDK's telemetry threads use it.
struct Registered {
    std::mutex mutex;
    SnapshotSource* snapshots = nullptr;  ///< null: not during the lifetime of a TelemetryCommands
};

Registered& registered() {
    static Registered instance;
    return instance;
}

/// A dictionary may have 256 entries and an answer 16 KiB. So a command without a parameter lists ids, and
/// with one describes it, as DPDK's own commands do (/ethdev/list, /ethdev/stats).
class Dictionary {
  public:
    explicit Dictionary(rte_tel_data* data) : data_(data) { rte_tel_data_start_dict(data); }

    void add(std::string_view name, std::uint64_t value) {
#if RTE_VERSION >= RTE_VERSION_NUM(23, 3, 0, 0)
        rte_tel_data_add_dict_uint(data_, key(name).c_str(), value);
#else
        rte_tel_data_add_dict_u64(data_, key(name).c_str(), value);
#endif
    }
    void add(std::string_view name, const std::string& value) {
        rte_tel_data_add_dict_string(data_, key(name).c_str(), value.c_str());
    }

  private:
    /// DPDK allows letters, digits and underscores in names.
    static std::string key(std::string_view name) {
        std::string text(name);
        std::ranges::replace(text, '-', '_');
        return text;
    }

    rte_tel_data* data_;
};

void start_list(rte_tel_data* data) {
    rte_tel_data_start_array(data, RTE_TEL_INT_VAL);
}

void add_counts(Dictionary& to, const verdict::FrameCounts& counts) {
    for (const verdict::CountRow& row : verdict::kCountTable)
        to.add(row.key, counts[row.count]);
    to.add("refused", counts.refused());
}

void add_port_counts(Dictionary& to, const verdict::PortCounts& counts) {
    for (const verdict::PortCountRow& row : verdict::kPortCountTable)
        to.add(row.key, counts[row.count]);
}

report::Report report_of(const report::Snapshot& snapshot) {
    return report::make_report(snapshot, snapshot, false);
}

using Answer = int (*)(const report::Snapshot& snapshot, const char* parameter, rte_tel_data* data);

/// Returns the number in the parameter of a command; empty if it is missing or something else.
std::optional<std::uint64_t> parameter_number(const char* parameter) {
    return parameter == nullptr ? std::nullopt : cli::read_number(parameter, UINT32_MAX);
}

int show_info(const report::Snapshot& snapshot, const char*, rte_tel_data* data) {
    Dictionary info(data);
    info.add("version", dpdk::own_version());
    info.add("dpdk", std::string(rte_version()));
    info.add("seconds", static_cast<std::uint64_t>(snapshot.seconds));
    info.add("workers", snapshot.workers.size());
    info.add("ports", snapshot.ports.size());
    const std::optional<std::string> reason = report::not_ready_reason(snapshot);
    info.add("ready", static_cast<std::uint64_t>(!reason));
    info.add("not_ready_reason", reason.value_or(""));
    return 0;
}

int show_totals(const report::Snapshot& snapshot, const char*, rte_tel_data* data) {
    const report::Report report = report_of(snapshot);
    Dictionary totals(data);
    add_counts(totals, report.counts);
    add_port_counts(totals, report.port_counts);
    return 0;
}

int show_refused(const report::Snapshot& snapshot, const char*, rte_tel_data* data) {
    const report::Report report = report_of(snapshot);
    Dictionary refused(data);
    for (const verdict::ReasonRow& row : verdict::kReasonTable)
        refused.add(row.name, report.counts[row.reason]);
    return 0;
}

int show_workers(const report::Snapshot& snapshot, const char* parameter, rte_tel_data* data) {
    if (parameter == nullptr) {
        start_list(data);
        for (const report::WorkerSnapshot& worker : snapshot.workers)
            rte_tel_data_add_array_int(data, static_cast<int>(worker.lcore));
        return 0;
    }
    const auto lcore = parameter_number(parameter);
    for (const report::WorkerReport& worker : report_of(snapshot).workers)
        if (worker.worker.lcore == lcore) {
            Dictionary entry(data);
            entry.add("running", static_cast<std::uint64_t>(worker.worker.running));
            entry.add("queue_pairs", worker.worker.queue_pairs.size());
            entry.add("busy_cycles", worker.worker.busy_cycles);
            add_counts(entry, worker.counts);
            return 0;
        }
    return -EINVAL;
}

int show_ports(const report::Snapshot& snapshot, const char* parameter, rte_tel_data* data) {
    if (parameter == nullptr) {
        start_list(data);
        for (const report::PortSnapshot& port : snapshot.ports)
            rte_tel_data_add_array_int(data, port.id);
        return 0;
    }
    const auto id = parameter_number(parameter);
    for (const report::PortReport& report : report_of(snapshot).ports)
        if (report.port.id == id) {
            const report::PortSnapshot& port = report.port;
            Dictionary entry(data);
            entry.add("name", port.name);
            entry.add("driver", port.driver);
            entry.add("mac", port.mac);
            entry.add("state", std::string(name_of(port.arming)));
            entry.add("link_up", static_cast<std::uint64_t>(port.link.up));
            entry.add("link_changes", port.link.changes);
            entry.add("speed_mbps", port.link.speed_mbps);
            entry.add("removed", static_cast<std::uint64_t>(port.removed));
            add_counts(entry, report.counts);
            add_port_counts(entry, port.counts);
            return 0;
        }
    return -EINVAL;
}

/// Called by DPDK's telemetry threads.
template <Answer answer>
int run(const char*, const char* parameter, rte_tel_data* data) {
    Registered& with = registered();
    const std::lock_guard lock(with.mutex);
    return with.snapshots == nullptr ? -ENODEV : answer(with.snapshots->recent(), parameter, data);
}

#if RTE_VERSION >= RTE_VERSION_NUM(23, 3, 0, 0)
int report_usage(unsigned lcore, rte_lcore_usage* usage) {
    Registered& with = registered();
    const std::lock_guard lock(with.mutex);
    if (with.snapshots == nullptr)
        return -ENODEV;
    const report::Snapshot snapshot = with.snapshots->recent();
    for (const report::WorkerSnapshot& worker : snapshot.workers)
        if (worker.lcore == lcore) {
            usage->total_cycles = snapshot.tsc_cycles;
            usage->busy_cycles = worker.busy_cycles;
            return 0;
        }
    return -ENOTSUP;
}

void report_usage_to_dpdk(bool on) {
    rte_lcore_register_usage_cb(on ? report_usage : nullptr);
}
#else
void report_usage_to_dpdk(bool) {}
#endif

struct CommandRow {
    const char* name;
    telemetry_cb run;
    const char* help;
};

constexpr std::array kCommands{
    CommandRow{"/l2echo/info", run<show_info>,
               "Shows versions, run time and readiness of l2echo. Takes no parameter"},
    CommandRow{"/l2echo/totals", run<show_totals>, "Shows the counters over all ports. Takes no parameter"},
    CommandRow{"/l2echo/refused", run<show_refused>,
               "Shows the refused frames by reason. Takes no parameter"},
    CommandRow{"/l2echo/workers", run<show_workers>,
               "Lists the workers. Parameter: int lcore, shows its counters"},
    CommandRow{"/l2echo/ports", run<show_ports>,
               "Lists the ports. Parameter: int port_id, shows its state and counters"},
};

}  // namespace

TelemetryCommands::TelemetryCommands(SnapshotSource& snapshots) {
    {
        Registered& with = registered();
        const std::lock_guard lock(with.mutex);
        with.snapshots = &snapshots;
    }
    // A failure means that EAL runs without telemetry, or has the command from before.
    for (const CommandRow& command : kCommands)
        rte_telemetry_register_cmd(command.name, command.run, command.help);
    report_usage_to_dpdk(true);
}

TelemetryCommands::~TelemetryCommands() {
    report_usage_to_dpdk(false);
    Registered& with = registered();
    const std::lock_guard lock(with.mutex);
    with.snapshots = nullptr;
}

}  // namespace l2echo::operations
