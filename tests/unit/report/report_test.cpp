#include "l2echo/report/report.hpp"

#include <gtest/gtest.h>

#include "test_snapshots.hpp"

namespace l2echo::report {
namespace {

bool has_hint(const Report& report, const std::string& words) {
    for (const Hint& hint : report.hints)
        if (hint.text.find(words) != std::string::npos)
            return true;
    return false;
}

TEST(Report, RatesCoverTheIntervalAndCountsTheWholeRun) {
    const Report report = make_report(snapshot_at_start(), snapshot_after_two_seconds(), false);
    EXPECT_DOUBLE_EQ(report.interval_seconds, 2);
    EXPECT_EQ(report.counts[verdict::Count::Received], 4000u);
    EXPECT_DOUBLE_EQ(report.rates.received_per_second, 2000);
    EXPECT_DOUBLE_EQ(report.rates.echoed_per_second, 1950);

    Snapshot later = snapshot_after_two_seconds();
    later.seconds = 4;
    later.workers[1].queue_pairs[0].counts[verdict::Count::Received] += 100;
    const Report second = make_report(snapshot_after_two_seconds(), later, false);
    EXPECT_EQ(second.counts[verdict::Count::Received], 4100u);
    EXPECT_DOUBLE_EQ(second.rates.received_per_second, 50);
}

TEST(Report, BitRateIsThatOfLayer1) {
    const Report report = make_report(snapshot_at_start(), snapshot_after_two_seconds(), false);
    // 60 bytes in an mbuf are 84 on the wire: 4 of FCS, 8 of preamble, 12 of gap.
    EXPECT_DOUBLE_EQ(report.rates.received_bits_per_second_l1, 2000 * 84 * 8);
    EXPECT_DOUBLE_EQ(report.rates.echoed_bits_per_second_l1, 1950 * 84 * 8);
}

TEST(Report, WorkersHaveMeanBurstCyclesAndBusyShare) {
    const Report report = make_report(snapshot_at_start(), snapshot_after_two_seconds(), false);
    EXPECT_DOUBLE_EQ(report.workers[0].mean_burst, 30);
    EXPECT_DOUBLE_EQ(report.workers[0].cycles_per_frame, 100);
    EXPECT_DOUBLE_EQ(report.workers[0].busy_share, 0.075);
    EXPECT_DOUBLE_EQ(report.workers[1].mean_burst, 1);
}

TEST(Report, WorkerWithoutAQueueShowsZeros) {
    const Report report = make_report(snapshot_at_start(), snapshot_after_two_seconds(), false);
    ASSERT_EQ(report.workers.size(), 3u);
    EXPECT_EQ(report.workers[2].counts[verdict::Count::Received], 0u);
    EXPECT_DOUBLE_EQ(report.workers[2].mean_burst, 0);
    EXPECT_DOUBLE_EQ(report.workers[2].cycles_per_frame, 0);
}

TEST(Report, QueueSharesAreRelativeToThePort) {
    const Report report = make_report(snapshot_at_start(), snapshot_after_two_seconds(), false);
    ASSERT_EQ(report.ports[0].queues.size(), 2u);
    EXPECT_DOUBLE_EQ(report.ports[0].queues[0].share, 0.75);
    EXPECT_EQ(report.ports[0].queues[1].lcore, 2u);
    EXPECT_EQ(report.port_counts[verdict::PortCount::Missed], 7u);
    EXPECT_EQ(report.port_counts[verdict::PortCount::RxErrors], 1u);
}

TEST(Report, TwoPortsOfOneWorkerAreSeparate) {
    Snapshot now = snapshot_after_two_seconds();
    now.ports.push_back(now.ports[0]);
    now.ports[1].id = 1;
    QueuePairSnapshot other{1, 0, {}};
    other.counts[verdict::Count::Received] = 5;
    now.workers[0].queue_pairs.push_back(other);
    Snapshot before = snapshot_at_start();
    before.workers[0].queue_pairs.push_back({1, 0, {}});
    before.ports.push_back(before.ports[0]);
    before.ports[1].id = 1;
    const Report report = make_report(before, now, true);
    EXPECT_EQ(report.ports[0].counts[verdict::Count::Received], 4000u);
    EXPECT_EQ(report.ports[1].counts[verdict::Count::Received], 5u);
    EXPECT_EQ(report.workers[0].counts[verdict::Count::Received], 3005u);
}

TEST(Report, SumsAnswersAndChecks) {
    const Report report = make_report(snapshot_at_start(), snapshot_after_two_seconds(), false);
    EXPECT_EQ(report.counts[verdict::Count::Answered], 10u);
    EXPECT_EQ(report.counts[verdict::Count::ChecksSent], 2u);
    EXPECT_EQ(report.ports[0].counts[verdict::Count::Answered], 10u);
    EXPECT_EQ(report.workers[1].counts[verdict::Count::Answered], 0u);
}

TEST(Report, EmptyIntervalHasNoRates) {
    const Report report = make_report(snapshot_at_start(), snapshot_at_start(), true);
    EXPECT_DOUBLE_EQ(report.rates.received_per_second, 0);
    EXPECT_DOUBLE_EQ(report.workers[0].busy_share, 0);
    EXPECT_DOUBLE_EQ(report.ports[0].queues[0].share, 0);
}

TEST(Report, DecreasedCounterReportsNoGrowth) {
    Snapshot now = snapshot_after_two_seconds();
    const Snapshot before = now;
    now.seconds += 2;
    for (WorkerSnapshot& worker : now.workers) {
        worker.busy_cycles = 0;
        for (QueuePairSnapshot& pair : worker.queue_pairs)
            pair.counts = {};
    }
    for (PortSnapshot& port : now.ports)
        port.counts = {};
    const Report report = make_report(before, now, false);
    EXPECT_DOUBLE_EQ(report.rates.received_per_second, 0);
    EXPECT_DOUBLE_EQ(report.rates.echoed_bits_per_second_l1, 0);
    for (const WorkerReport& worker : report.workers) {
        EXPECT_DOUBLE_EQ(worker.mean_burst, 0);
        EXPECT_DOUBLE_EQ(worker.cycles_per_frame, 0);
        EXPECT_DOUBLE_EQ(worker.busy_share, 0);
    }
    for (const PortReport& port : report.ports) {
        EXPECT_EQ(port.missed, 0u);
        EXPECT_EQ(port.no_mbuf, 0u);
        EXPECT_EQ(port.received, 0u);
        EXPECT_EQ(port.dropped, 0u);
        for (const QueueReport& queue : port.queues)
            EXPECT_DOUBLE_EQ(queue.share, 0);
    }
    EXPECT_FALSE(has_hint(report, "missed"));
}

TEST(Hints, NothingReceivedNamesLinkPromiscuousAndMac) {
    Snapshot now = snapshot_at_start();
    now.seconds = 2;
    EXPECT_TRUE(make_report(snapshot_at_start(), now, false).hints.empty()) << "too early for a hint";
    now.seconds = 5;
    now.ports[0].link.up = false;
    EXPECT_TRUE(has_hint(make_report(snapshot_at_start(), now, false),
                         "link down, promiscuous on; send to MAC 02:00:00:00:00:01"));
}

TEST(Hints, NameTheQueueWithNearlyEverything) {
    Snapshot now = snapshot_after_two_seconds();
    EXPECT_FALSE(has_hint(make_report(snapshot_at_start(), now, false), "nearly all"));
    now.workers[0].queue_pairs[0].counts[verdict::Count::Received] = 30'000;
    EXPECT_TRUE(has_hint(make_report(snapshot_at_start(), now, false), "queue 0 gets nearly all"));
}

TEST(Hints, LossesNameTheRemedy) {
    Snapshot now = snapshot_after_two_seconds();
    now.ports[0].counts[verdict::PortCount::NoMbuf] = 3;
    const Report report = make_report(snapshot_at_start(), now, false);
    EXPECT_TRUE(has_hint(report, "the NIC missed frames"));
    EXPECT_TRUE(has_hint(report, "mempool empty"));
    EXPECT_TRUE(has_hint(report, "full TX queue"));
}

TEST(Hints, DropsDespiteRetriesDoNotAdviseRetries) {
    Snapshot now = snapshot_after_two_seconds();
    now.workers[0].queue_pairs[0].max_retries = 1000;
    const Report report = make_report(snapshot_at_start(), now, false);
    EXPECT_TRUE(
        has_hint(report,
                 "port 0: frames were dropped at a full TX queue, "
                 "although each was tried again 1000 times: the other end did not read for that long"));
    EXPECT_FALSE(has_hint(report, "--tx-full"));
}

TEST(Hints, CoverTheIntervalAndIgnoreEarlierLosses) {
    const Snapshot past = snapshot_after_two_seconds();  // with losses
    Snapshot now = past;
    now.seconds = 4;
    EXPECT_TRUE(make_report(past, now, false).hints.empty());
    now.workers[1].queue_pairs[0].counts[verdict::Count::Received] +=
        5000;  // queue 0 had three quarters so far
    const Report report = make_report(past, now, false);
    EXPECT_TRUE(has_hint(report, "queue 1 gets nearly all"));
    EXPECT_DOUBLE_EQ(report.ports[0].queues[1].share, 1);
    EXPECT_EQ(report.ports[0].queues[1].received, 6000u);
}

TEST(Hints, NameTheKindOfReflector) {
    Snapshot now = snapshot_after_two_seconds();
    now.ports[0].arming = {verdict::Reason::FacingReflector, verdict::Facing::Reflector, {}};
    EXPECT_TRUE(has_hint(make_report(snapshot_at_start(), now, false),
                         "port 0: another reflector returned our loop check"));
    now.ports[0].arming.facing = verdict::Facing::Loop;
    EXPECT_TRUE(has_hint(make_report(snapshot_at_start(), now, false),
                         "port 0: our loop check came back as it was sent"));
    now.ports[0].arming = {verdict::Reason::Disarmed, verdict::Facing::Nobody, {}};
    EXPECT_FALSE(has_hint(make_report(snapshot_at_start(), now, false), "loop check"));
}

TEST(Hints, AreAbsentForACleanRun) {
    Snapshot now = snapshot_after_two_seconds();
    now.ports[0].counts = {};
    now.workers[0].queue_pairs[0].counts[verdict::Count::Dropped] = 0;
    EXPECT_TRUE(make_report(snapshot_at_start(), now, false).hints.empty());
}

}  // namespace
}  // namespace l2echo::report
