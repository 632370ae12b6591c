#include "l2echo/probe/run/bench.hpp"

#include <fmt/ranges.h>
#include <rte_cycles.h>

#include <algorithm>
#include <cmath>
#include <fstream>

#include "l2echo/cli/option_table.hpp"
#include "l2echo/dpdk/log.hpp"
#include "l2echo/dpdk/version.hpp"
#include "l2echo/process/error.hpp"

namespace l2echo::probe {
namespace {

/// What follows the colon in the first line that begins with `key`.
std::string value_of(const char* path, const std::string& key) {
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);)
        if (line.starts_with(key))
            return line.substr(std::min(line.size(), line.find_first_not_of(" \t", line.find(':') + 1)));
    return "unknown";
}

std::string file_line(const char* path) {
    std::ifstream file(path);
    std::string line;
    return std::getline(file, line) && !line.empty() ? line : "none";
}

}  // namespace

std::unique_ptr<ProbeResult> Bench::run(const SendPlan& plan) const {
    const auto exchange = std::make_unique<Exchange>(traffic_, plan, port_.id(), pools_, options_.port.burst,
                                                     options_.drain_seconds, stop_);
    LinkWatch link(port_);
    const dpdk::PortCounts before = port_.counts();
    run_on(lcores_, *exchange, plan, link);
    const dpdk::PortCounts after = port_.counts();
    auto result = collect(*exchange, plan);
    result->missed = after.missed + after.no_mbuf - before.missed - before.no_mbuf;
    result->link_changes = link.changes();
    // An lcore that was not run in time sends none of the few frames of a slow and short run: that is no
    // fault of the port.
    const bool tried = result->tx_full > 0 || !plan.paced();
    if (result->sent == 0 && tried && !stop_.requested())
        throw process::StartupError(
            fmt::format("{}: its TX queue took no frame, link {}; is the far end there?",
                        dpdk::port_label(port_.id()), port_.link().up ? "up" : "down"));
    result->complete = !stop_.requested() && (std::isfinite(plan.seconds) || result->sent == plan.frames);
    if (!result->complete && !stop_.requested())
        dpdk::log_warning(fmt::format("{}: its TX queue took nothing any more: gave up after {} of {} frames",
                                      dpdk::port_label(port_.id()), result->sent, plan.frames));
    return result;
}

std::unique_ptr<ProbeResult> Bench::collect(const Exchange& exchange, const SendPlan& plan) const {
    auto result = std::make_unique<ProbeResult>();
    result->tsc_hz = static_cast<double>(rte_get_tsc_hz());
    result->requested_per_second = plan.frames_per_second;
    result->requested_bits_per_second_l1 = plan.bits_per_second;
    result->streams.resize(traffic_.shape().flows);
    for (std::size_t queue = 0; queue < exchange.queue_pairs(); ++queue)
        add(exchange, queue, *result);
    return result;
}

void Bench::add(const Exchange& exchange, std::size_t queue, ProbeResult& result) const {
    const Sender& sender = exchange.sender(queue);
    const Checker& checker = exchange.checker(queue);
    QueuePairResult pair;
    pair.lcores = lcores_[queue];
    pair.sender.sent = sender.sent();
    pair.sender.sent_bytes = sender.sent_bytes();
    pair.sender.requested_per_second = sender.plan().frames_per_second;
    pair.sender.requested_bits_per_second_l1 = sender.plan().bits_per_second;
    pair.sender.seconds = static_cast<double>(sender.last_sent()) / result.tsc_hz;
    pair.sender.tx_full = sender.tx_full();
    pair.returned = checker.unique();
    pair.corrupted = checker.corrupted();
    pair.foreign = checker.foreign();

    result.sent += pair.sender.sent;
    result.sent_bytes += pair.sender.sent_bytes;
    result.tx_full += pair.sender.tx_full;
    result.seconds = std::max(result.seconds, pair.sender.seconds);
    result.corrupted += pair.corrupted;
    result.damaged += checker.damaged();
    result.foreign += pair.foreign;
    result.loop_checks += checker.loop_checks();
    result.returned_bytes += checker.unique_bytes();
    result.returned_seconds =
        std::max(result.returned_seconds, static_cast<double>(checker.last_unique()) / result.tsc_hz);
    for (std::uint16_t stream = 0; stream < result.streams.size(); ++stream) {
        result.streams[stream].sent += sender.sent_of(stream);
        result.streams[stream].counts += checker.counts_of(stream);
    }
    result.round_trip.merge(checker.round_trip());
    result.send_delay.merge(sender.delay());
    result.queue_pairs.push_back(pair);
}

std::vector<std::pair<std::string, std::string>> describe_environment(const dpdk::Port& port,
                                                                      const ProbeOptions& options) {
    return {{"version", dpdk::version_text()},
            {"cpu", value_of("/proc/cpuinfo", "model name")},
            {"governor", file_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")},
            {"isolated_cpus", file_line("/sys/devices/system/cpu/isolated")},
            {"hugepages", value_of("/proc/meminfo", "HugePages_Total")},
            {"port", fmt::format("{} ({})", port.name(), port.driver())},
            {"eal", fmt::format("{}", fmt::join(options.eal, " "))},
            {"rx_descriptors", fmt::format("{}", port.plan().rx_descriptors)},
            {"tx_descriptors", fmt::format("{}", port.plan().tx_descriptors)},
            {"burst", fmt::format("{}", options.port.burst)}};
}

}  // namespace l2echo::probe
