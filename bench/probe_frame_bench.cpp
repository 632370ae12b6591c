// Cost per frame of the probe, with and without recording times. Run with
// --benchmark_enable_random_interleaving=true, so that load on the machine affects all benchmarks alike.

#include <benchmark/benchmark.h>

#include <cstdint>
#include <memory>
#include <random>
#include <vector>

#include "l2echo/probe/result/histogram.hpp"
#include "l2echo/probe/run/stream_tracker.hpp"
#include "l2echo/probe/traffic/traffic.hpp"
#include "l2echo/wire/line_overhead.hpp"

namespace l2echo {
namespace {

constexpr std::uint64_t kFrames = 4096;  // used in rotation: more than the first-level cache holds
constexpr std::uint16_t kFlows = 16;

/// Frames as sent, but with swapped MACs as after a far end, each with a time.
class Frames {
  public:
    explicit Frames(std::uint32_t size)
        : traffic_(shape(size), wire::SwapLevel::Mac, 1), length_(size - wire::kFcsLength) {
        std::mt19937 random(1);
        std::lognormal_distribution<double> cycles(9, 1);  // like round trips: most are short, a few are long
        bytes_.resize(kFrames * length_);
        for (std::uint64_t i = 0; i < kFrames; ++i) {
            traffic_.write(frame(i), {static_cast<std::uint16_t>(i % kFlows), i / kFlows, i});
            std::byte* data = frame(i).data();
            wire::store_swapped(data, wire::load_mac_pair(data));
            cycles_.push_back(static_cast<std::uint64_t>(cycles(random)));
        }
    }

    const probe::Traffic& traffic() const { return traffic_; }
    std::span<std::byte> frame(std::uint64_t i) { return {bytes_.data() + i * length_, length_}; }
    std::uint64_t cycles(std::uint64_t i) const { return cycles_[i]; }

  private:
    static probe::TrafficShape shape(std::uint32_t size) {
        probe::TrafficShape shape;
        shape.sizes = {size};
        shape.flows = kFlows;
        shape.source = 0x0A'00'00'00'00'02;
        shape.destination = 0x0B'00'00'00'00'02;
        return shape;
    }

    probe::Traffic traffic_;
    std::uint32_t length_;
    std::vector<std::byte> bytes_;
    std::vector<std::uint64_t> cycles_;
};

template <bool kTimed>
void write_frames(benchmark::State& state) {
    Frames frames(static_cast<std::uint32_t>(state.range(0)));
    const auto delay = std::make_unique<probe::Histogram>();
    std::uint64_t number = 0;
    for (auto _ : state) {
        const std::uint64_t i = number % kFrames;
        frames.traffic().write(frames.frame(i), {static_cast<std::uint16_t>(number % kFlows), number / kFlows,
                                                 kTimed ? frames.cycles(i) : 0});
        if (kTimed)
            delay->add(frames.cycles(i));
        ++number;
        benchmark::ClobberMemory();
    }
    benchmark::DoNotOptimize(delay->count());
}

template <bool kTimed>
void check_frames(benchmark::State& state) {
    Frames frames(static_cast<std::uint32_t>(state.range(0)));
    const auto round_trip = std::make_unique<probe::Histogram>();
    std::vector<std::byte> scratch(frames.traffic().largest_size());
    std::vector<probe::SeenNumbers> seen(kFlows);
    std::vector<probe::StreamTracker> trackers(seen.begin(), seen.end());
    std::uint64_t number = 0;
    for (auto _ : state) {
        const std::uint64_t i = number % kFrames;
        probe::Stamp stamp;
        if (frames.traffic().check(frames.frame(i), scratch, stamp) != probe::Traffic::Verdict::Intact) {
            state.SkipWithError("a frame is not as it was sent");
            return;
        }
        // The frames repeat, but their numbers continue.
        if (trackers[stamp.stream].add(number / kFlows) && kTimed)
            round_trip->add(frames.cycles(i) + stamp.planned);
        ++number;
    }
    benchmark::DoNotOptimize(round_trip->count());
}

void track_numbers(benchmark::State& state) {
    std::vector<probe::SeenNumbers> seen(kFlows);
    std::vector<probe::StreamTracker> trackers(seen.begin(), seen.end());
    std::uint64_t number = 0;
    for (auto _ : state) {
        benchmark::DoNotOptimize(trackers[number % kFlows].add(number / kFlows));
        ++number;
    }
}

BENCHMARK(track_numbers)->Name("track numbers");
BENCHMARK(write_frames<false>)->Name("write, no times")->Arg(64)->Arg(1518);
BENCHMARK(write_frames<true>)->Name("write, times")->Arg(64)->Arg(1518);
BENCHMARK(check_frames<false>)->Name("check, no times")->Arg(64)->Arg(1518);
BENCHMARK(check_frames<true>)->Name("check, times")->Arg(64)->Arg(1518);

}  // namespace
}  // namespace l2echo

BENCHMARK_MAIN();
