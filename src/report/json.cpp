#include "l2echo/report/json.hpp"

#include <nlohmann/json.hpp>

namespace l2echo::report {
namespace {

using Json = nlohmann::ordered_json;

void add_counts(Json& json, const verdict::FrameCounts& counts) {
    for (const verdict::CountRow& row : verdict::kCountTable)
        json[std::string(row.key)] = counts[row.count];
    json["refused"] = counts.refused();
    Json& refused_by = json["refused_by"];
    for (const verdict::ReasonRow& row : verdict::kReasonTable)
        refused_by[std::string(row.name)] = counts[row.reason];
}

void add_port_counts(Json& json, const verdict::PortCounts& counts) {
    for (const verdict::PortCountRow& row : verdict::kPortCountTable)
        json[std::string(row.key)] = counts[row.count];
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
    session["state"] = name_of(port.arming);
    session["remaining_seconds"] =
        port.arming.remaining_seconds ? Json(*port.arming.remaining_seconds) : Json();
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
    Json& hints = json["hints"] = Json::array();
    for (const Hint& hint : report.hints)
        hints.push_back(hint.text);
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);  // names are not always UTF-8
}

}  // namespace l2echo::report
