// A device whose statistics cannot be read for a moment, such as one that is being unplugged. No driver here
// fails that way, so the linker inserts this test between Port and rte_eth_stats_get() (meson.build).
#include <gtest/gtest.h>
#include <rte_ethdev.h>

#include <cerrno>
#include <optional>

#include "l2echo/dpdk/port.hpp"
#include "l2echo/report/report.hpp"
#include "vdev.hpp"

namespace {

/// The device's answer while a test sets one. A negative errno value in `result` makes the call fail.
struct Answer {
    int result = 0;
    rte_eth_stats stats{};
};
std::optional<Answer> g_answer;

}  // namespace

// NOLINTBEGIN(bugprone-reserved-identifier): names required by --wrap
extern "C" int __real_rte_eth_stats_get(std::uint16_t port, rte_eth_stats* stats);
extern "C" int __wrap_rte_eth_stats_get(std::uint16_t port, rte_eth_stats* stats) {
    if (!g_answer)
        return __real_rte_eth_stats_get(port, stats);
    *stats = g_answer->stats;  // set on failure too: drivers leave partial values there
    return g_answer->result;
}
// NOLINTEND(bugprone-reserved-identifier)

namespace l2echo {
namespace {

using verdict::PortCount;

class DeviceStats : public testing::Test {
  protected:
    ~DeviceStats() override { g_answer.reset(); }

    /// Reads the port's counters while the device gives this answer.
    report::Snapshot read(int result, std::uint64_t missed) {
        g_answer = Answer{.result = result};
        g_answer->stats.imissed = missed;
        g_answer->stats.rx_nombuf = missed / 2;
        report::Snapshot snapshot;
        snapshot.seconds = ++seconds_;
        snapshot.ports.resize(1);
        snapshot.ports[0].counts = port_.counts();
        return snapshot;
    }

    const Vdev null_{"net_null_stats"};
    const dpdk::Port port_{null_.port(), small_port_request(1), {0}};
    double seconds_ = 0;
};

TEST_F(DeviceStats, FailedReadKeepsTheLastCounts) {
    EXPECT_EQ(read(0, 100).ports[0].counts[PortCount::Missed], 100u);
    EXPECT_EQ(read(-EIO, 0).ports[0].counts[PortCount::Missed], 100u);
    EXPECT_EQ(read(-ENODEV, 7).ports[0].counts[PortCount::NoMbuf], 50u);
    EXPECT_EQ(read(0, 150).ports[0].counts[PortCount::Missed], 150u);
}

TEST_F(DeviceStats, IntervalWithAFailedReadReportsNoMissedFrames) {
    const report::Snapshot first = read(0, 100);
    const report::Snapshot failed = read(-EIO, 0);
    const report::Snapshot again = read(0, 150);
    const auto missed = [](const report::Snapshot& before, const report::Snapshot& now) {
        return report::make_report(before, now, false).ports.at(0).missed;
    };
    EXPECT_EQ(missed(first, failed), 0u);
    EXPECT_EQ(missed(failed, again), 50u);
    EXPECT_TRUE(report::make_report(first, failed, false).hints.empty());
}

TEST_F(DeviceStats, CounterThatDecreasesReportsNoGrowth) {
    const report::Snapshot before = read(0, 100);
    const report::Snapshot reset = read(0, 3);
    EXPECT_EQ(report::make_report(before, reset, false).ports.at(0).missed, 0u);
    EXPECT_EQ(report::make_report(before, reset, false).ports.at(0).no_mbuf, 0u);
}

}  // namespace
}  // namespace l2echo
