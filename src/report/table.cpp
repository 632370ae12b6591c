#include "l2echo/report/table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "l2echo/wire/link_state.hpp"

namespace l2echo::report {
namespace {

using verdict::Count;

using Text = std::back_insert_iterator<std::string>;

void add_heading(Text text, const std::string& title) {
    fmt::format_to(text, "{:<12}{:>12}{:>11}{:>12}{:>11}{:>10}{:>10}{:>7}{:>9}{:>6}\n", title, "received/s",
                   "bit/s L1", "echoed/s", "bit/s L1", "refused", "dropped", "burst", "cyc/frm", "busy");
}

void add_rates(Text text, const std::string& name, const Rates& rates, const verdict::FrameCounts& counts) {
    fmt::format_to(text, "{:<12}{:>12}{:>11}{:>12}{:>11}{:>10}{:>10}", name,
                   format_scaled(rates.received_per_second), format_scaled(rates.received_bits_per_second_l1),
                   format_scaled(rates.echoed_per_second), format_scaled(rates.echoed_bits_per_second_l1),
                   counts.refused(), counts[Count::Dropped]);
}

void add_workers(Text text, const Report& report) {
    add_heading(text, fmt::format("{:.1f} s", report.elapsed_seconds));
    for (const WorkerReport& worker : report.workers) {
        add_rates(text, fmt::format("lcore {}", worker.worker.lcore), worker.rates, worker.counts);
        constexpr double kFits = 1e6;  // more digits would touch the next column
        fmt::format_to(text, "{:>7.1f}{:>9}{:>5.0f}%\n", worker.mean_burst,
                       worker.cycles_per_frame < kFits ? fmt::format("{:.0f}", worker.cycles_per_frame)
                                                       : format_scaled(worker.cycles_per_frame),
                       100 * worker.busy_share);
    }
    add_rates(text, "total", report.rates, report.counts);
    fmt::format_to(text, "\n");
}

std::string describe_link(const wire::LinkState& link) {
    std::string text = link.up ? "link up" : "link DOWN";
    if (link.up && link.speed_mbps != 0)
        text += fmt::format(" {} Mbit/s {}-duplex", link.speed_mbps, link.full_duplex ? "full" : "half");
    if (link.changes != 0)
        text += fmt::format(" ({})", format_count(link.changes, "change"));
    return text;
}

/// Returns an empty text for a port that echoes without a time limit.
std::string describe_arming(const verdict::ArmingState& state) {
    if (state.closed_by == verdict::Reason::None && !state.remaining_seconds)
        return {};
    std::string text = fmt::format("; {}", name_of(state));
    if (state.remaining_seconds)
        text += fmt::format(", {:.0f} s left", *state.remaining_seconds);
    return text;
}

void add_ports(Text text, const Report& report) {
    for (const PortReport& entry : report.ports) {
        fmt::format_to(text, "port {} ({}): {}; ", entry.port.id, entry.port.name,
                       entry.port.removed ? "REMOVED" : describe_link(entry.port.link));
        for (const verdict::PortCountRow& row : verdict::kPortCountTable)
            fmt::format_to(text, "{}{} {}", row.count == verdict::PortCount{} ? "" : ", ", row.label,
                           entry.port.counts[row.count]);
        fmt::format_to(text, "; queue shares");
        for (const QueueReport& queue : entry.queues)
            fmt::format_to(text, " {}:{:.1f}%", queue.queue, 100 * queue.share);
        fmt::format_to(text, "{}\n", describe_arming(entry.port.arming));
    }
}

void add_totals(Text text, const Report& report) {
    const verdict::FrameCounts& counts = report.counts;
    fmt::format_to(text, "{}\n", describe_balance(counts));
    for (const verdict::CountRow& row : verdict::kCountTable)
        if (!row.label.empty() && counts[row.count] != 0)
            fmt::format_to(text, "{} {}\n", row.label, counts[row.count]);
    for (const verdict::ReasonRow& row : verdict::kReasonTable)
        if (counts[row.reason] != 0)
            fmt::format_to(text, "refused {:<18}{:>12}  {}\n", row.name, counts[row.reason], row.meaning);
}

}  // namespace

std::string describe_balance(const verdict::FrameCounts& counts) {
    return fmt::format("received {} = echoed {} + answered {} + refused {} + dropped {}",
                       counts[Count::Received], counts[Count::Echoed], counts[Count::Answered],
                       counts.refused(), counts[Count::Dropped]);
}

std::string describe_in_one_line(const Report& report) {
    const auto up = std::ranges::count_if(
        report.ports, [](const PortReport& port) { return port.port.link.up && !port.port.removed; });
    return fmt::format("received {}, echoed {}, {} of {} link{} up",
                       format_scaled(report.rates.received_per_second, "frames/s"),
                       format_scaled(report.rates.echoed_per_second, "frames/s"), up, report.ports.size(),
                       report.ports.size() == 1 ? "" : "s");
}

std::string format_scaled(double value) {
    constexpr std::array<const char*, 5> kUnits{"", " k", " M", " G", " T"};
    constexpr double kRoundsUp = 999.5;  // would be printed as 1000 with three digits
    std::size_t unit = 0;
    while (value >= kRoundsUp && unit + 1 < kUnits.size()) {
        value /= 1000;
        ++unit;
    }
    if (unit == 0)
        return fmt::format("{:.0f}", value);
    const int decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
    return fmt::format("{:.{}f}{}", value, decimals, kUnits[unit]);
}

std::string format_scaled(double value, const char* unit) {
    const std::string text = format_scaled(value);
    return fmt::format("{}{}{}", text, text.find(' ') == std::string::npos ? " " : "", unit);
}

std::string format_count(std::uint64_t count, const char* thing) {
    return fmt::format("{} {}{}", count, thing, count == 1 ? "" : "s");
}

std::string render_table(const Report& report) {
    std::string text;
    Text out(text);
    if (report.final)
        fmt::format_to(out, "\nFinal report, rates over the whole run\n");
    add_workers(out, report);
    add_ports(out, report);
    if (!report.final)
        return text;
    add_totals(out, report);
    for (const Hint& hint : report.hints)
        fmt::format_to(out, "hint: {}\n", hint.text);
    return text;
}

}  // namespace l2echo::report
