#include "l2echo/report/json.hpp"

#include <nlohmann/json.hpp>

namespace l2echo::report {
namespace {

using Json = nlohmann::ordered_json;

void add_counts(Json& json, const engine::QueuePairCounts& counts) {
    json["received"] = counts.received;
    json["received_bytes"] = counts.received_bytes;
    json["echoed"] = counts.echoed;
    json["echoed_bytes"] = counts.echoed_bytes;
    json["answered"] = counts.answered;
    json["refused"] = counts.refused();
    Json& refused_by = json["refused_by"];
    for (std::size_t reason = 0; reason < echo::kRefusalReasons; ++reason)
        refused_by[std::string(echo::kRefusalTable[reason].name)] = counts.refused_by[reason];
    json["dropped"] = counts.dropped;
    json["tx_retries"] = counts.tx_retries;
    json["checks_sent"] = counts.checks_sent;
}

void add_port_counts(Json& json, const dpdk::PortCounts& counts) {
    json["missed"] = counts.missed;
    json["no_mbuf"] = counts.no_mbuf;
    json["rx_errors"] = counts.rx_errors;
    json["tx_errors"] = counts.tx_errors;
}

void add_rates(Json& json, const Rates& rates) {
    json["received_per_second"] = rates.received_per_second;
    json["received_bits_per_second_l1"] = rates.received_bits_per_second_l1;
    json["echoed_per_second"] = rates.echoed_per_second;
    json["echoed_bits_per_second_l1"] = rates.echoed_bits_per_second_l1;
}

Json worker_json(const WorkerReport& report) {
    Json json;
    json["lcore"] = report.worker.lcore;
    json["numa_node"] = report.worker.numa_node;
    Json& pairs = json["queue_pairs"] = Json::array();
    for (const QueuePairSnapshot& pair : report.worker.queue_pairs)
        pairs.push_back({{"port", pair.port}, {"queue", pair.queue}});
    add_counts(json, report.counts);
    add_rates(json, report.rates);
    json["mean_burst"] = report.mean_burst;
    json["cycles_per_frame"] = report.cycles_per_frame;
    json["busy_share"] = report.busy_share;
    return json;
}

Json port_json(const PortReport& report) {
    const PortSnapshot& port = report.port;
    Json json;
    json["port"] = port.id;
    json["name"] = port.name;
    json["driver"] = port.driver;
    json["mac"] = port.mac;
    json["numa_node"] = port.numa_node;
    json["promiscuous"] = port.promiscuous;
    json["removed"] = port.removed;
    json["link"] = {{"up", port.link.up},
                    {"speed_mbps", port.link.speed_mbps},
                    {"full_duplex", port.link.full_duplex},
                    {"changes", port.link.changes}};
    Json& session = json["session"];
    session["state"] = name_of(port.session);
    session["remaining_seconds"] =
        port.session.remaining_seconds ? Json(*port.session.remaining_seconds) : Json();
    add_counts(json, report.counts);
    add_port_counts(json, port.counts);
    Json& queues = json["queues"] = Json::array();
    for (const QueueReport& queue : report.queues)
        queues.push_back({{"queue", queue.queue},
                          {"lcore", queue.lcore},
                          {"received", queue.received},
                          {"share", queue.share}});
    return json;
}

}  // namespace

std::string render_json(const Report& report) {
    Json json;
    json["schema"] = kReportSchema;
    json["type"] = report.final ? "final" : "interval";
    json["elapsed_seconds"] = report.elapsed_seconds;
    json["interval_seconds"] = report.interval_seconds;
    Json& totals = json["totals"];
    add_counts(totals, report.counts);
    add_port_counts(totals, report.port_counts);
    add_rates(totals, report.rates);
    Json& workers = json["workers"] = Json::array();
    for (const WorkerReport& worker : report.workers)
        workers.push_back(worker_json(worker));
    Json& ports = json["ports"] = Json::array();
    for (const PortReport& port : report.ports)
        ports.push_back(port_json(port));
    json["hints"] = report.hints;
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);  // names need not be UTF-8
}

}  // namespace l2echo::report
