// Cost per frame of the rules: bursts of ordinary frames through swap_burst(), with working sets from within
// the cache to larger than the cache. Run with --benchmark_enable_random_interleaving=true
// --benchmark_repetitions=N, so that load on the machine affects all benchmarks alike, and compare the
// medians of cycles_per_frame (TSC).

#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <rte_cycles.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <random>
#include <stdexcept>
#include <vector>

#include "echo/datapath/swap_burst.hpp"
#include "l2echo/dpdk/eal.hpp"
#include "l2echo/echo/match_text.hpp"
#include "l2echo/machine/cpu_set.hpp"

namespace l2echo {
namespace {

constexpr std::size_t kFullBurst = 32;
constexpr std::size_t kBursts =
    64;  // timed together, so that an interrupt in one batch does not move the median
constexpr std::size_t kMaxFrames = 65'536;

/// 60 bytes: UDP over IPv4 between two stations. Matches the rules in both directions.
constexpr std::array<std::uint8_t, 60> kFrame{
    0x02, 0,    0,    0,    0, 0xAA, 0x02, 0, 0,  0,  0, 0xBB, 0x08, 0,                        // Ethernet
    0x45, 0,    0,    46,   0, 0,    0,    0, 64, 17, 0, 0,    198,  18, 0, 1, 198, 19, 0, 1,  // IPv4
    0x13, 0x88, 0x13, 0x89, 0, 26,   0,    0};

/// All frames of all benchmarks, in random memory order; shared, so that every benchmark sees the same
/// layout.
class Frames {
  public:
    Frames() : pool_(make_pool()) {
        for (std::size_t i = 0; i < kMaxFrames; ++i)
            frames_.push_back(make_frame());
        std::shuffle(frames_.begin(), frames_.end(), std::mt19937(1));
    }
    ~Frames() { rte_mempool_free(pool_); }
    Frames(const Frames&) = delete;
    Frames& operator=(const Frames&) = delete;

    std::span<rte_mbuf*> first(std::size_t count) { return {frames_.data(), count}; }

  private:
    /// Places frames across page boundaries, as in hugepages. Otherwise each frame would start at the same
    /// offset of its own small page, and 32 of them would exceed the associativity of one set of the
    /// first-level cache.
    static rte_mempool* make_pool() {
        constexpr std::uint16_t kDataRoom = 2176;
        rte_pktmbuf_pool_private rooms{};
        rooms.mbuf_data_room_size = kDataRoom;
        rte_mempool* pool =
            rte_mempool_create_empty("bench", kMaxFrames, sizeof(rte_mbuf) + kDataRoom, 0, sizeof rooms,
                                     SOCKET_ID_ANY, RTE_MEMPOOL_F_NO_IOVA_CONTIG);
        if (pool == nullptr)
            throw std::runtime_error("swap_burst_bench: no memory for the mempool");
        rte_pktmbuf_pool_init(pool, &rooms);
        if (rte_mempool_populate_default(pool) < 0)
            throw std::runtime_error("swap_burst_bench: no memory for the frames");
        rte_mempool_obj_iter(pool, rte_pktmbuf_init, nullptr);
        return pool;
    }

    rte_mbuf* make_frame() const {
        rte_mbuf* frame = rte_pktmbuf_alloc(pool_);
        if (frame == nullptr)
            throw std::runtime_error("swap_burst_bench: the mempool is too small");
        std::memcpy(rte_pktmbuf_append(frame, kFrame.size()), kFrame.data(), kFrame.size());
        return frame;
    }

    rte_mempool* pool_;
    std::vector<rte_mbuf*> frames_;
};

std::unique_ptr<Frames> all_frames;

echo::RulesRequest blind() {
    return {.raw = true};
}
echo::RulesRequest default_rules() {
    return {};
}
echo::RulesRequest one_match_rule() {
    echo::RulesRequest rules;
    rules.match.add(echo::parse_match_rule("udp-dst=5000-5001", "--match"));
    return rules;
}
echo::RulesRequest all_levels_one_match_rule() {
    echo::RulesRequest rules = one_match_rule();
    rules.level = wire::SwapLevel::MacIpPort;
    return rules;
}

/// The MACs of two ports with a common prefix, like those of one NIC.
const std::vector<wire::MacAddress> kOwnMacs{0x01'00'00'5E'10'02, 0x02'00'00'5E'10'02};

template <echo::RulesRequest (*kRules)(), std::size_t kBurst = kFullBurst>
void swap_frames(benchmark::State& state) {
    const echo::RulesPort own{.own_mac = kOwnMacs[0], .own_macs = kOwnMacs};
    echo::EchoPort port(std::make_unique<const echo::WireRules>(kRules(), own));
    const auto pair = std::make_unique<echo::EchoPair>(echo::EchoPairSettings{}, port);
    engine::BurstArray answers;
    const std::span<rte_mbuf*> frames = all_frames->first(static_cast<std::size_t>(state.range(0)));
    std::vector<std::uint64_t> cycles;
    cycles.reserve(state.max_iterations);
    std::size_t at = 0;
    std::uint64_t echoed = 0;
    for (auto _ : state) {
        const std::uint64_t began = rte_rdtsc_precise();
        for (std::size_t burst = 0; burst < kBursts; ++burst) {
            echoed += echo::swap_burst(frames.subspan(at, kBurst), answers, *pair, 1).echoes;
            at = at + kBurst < frames.size() ? at + kBurst : 0;
        }
        cycles.push_back(rte_rdtsc_precise() - began);
    }
    if (echoed != cycles.size() * kBursts * kBurst)
        state.SkipWithError("a frame was not echoed");
    const auto median = cycles.begin() + static_cast<std::ptrdiff_t>(cycles.size() / 2);
    std::nth_element(cycles.begin(), median, cycles.end());
    state.counters["cycles_per_frame"] = static_cast<double>(*median) / (kBursts * kBurst);
}

void all_sizes(benchmark::internal::Benchmark* benchmark) {
    benchmark->Arg(32)->Arg(8192)->Arg(65536);
}

BENCHMARK(swap_frames<blind>)->Name("blind swap (--raw)")->Apply(all_sizes);
BENCHMARK(swap_frames<default_rules>)->Name("default rules")->Apply(all_sizes);
BENCHMARK(swap_frames<one_match_rule>)->Name("match rule")->Apply(all_sizes);
BENCHMARK(swap_frames<all_levels_one_match_rule>)->Name("match rule, mac+ip+port")->Apply(all_sizes);

// Fixed cost of a burst: at low rates a burst is a single frame.
BENCHMARK(swap_frames<blind, 1>)->Name("blind swap (--raw), bursts of 1")->Arg(32);
BENCHMARK(swap_frames<default_rules, 1>)->Name("default rules, bursts of 1")->Arg(32);
BENCHMARK(swap_frames<one_match_rule, 1>)->Name("match rule, bursts of 1")->Arg(32);

}  // namespace
}  // namespace l2echo

int main(int argc, char** argv) {
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv))
        return 2;
    const l2echo::dpdk::Eal eal("swap_burst_bench",
                                {"--no-huge", "-m", "512", "--no-pci", "--no-shconf", "--no-telemetry",
                                 "--lcores", fmt::format("0@{}", *l2echo::machine::allowed_cpus().begin())});
    l2echo::all_frames = std::make_unique<l2echo::Frames>();
    benchmark::RunSpecifiedBenchmarks();
    l2echo::all_frames.reset();
    return 0;
}
