#include "l2echo/report/snapshot_metrics.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "l2echo/metrics/exposition.hpp"
#include "test_snapshots.hpp"

namespace l2echo::report {
namespace {

constexpr double kTscHz = 1e6;

std::string text_of(const Snapshot& snapshot, const std::vector<Hint>& hints = {}) {
    return "\n" + metrics::render(metrics_of(snapshot, hints, kTscHz), metrics::Exposition::PrometheusText);
}

testing::AssertionResult has_line(const std::string& text, const std::string& line) {
    if (text.find("\n" + line + "\n") != std::string::npos)
        return testing::AssertionSuccess();
    return testing::AssertionFailure() << "no line " << line << " in" << text;
}

TEST(SnapshotMetrics, EveryCounterOfAQueuePairIsASample) {
    const std::string text = text_of(snapshot_after_two_seconds());
    const std::string labels = R"({port="0",queue="0",lcore="1"} )";
    EXPECT_TRUE(has_line(text, "l2echo_received_frames_total" + labels + "3000"));
    EXPECT_TRUE(has_line(text, "l2echo_received_bytes_total" + labels + "180000"));
    EXPECT_TRUE(has_line(text, "l2echo_echoed_frames_total" + labels + "2900"));
    EXPECT_TRUE(has_line(text, "l2echo_answered_frames_total" + labels + "10"));
    EXPECT_TRUE(has_line(text, "l2echo_dropped_frames_total" + labels + "30"));
    EXPECT_TRUE(has_line(text, "l2echo_loop_checks_sent_total" + labels + "2"));
    EXPECT_TRUE(has_line(text, R"(l2echo_received_frames_total{port="0",queue="1",lcore="2"} 1000)"));
}

TEST(SnapshotMetrics, EveryReasonIsThereFromTheStart) {
    const std::string before = text_of(snapshot_at_start());
    const std::string after = text_of(snapshot_after_two_seconds());
    for (const verdict::ReasonRow& row : verdict::kReasonTable)
        EXPECT_TRUE(
            has_line(before, "l2echo_refused_frames_total{port=\"0\",queue=\"0\",lcore=\"1\",reason=\"" +
                                 std::string(row.name) + "\"} 0"));
    EXPECT_TRUE(has_line(
        after, R"(l2echo_refused_frames_total{port="0",queue="0",lcore="1",reason="group-destination"} 50)"));
}

TEST(SnapshotMetrics, WorkersShowTheirBusyTimeInSeconds) {
    Snapshot snapshot = snapshot_after_two_seconds();
    snapshot.workers[0].running = true;
    const std::string text = text_of(snapshot);
    EXPECT_TRUE(has_line(text, R"(l2echo_worker_busy_seconds_total{lcore="1"} 0.3)"));
    EXPECT_TRUE(has_line(text, R"(l2echo_worker_running{lcore="1"} 1)"));
    EXPECT_TRUE(has_line(text, R"(l2echo_worker_running{lcore="2"} 0)"));
    EXPECT_TRUE(has_line(text, R"(l2echo_worker_queue_pairs{lcore="3"} 0)"));
}

TEST(SnapshotMetrics, PortShowsDeviceLinkAndState) {
    Snapshot snapshot = snapshot_after_two_seconds();
    snapshot.ports[0].link.changes = 4;
    snapshot.ports[0].arming.closed_by = verdict::Reason::Expired;
    const std::string text = text_of(snapshot);
    EXPECT_TRUE(has_line(text, R"(l2echo_port_missed_frames_total{port="0"} 7)"));
    EXPECT_TRUE(has_line(text, R"(l2echo_port_rx_errors_total{port="0"} 1)"));
    EXPECT_TRUE(has_line(text, R"(l2echo_port_link_changes_total{port="0"} 4)"));
    EXPECT_TRUE(has_line(text, R"(l2echo_port_link_up{port="0"} 1)"));
    EXPECT_TRUE(has_line(text, R"(l2echo_port_speed_bytes{port="0"} 1250000000.0)"));
    EXPECT_TRUE(has_line(
        text, R"(l2echo_port_info{port="0",name="net_test0",driver="net_test",mac="02:00:00:00:00:01"} 1)"));
    EXPECT_TRUE(has_line(text, R"(l2echo_port_state{port="0",l2echo_port_state="expired"} 1)"));
    EXPECT_TRUE(has_line(text, R"(l2echo_port_state{port="0",l2echo_port_state="armed"} 0)"));
}

TEST(SnapshotMetrics, HintThatAppliesIsOne) {
    const std::string text = text_of(snapshot_at_start(), {{0, HintKind::OneQueueHasAll, "text"}});
    EXPECT_TRUE(has_line(text, R"(l2echo_hint{port="0",hint="one-queue-has-all"} 1)"));
    EXPECT_TRUE(has_line(text, R"(l2echo_hint{port="0",hint="missed"} 0)"));
}

TEST(SnapshotMetrics, NamesAreUniqueAndEveryFamilyHasAHelp) {
    std::vector<std::string> names;
    for (const metrics::Family& family : metrics_of(snapshot_at_start(), {}, kTscHz)) {
        names.push_back(family.name);
        EXPECT_FALSE(family.help.empty()) << family.name;
    }
    std::ranges::sort(names);
    EXPECT_EQ(std::ranges::adjacent_find(names), names.end());
}

Snapshot ready_snapshot() {
    Snapshot snapshot = snapshot_at_start();
    for (WorkerSnapshot& worker : snapshot.workers)
        worker.running = true;
    return snapshot;
}

TEST(NotReady, NoReasonIfEveryWorkerRunsAndEveryLinkIsUp) {
    EXPECT_EQ(not_ready_reason(ready_snapshot()), std::nullopt);
}

TEST(NotReady, NamesTheWorkerOrThePort) {
    Snapshot snapshot = ready_snapshot();
    snapshot.ports[0].link.up = false;
    EXPECT_EQ(not_ready_reason(snapshot), "port 0 (net_test0): link is down");
    snapshot.ports[0].removed = true;
    EXPECT_EQ(not_ready_reason(snapshot), "port 0 (net_test0) was removed");
    snapshot.workers[1].running = false;
    EXPECT_EQ(not_ready_reason(snapshot), "the worker on lcore 2 is not in its loop");
}

bool has_missed(const std::vector<Hint>& hints) {
    return std::ranges::any_of(hints, [](const Hint& hint) { return hint.kind == HintKind::Missed; });
}

TEST(RecentHints, HintOfAMomentLastsUntilTheNextScrapeAndThenEnds) {
    RecentHints recent;
    Snapshot now = ready_snapshot();
    const auto at = [&](double seconds) {
        now.seconds = seconds;
        return recent.update(now);
    };
    EXPECT_FALSE(has_missed(at(0)));
    EXPECT_FALSE(has_missed(at(15)));
    now.ports[0].counts[verdict::PortCount::Missed] = 1;
    EXPECT_TRUE(has_missed(at(16)));
    EXPECT_TRUE(has_missed(at(17))) << "a second scraper sees it too";
    EXPECT_TRUE(has_missed(at(30)));
    EXPECT_FALSE(has_missed(at(60)));
}

}  // namespace
}  // namespace l2echo::report
