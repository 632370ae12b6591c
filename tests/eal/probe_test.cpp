// The probe against far ends that lose, duplicate, delay, damage or fail to swap a known number of frames.

#include <gtest/gtest.h>
#include <rte_cycles.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <thread>

#include "l2echo/probe/run/sender.hpp"
#include "l2echo/wire/ethernet.hpp"
#include "l2echo/wire/loop_check.hpp"
#include "probe/run/checker.hpp"
#include "probe/run/self_loop.hpp"
#include "ring_wire.hpp"

namespace l2echo {
namespace {

constexpr std::uint64_t kFrames = 10'000;
constexpr std::uint16_t kFlows = 3;
constexpr std::uint16_t kBurst = 32;

using Frames = std::vector<rte_mbuf*>;

void swap_macs(rte_mbuf* frame) {
    auto* data = rte_pktmbuf_mtod(frame, std::byte*);
    store_swapped(data, wire::load_mac_pair(data));
}

/// A far end: receives the frames of a burst in order, returns those it sends back, and owns any it keeps.
using FarEnd = std::function<Frames(Frames)>;

/// Longer than any round trip over these rings, even on a busy machine.
constexpr std::uint64_t kPatienceSeconds = 60;

/// The results of one run.
struct Found {
    std::uint64_t sent;
    probe::StreamCounts totals;
    std::uint64_t intact;
    std::uint64_t corrupted;
    std::uint64_t damaged;
    std::uint64_t foreign;
    std::uint64_t loop_checks;
    std::uint64_t lost() const { return sent - totals.unique - totals.late - damaged; }
};

class Probe : public testing::Test {
  protected:
    static probe::TrafficShape make_shape() {
        probe::TrafficShape shape;
        shape.sizes = {64, 128, 512};
        shape.flows = kFlows;
        shape.source = 0x0A'00'00'00'00'02;
        shape.destination = 0x0B'00'00'00'00'02;
        return shape;
    }

    /// `age`: TSC cycles that the run has already lasted when it begins.
    Found run(const FarEnd& far_end, std::uint64_t frames = kFrames, std::uint64_t age = 0) {
        probe::SendPlan plan;
        plan.frames = frames;
        const auto sender =
            std::make_unique<probe::Sender>(traffic_, plan, pool_.get(), wire_.port(), 0, kBurst);
        std::vector<probe::SeenNumbers> seen(kFlows);
        const auto checker = std::make_unique<probe::Checker>(traffic_, seen, wire_.port(), 0, kBurst);
        const std::uint64_t epoch = rte_rdtsc() - age;
        sender->start(epoch);
        checker->start(epoch);
        while (sender->send_due()) {
            wire_.turn_round(far_end);
            while (checker->poll() != 0) {
            }
        }
        wire_.turn_round(far_end);
        wire_.turn_round(
            [&](Frames) { return far_end({}); });  // a far end that held frames back releases them
        while (checker->poll() != 0) {
        }
        Found found{sender->sent(),        {},
                    checker->intact(),     checker->corrupted(),
                    checker->damaged(),    checker->foreign(),
                    checker->loop_checks()};
        for (std::uint16_t stream = 0; stream < kFlows; ++stream)
            found.totals += checker->counts_of(stream);
        EXPECT_EQ(checker->round_trip().count(),
                  checker->intact() - found.totals.duplicated - found.totals.late);
        EXPECT_LT(checker->round_trip().max(), kPatienceSeconds * rte_get_tsc_hz());
        EXPECT_EQ(rte_mempool_in_use_count(pool_.get()), 0u) << "an mbuf did not return to its pool";
        return found;
    }

    const probe::Traffic traffic_{make_shape(), wire::SwapLevel::Mac, 99};
    const dpdk::Mempool pool_{"probe_pool", 1023, 0, 2176, SOCKET_ID_ANY};
    RingWire wire_{63, 2176, 1023};
};

Frames echo(Frames frames) {
    std::ranges::for_each(frames, swap_macs);
    return frames;
}

TEST_F(Probe, CorrectEchoLosesNothing) {
    const Found found = run(echo);
    EXPECT_EQ(found.sent, kFrames);
    EXPECT_EQ(found.intact, kFrames);
    EXPECT_EQ(found.totals.unique, kFrames);
    EXPECT_EQ(
        found.lost() + found.corrupted + found.foreign + found.totals.duplicated + found.totals.reordered,
        0u);
}

TEST_F(Probe, RoundTripsAreRightHoweverLongTheRun) {
    // The first frames leave before 2^48 cycles have passed and the last ones after.
    const std::uint64_t millisecond = rte_get_tsc_hz() / 1000;
    for (const std::uint64_t age : {probe::kStampNumbers - millisecond / 4, probe::kStampNumbers,
                                    3 * probe::kStampNumbers - millisecond / 4}) {
        const Found found = run(echo, kFrames, age);
        EXPECT_EQ(found.intact, kFrames);
        EXPECT_EQ(found.lost(), 0u);
    }
}

TEST_F(Probe, SenderUsesNoSequenceNumberTwice) {
    for (const std::uint16_t of : {std::uint16_t{1}, std::uint16_t{2}}) {
        const auto sender = std::make_unique<probe::Sender>(traffic_, probe::SendPlan{}, pool_.get(),
                                                            wire_.port(), 0, kBurst, probe::SendShare{0, of});
        EXPECT_EQ(sender->plan().frames, sender->streams() * probe::kStampNumbers);
    }
}

TEST_F(Probe, FindsExactlyTheLostFrames) {
    std::uint64_t number = 0;
    const Found found = run([&](Frames frames) {
        Frames kept;
        for (rte_mbuf* frame : echo(std::move(frames)))
            if (number++ % 10 == 3)
                rte_pktmbuf_free(frame);
            else
                kept.push_back(frame);
        return kept;
    });
    EXPECT_EQ(found.lost(), kFrames / 10);
    EXPECT_EQ(found.totals.unique, kFrames - kFrames / 10);
    EXPECT_EQ(found.corrupted, 0u);
}

TEST_F(Probe, FindsExactlyTheDuplicates) {
    std::uint64_t number = 0;
    const Found found = run([&](Frames frames) {
        Frames doubled;
        for (rte_mbuf* frame : echo(std::move(frames))) {
            if (number++ % 100 == 0)
                doubled.push_back(rte_pktmbuf_copy(frame, frame->pool, 0, UINT32_MAX));
            doubled.push_back(frame);
        }
        return doubled;
    });
    EXPECT_EQ(found.totals.duplicated, kFrames / 100);
    EXPECT_EQ(found.lost(), 0u);
    EXPECT_EQ(found.totals.reordered, 0u);
}

TEST_F(Probe, FindsExactlyTheReorderedFramesAndTheirDistance) {
    // Every hundredth frame is held until six frames of the three streams have passed, two of them of its own
    // stream.
    std::uint64_t number = 0;
    rte_mbuf* held = nullptr;
    std::uint64_t held_since = 0;
    const Found found = run([&](Frames frames) {
        Frames order;
        for (rte_mbuf* frame : echo(std::move(frames))) {
            if (number % 100 == 0) {
                held = frame;
                held_since = number;
            } else {
                order.push_back(frame);
            }
            if (held != nullptr && number == held_since + 2 * kFlows) {
                order.push_back(held);
                held = nullptr;
            }
            ++number;
        }
        return order;
    });
    EXPECT_EQ(found.totals.reordered, kFrames / 100);
    EXPECT_EQ(found.totals.largest_distance, 2u);
    EXPECT_EQ(found.lost() + found.totals.duplicated, 0u);
}

TEST_F(Probe, FindsExactlyTheCorruptedFrames) {
    std::uint64_t number = 0;
    const Found found = run([&](Frames frames) {
        for (rte_mbuf* frame : echo(frames)) {
            auto* data = rte_pktmbuf_mtod(frame, std::uint8_t*);
            if (number % 50 == 7)
                data[traffic_.header_length() - 12] ^= 1;  // in the IP addresses
            if (number % 50 == 8)
                data[traffic_.header_length() + 3] ^= 1;  // in the stamp's sequence number
            ++number;
        }
        return frames;
    });
    EXPECT_EQ(found.corrupted, 2 * kFrames / 50);
    EXPECT_EQ(found.damaged, kFrames / 50);
    EXPECT_EQ(found.lost(), 0u) << "a corrupted frame is not counted as lost too";
    EXPECT_EQ(found.intact, kFrames - 2 * kFrames / 50);
}

TEST_F(Probe, FarEndThatDoesNotSwapIsDetected) {
    const Found found = run([](Frames frames) { return frames; }, 500);
    EXPECT_EQ(found.corrupted, 500u);
    EXPECT_EQ(found.intact, 0u);
}

TEST_F(Probe, GarbageIsForeign) {
    const Found found = run([&](Frames frames) {
        echo(frames);
        if (rte_mbuf* garbage = wire_.make_frame(std::vector<std::uint8_t>(100, 0x5A)))
            frames.push_back(garbage);
        return frames;
    });
    EXPECT_GT(found.foreign, 0u);
    EXPECT_EQ(found.lost() + found.corrupted, 0u);
}

TEST_F(Probe, LoopChecksAreNotForeign) {
    std::vector<std::uint8_t> check(wire::kLoopCheckLength);
    wire::write_loop_check(reinterpret_cast<std::byte*>(check.data()), 0x0A'00'00'00'00'02, {77, 0});
    std::vector<std::uint8_t> swapped = check;
    std::swap_ranges(swapped.begin(), swapped.begin() + 6, swapped.begin() + 6);
    std::vector<std::uint8_t> other = check;
    other.at(14) ^= 1;
    bool first = true;
    const Found found = run([&](Frames frames) {
        echo(frames);
        if (first)
            for (const auto& frame : {check, swapped, check, other})
                frames.push_back(wire_.make_frame(frame));
        first = false;
        return frames;
    });
    EXPECT_EQ(found.loop_checks, 3u);
    EXPECT_EQ(found.foreign, 1u);
    EXPECT_EQ(found.intact, kFrames);
}

TEST_F(Probe, TruncatedFramesAreCorruptedAndNotLost) {
    std::uint64_t number = 0;
    const Found found = run([&](Frames frames) {
        for (rte_mbuf* frame : echo(frames))
            if (number++ % 100 == 5)
                rte_pktmbuf_trim(frame, 1);
        return frames;
    });
    EXPECT_EQ(found.corrupted, kFrames / 100);
    EXPECT_EQ(found.lost(), 0u);
}

TEST_F(Probe, MultiSegmentFramesAreCheckedCompletely) {
    const Found found = run(
        [&](Frames frames) {
            Frames chained;
            for (rte_mbuf* frame : echo(std::move(frames))) {
                const auto* data = rte_pktmbuf_mtod(frame, const std::uint8_t*);
                chained.push_back(wire_.make_frame({data, data + frame->pkt_len}, 50));
                rte_pktmbuf_free(frame);
            }
            return chained;
        },
        4);
    EXPECT_EQ(found.intact, 4u);
}

TEST_F(Probe, SilentFarEndLosesEverything) {
    const Found found = run([](Frames frames) {
        rte_pktmbuf_free_bulk(frames.data(), static_cast<unsigned>(frames.size()));
        return Frames{};
    });
    EXPECT_EQ(found.lost(), kFrames);
}

TEST_F(Probe, FullTxRingDelaysAndLosesNothing) {
    RingWire narrow(63, 2176, 15);
    probe::SendPlan plan;
    plan.frames = 100;
    const auto sender =
        std::make_unique<probe::Sender>(traffic_, plan, pool_.get(), narrow.port(), 0, kBurst);
    sender->start(rte_rdtsc());
    std::size_t taken = 0;
    while (sender->send_due())
        taken += narrow.take().size();
    taken += narrow.take().size();
    EXPECT_EQ(taken, 100u);
    EXPECT_EQ(sender->sent(), 100u);
    EXPECT_GT(sender->tx_full(), 0u);
}

TEST_F(Probe, FreesFramesThatWereBuiltAndNotSent) {
    RingWire narrow(63, 2176, 15);
    probe::SendPlan plan;
    plan.frames = 100;
    const auto sender =
        std::make_unique<probe::Sender>(traffic_, plan, pool_.get(), narrow.port(), 0, kBurst);
    sender->start(rte_rdtsc());
    sender->send_due();
    EXPECT_EQ(sender->sent(), 15u);
    sender->finish();
    EXPECT_EQ(narrow.take().size(), 15u);
    EXPECT_EQ(rte_mempool_in_use_count(pool_.get()), 0u);
}

TEST_F(Probe, PlannedTimesFollowTheRateHoweverLateTheSenderIs) {
    probe::SendPlan plan;
    plan.frames = 50;
    plan.frames_per_second = 100'000;
    const auto sender = std::make_unique<probe::Sender>(traffic_, plan, pool_.get(), wire_.port(), 0, kBurst);
    sender->start(rte_rdtsc());
    const double interval = static_cast<double>(rte_get_tsc_hz()) / plan.frames_per_second;
    std::uint64_t frames = 0;
    const FarEnd read_stamps = [&](Frames burst) {
        for (rte_mbuf* frame : burst) {
            std::uint64_t planned = 0;
            std::memcpy(&planned, rte_pktmbuf_mtod(frame, std::byte*) + traffic_.header_length() + 8, 6);
            EXPECT_NEAR(static_cast<double>(planned), static_cast<double>(frames++) * interval, 1);
            rte_pktmbuf_free(frame);
        }
        return Frames{};
    };
    while (sender->send_due())
        wire_.turn_round(read_stamps);
    wire_.turn_round(read_stamps);
    EXPECT_EQ(frames, 50u);
}

TEST_F(Probe, RateIsOverTheRequestedTimeHoweverLateTheSenderEnds) {
    probe::SendPlan plan;
    plan.seconds = 0.01;
    const auto sender = std::make_unique<probe::Sender>(traffic_, plan, pool_.get(), wire_.port(), 0, kBurst);
    sender->start(rte_rdtsc());
    while (sender->send_due())
        wire_.turn_round([](const Frames& burst) {
            std::ranges::for_each(burst, rte_pktmbuf_free);
            return Frames{};
        });
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    sender->finish();
    EXPECT_NEAR(static_cast<double>(sender->elapsed()), 0.01 * static_cast<double>(rte_get_tsc_hz()), 1);
}

TEST_F(Probe, SelfLoopIsMeasured) {
    const auto bias = std::make_unique<probe::Histogram>(probe::measure_self_loop(traffic_));
    EXPECT_GT(bias->count(), 1000u);
    EXPECT_GT(bias->percentile(50), 0u);
}

}  // namespace
}  // namespace l2echo
