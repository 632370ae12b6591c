// Probe runs over two queue pairs, with a far end that returns frames on the other queue.

#include "probe/run/test_bed.hpp"

#include <gtest/gtest.h>
#include <rte_cycles.h>
#include <rte_ethdev.h>

#include <array>
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <thread>

#include "l2echo/wire/ethernet.hpp"
#include "probe/run/probe_run.hpp"
#include "ring_wire.hpp"
#include "vdev.hpp"

namespace l2echo {
namespace {

constexpr std::uint64_t kRunFrames = 30'001;
constexpr double kDrainSeconds = 3;     // enough for the lcores of a busy machine
constexpr std::uint16_t kRunFlows = 5;  // two senders: one with three streams, one with two

/// What the far end does with a frame, which it owns. Arguments: its number and the queue it came from.
using PerFrameFarEnd = std::function<void(rte_mbuf*, std::uint64_t, unsigned)>;

class TwoQueuePairs : public testing::TestWithParam<std::vector<probe::QueuePairLcores>> {
  protected:
    TwoQueuePairs() {
        for (unsigned queue = 0; queue < 2; ++queue)
            pools_.push_back(
                std::make_unique<dpdk::Mempool>(unique_name("probe_tx"), 2047, 32, 2176, SOCKET_ID_ANY));
    }

    probe::Traffic traffic() const {
        probe::TrafficShape shape;
        shape.flows = kRunFlows;
        shape.sizes = {64, 128, 512};
        shape.source = port_->mac();
        shape.destination = 0x0B'00'00'00'00'02;
        return probe::Traffic(shape, wire::SwapLevel::Mac, 99);
    }

    std::unique_ptr<probe::ProbeResult> run(const probe::SendPlan& plan, const PerFrameFarEnd& far_end) {
        const probe::Traffic traffic = this->traffic();
        const probe::TestBed test_bed(*port_, pools_, GetParam(), 32, kDrainSeconds, stop_, report_signal_);
        std::unique_ptr<probe::ProbeResult> result;
        {
            const std::jthread peer([&](const std::stop_token& done) { turn_round(done, far_end); });
            result = test_bed.run(traffic, plan);
        }
        drain();
        return result;
    }

    void turn_round(const std::stop_token& done, const PerFrameFarEnd& far_end) {
        std::uint64_t number = 0;
        while (!done.stop_requested()) {
            for (unsigned queue = 0; queue < 2; ++queue)
                for (rte_mbuf* frame : rings_.take_mbufs(queue)) {
                    auto* data = rte_pktmbuf_mtod(frame, std::byte*);
                    store_swapped(data, wire::load_mac_pair(data));
                    far_end(frame, number++, queue);
                }
            rest();
        }
    }

    /// Lcores never sleep. On a busy machine, a thread that yields to them may wait for seconds; one that
    /// sleeps is woken.
    static void rest() { std::this_thread::sleep_for(std::chrono::microseconds(20)); }

    /// Retries on a full RX ring, because its reader shares a CPU with this thread.
    void give(rte_mbuf* frame, unsigned queue) {
        while (!rings_.give(frame, queue))
            rest();
    }

    static rte_mbuf* copy(const rte_mbuf* frame) {
        for (;;) {
            if (rte_mbuf* made = rte_pktmbuf_copy(frame, frame->pool, 0, UINT32_MAX))
                return made;
            rest();
        }
    }

    void drain() {
        rte_mbuf* rest = nullptr;
        for (std::uint16_t queue = 0; queue < 2; ++queue)
            while (rte_eth_rx_burst(port_->id(), queue, &rest, 1) == 1)
                rte_pktmbuf_free(rest);
        for (const auto& pool : pools_)
            EXPECT_EQ(rte_mempool_in_use_count(pool->get()), 0u) << "an mbuf did not return to its pool";
    }

    static probe::SendPlan count_plan() {
        probe::SendPlan plan;
        plan.frames = kRunFrames;
        return plan;
    }

    process::StopSignal stop_;
    process::ReportSignal report_signal_;
    WireRings rings_{255, 2};  // far fewer than the mbufs of a pool, so that mbufs to copy into become free
    std::vector<std::unique_ptr<dpdk::Mempool>> pools_;
    std::unique_ptr<dpdk::Port> port_ =
        std::make_unique<dpdk::Port>(rings_.port(), small_port_request(2), std::vector<int>{-1, -1});
};

TEST_P(TwoQueuePairs, FindFramesThatReturnOnTheOtherQueue) {
    const auto result =
        run(count_plan(), [this](rte_mbuf* frame, std::uint64_t, unsigned queue) { give(frame, 1 - queue); });
    EXPECT_EQ(result->sent, kRunFrames);
    EXPECT_EQ(result->totals().unique, kRunFrames);
    EXPECT_EQ(result->lost() + result->totals().duplicated + result->totals().reordered +
                  result->totals().late + result->corrupted + result->foreign,
              0u);
    EXPECT_EQ(result->round_trip.count(), kRunFrames);
    EXPECT_EQ(result->send_delay.count(), kRunFrames);
    ASSERT_EQ(result->streams.size(), kRunFlows);
    for (std::uint16_t stream = 0; stream < kRunFlows; ++stream) {
        EXPECT_EQ(result->streams[stream].sent, kRunFrames / kRunFlows + (stream == 0 ? 1 : 0));
        EXPECT_EQ(result->streams[stream].counts.unique, result->streams[stream].sent);
    }
    ASSERT_EQ(result->queue_pairs.size(), 2u);
    EXPECT_EQ(result->queue_pairs[0].sender.sent, 3 * (kRunFrames / kRunFlows) + 1);
    EXPECT_EQ(result->queue_pairs[1].sender.sent, 2 * (kRunFrames / kRunFlows));
    EXPECT_EQ(result->queue_pairs[0].returned, result->queue_pairs[1].sender.sent)
        << "the frames changed queues";
    EXPECT_EQ(result->queue_pairs[1].returned, result->queue_pairs[0].sender.sent);
}

TEST_P(TwoQueuePairs, CopiesOnBothQueuesAreDuplicates) {
    const auto result = run(count_plan(), [this](rte_mbuf* frame, std::uint64_t number, unsigned queue) {
        if (number % 100 == 7 && number < kRunFrames - 100)
            give(copy(frame), 1 - queue);
        give(frame, queue);
    });
    EXPECT_EQ(result->totals().unique, kRunFrames);
    EXPECT_EQ(result->totals().duplicated, (kRunFrames - 100) / 100);
    EXPECT_EQ(result->lost() + result->totals().reordered, 0u);
}

TEST_P(TwoQueuePairs, FramesSpreadOverBothQueuesCountAsLostOnlyIfLost) {
    std::uint64_t lost = 0;
    const auto result = run(count_plan(), [&](rte_mbuf* frame, std::uint64_t number, unsigned queue) {
        if (number % 50 != 3)
            return give(frame, (queue + number / 3) % 2);
        ++lost;
        rte_pktmbuf_free(frame);
    });
    EXPECT_EQ(lost, kRunFrames / 50);
    EXPECT_EQ(result->lost(), lost);
    EXPECT_EQ(result->totals().unique, kRunFrames - lost);
    EXPECT_EQ(result->totals().reordered, 0u) << "order is not defined between queues";
}

TEST_P(TwoQueuePairs, SendersShareTheRate) {
    probe::SendPlan plan = count_plan();
    plan.frames = 1000;
    plan.frames_per_second = 5000;
    const auto result =
        run(plan, [this](rte_mbuf* frame, std::uint64_t, unsigned queue) { give(frame, 1 - queue); });
    EXPECT_EQ(result->totals().unique, 1000u);
    EXPECT_DOUBLE_EQ(result->queue_pairs[0].sender.requested_per_second, 3000);
    EXPECT_DOUBLE_EQ(result->queue_pairs[1].sender.requested_per_second, 2000);
    // 1000 frames at 5000 per second; the last one may be late by the reported delay.
    const double latest = result->nanoseconds(static_cast<double>(result->send_delay.max())) / 1e9;
    EXPECT_GE(result->seconds, 0.2 - 1e-6);
    EXPECT_LE(result->seconds, 0.2 + latest + 1e-6);
    EXPECT_TRUE(result->complete());
}

TEST_P(TwoQueuePairs, ClockStartsWhenAllSendersAreReady) {
    constexpr std::chrono::milliseconds kLate{100};
    probe::SendPlan plan = count_plan();
    plan.frames = 20;
    plan.frames_per_second = 1000;
    const probe::Traffic traffic = this->traffic();
    const auto probe_run =
        std::make_unique<probe::ProbeRun>(traffic, plan, port_->id(), pools_, 32, kDrainSeconds, stop_);
    {
        const std::jthread peer([&](const std::stop_token& done) {
            turn_round(done, [this](rte_mbuf* frame, std::uint64_t, unsigned queue) { give(frame, queue); });
        });
        std::this_thread::sleep_for(kLate);
        const std::jthread first([&] { probe_run->send_and_check(0); });
        std::this_thread::sleep_for(kLate);
        probe_run->send_and_check(1);
    }
    drain();
    for (std::size_t queue = 0; queue < 2; ++queue) {
        const probe::Histogram& delay = probe_run->sender(queue).delay();
        EXPECT_EQ(delay.count(), probe_run->sender(queue).sent());
        // Frames that were due before all senders were ready would leave late.
        EXPECT_LT(static_cast<double>(delay.min()) / static_cast<double>(rte_get_tsc_hz()), 0.05);
    }
    EXPECT_EQ(probe_run->progress().returned, 20u);
}

TEST_P(TwoQueuePairs, NothingIsSentBeforeEveryRxQueueHasBeenPolled) {
    struct Seen {
        std::array<std::atomic<bool>, 2> polled{};
        std::atomic<unsigned> sent_early{0};
    } seen;
    const auto on_receive = [](std::uint16_t, std::uint16_t queue, rte_mbuf**, std::uint16_t count,
                               std::uint16_t, void* all) {
        static_cast<Seen*>(all)->polled[queue] = true;
        return count;
    };
    const auto on_send = [](std::uint16_t, std::uint16_t, rte_mbuf**, std::uint16_t count, void* all) {
        auto* so_far = static_cast<Seen*>(all);
        if (!so_far->polled[0] || !so_far->polled[1])
            so_far->sent_early += count;
        return count;
    };
    for (std::uint16_t queue = 0; queue < 2; ++queue) {
        ASSERT_NE(rte_eth_add_rx_callback(port_->id(), queue, on_receive, &seen), nullptr);
        ASSERT_NE(rte_eth_add_tx_callback(port_->id(), queue, on_send, &seen), nullptr);
    }
    const auto result =
        run(count_plan(), [this](rte_mbuf* frame, std::uint64_t, unsigned queue) { give(frame, queue); });
    EXPECT_EQ(result->sent, kRunFrames);
    EXPECT_EQ(seen.sent_early, 0u);
}

INSTANTIATE_TEST_SUITE_P(Lcores, TwoQueuePairs,
                         testing::Values(std::vector<probe::QueuePairLcores>{{1, 1}, {2, 2}},
                                         std::vector<probe::QueuePairLcores>{{1, 1}, {2, 3}}));

}  // namespace
}  // namespace l2echo
