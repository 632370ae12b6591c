// Cost of a burst in the loop alone, ours and its peers', in TSC cycles per frame. Uses real mbufs in the
// cache (32), beyond its second level (8192), and far beyond (65536), in random order, as a NIC that has run
// for a while hands them out.
//
// burst_loops_bench EAL-ARGUMENTS -- BENCHMARK-ARGUMENTS

#include <benchmark/benchmark.h>
#include <rte_cycles.h>
#include <rte_ether.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "burst_loops.hpp"
#include "echo/datapath/swap_burst.hpp"
#include "l2echo/dpdk/eal.hpp"
#include "l2echo/dpdk/mempool.hpp"
#include "l2echo/process/error.hpp"
#include "l2echo/process/program.hpp"

namespace l2echo {
namespace {

constexpr std::size_t kBurst = 32;
// Timed together, so that an interrupt or another program in one batch does not move the median.
constexpr std::size_t kBursts = 64;
constexpr std::uint16_t kFrameLength = 60;  // 64 with FCS
constexpr std::uint16_t kDataRoom = RTE_MBUF_DEFAULT_BUF_SIZE;
constexpr std::array<std::uint32_t, 3> kWorkingSets{32, 8192, 65536};

/// Unicast IPv4, which the default rules echo.
constexpr std::array<std::uint8_t, 14> kHeader{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0};
constexpr std::array<std::uint8_t, 14> kSwapped{2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0};

/// A single tester, or a different source address for each frame.
enum class Sources { One, Many };

/// Mbufs of a pool in an order that no prefetcher can predict.
class WorkingSet {
  public:
    explicit WorkingSet(std::uint32_t frames)
        : pool_("frames" + std::to_string(frames), frames, 0, kDataRoom, SOCKET_ID_ANY), frames_(frames) {
        if (rte_pktmbuf_alloc_bulk(pool_.get(), frames_.data(), frames) != 0)
            throw process::StartupError("cannot allocate enough mbufs from the new mempool");
        for (rte_mbuf* frame : frames_)
            std::memset(rte_pktmbuf_append(frame, kFrameLength), 0, kFrameLength);
        std::shuffle(frames_.begin(), frames_.end(), std::mt19937(1));
        write_headers();
    }
    ~WorkingSet() { rte_pktmbuf_free_bulk(frames_.data(), static_cast<unsigned>(frames_.size())); }
    WorkingSet(const WorkingSet&) = delete;
    WorkingSet& operator=(const WorkingSet&) = delete;

    void write_headers(Sources sources = Sources::One) {
        std::uint32_t number = 0;
        for (rte_mbuf* frame : frames_) {
            auto* bytes = rte_pktmbuf_mtod(frame, std::uint8_t*);
            std::memcpy(bytes, kHeader.data(), kHeader.size());
            if (sources == Sources::Many)
                std::memcpy(bytes + 8, &++number, sizeof number);
        }
    }

    std::span<rte_mbuf*> burst(std::size_t first, std::size_t count = kBurst) {
        return std::span(frames_).subspan(first, count);
    }
    std::size_t size() const { return frames_.size(); }

    bool all_start_with(const std::array<std::uint8_t, 14>& header, std::size_t count) const {
        return std::all_of(frames_.begin(), frames_.begin() + static_cast<std::ptrdiff_t>(count),
                           [&](const rte_mbuf* frame) {
                               return std::memcmp(rte_pktmbuf_mtod(frame, const void*), header.data(),
                                                  header.size()) == 0;
                           });
    }

  private:
    dpdk::Mempool pool_;
    std::vector<rte_mbuf*> frames_;
};

class Ours {
  public:
    explicit Ours(bool raw)
        : port_(std::make_unique<const echo::WireRules>(
              echo::RulesRequest{.raw = raw}, echo::RulesPort{.own_mac = kOwnMac, .own_macs = {kOwnMac}})) {}

    void operator()(std::span<rte_mbuf*> burst) {
        const echo::KeptFrames kept = echo::swap_burst(burst, answers_, pair_, 1);
        benchmark::DoNotOptimize(kept.echoed_bytes);
    }

  private:
    static constexpr wire::MacAddress kOwnMac = 0x0300'0000'0002;  // 02:00:00:00:00:03, of no station here

    echo::EchoPort port_;
    echo::EchoPair pair_{echo::EchoPairSettings{}, port_};
    engine::BurstArray answers_;
};

/// Uses a burst size that some loops handle in a separate path.
template <typename Loop>
bool does_what_it_should(Loop& loop, WorkingSet& frames, bool swaps) {
    constexpr std::size_t kOdd = 27;
    frames.write_headers();
    loop(frames.burst(0, kOdd));
    return frames.all_start_with(swaps ? kSwapped : kHeader, kOdd);
}

template <typename Loop>
void measure(benchmark::State& state, Loop& loop, WorkingSet& frames, bool swaps, Sources sources) {
    if (!does_what_it_should(loop, frames, swaps)) {
        state.SkipWithError("a frame has the wrong content");
        return;
    }
    frames.write_headers(sources);
    std::vector<std::uint64_t> cycles;
    cycles.reserve(state.max_iterations);
    std::size_t at = 0;
    for (auto _ : state) {
        const std::uint64_t began = rte_rdtsc_precise();
        for (std::size_t burst = 0; burst < kBursts; ++burst) {
            loop(frames.burst(at));
            benchmark::ClobberMemory();
            at = at + kBurst < frames.size() ? at + kBurst : 0;
        }
        cycles.push_back(rte_rdtsc_precise() - began);
    }
    const auto median = cycles.begin() + static_cast<std::ptrdiff_t>(cycles.size() / 2);
    std::nth_element(cycles.begin(), median, cycles.end());
    state.counters["cycles_per_frame"] = static_cast<double>(*median) / (kBursts * kBurst);
}

template <typename Loop>
void add(const std::string& name, Loop loop, WorkingSet& frames, bool swaps = true,
         Sources sources = Sources::One) {
    benchmark::RegisterBenchmark(
        (name + "/" + std::to_string(frames.size())).c_str(),
        [=, &frames](benchmark::State& state) mutable { measure(state, *loop, frames, swaps, sources); });
}

template <typename Function>
std::shared_ptr<Function> shared(Function function) {
    return std::make_shared<Function>(function);
}

void add_all(WorkingSet& frames) {
    const auto nothing = [](std::span<rte_mbuf*> burst) {
        for (rte_mbuf* frame : burst)
            benchmark::DoNotOptimize(frame);
    };
    add("nothing", shared(nothing), frames, false);
    add("read", shared(&touch_headers), frames, false);
    add("copies", shared(&swap_by_copies), frames);
    for (const std::size_t ahead : {0, 4, 8, 16, 32})
        add("ahead-" + std::to_string(ahead),
            shared([ahead](std::span<rte_mbuf*> burst) { swap_ahead(burst, ahead); }), frames);
    add("testpmd-pattern", shared(&swap_like_testpmd), frames);
    add("raw", std::make_shared<Ours>(true), frames);
    add("default", std::make_shared<Ours>(false), frames);
    add("default-many", std::make_shared<Ours>(false), frames, true, Sources::Many);
}

void run(const std::string& program, std::vector<std::string> arguments) {
    const auto separator = std::find(arguments.begin(), arguments.end(), "--");
    const dpdk::Eal eal(program, {arguments.begin() + 1, separator});
    std::vector<char*> argv{arguments[0].data()};
    for (auto argument = separator; argument != arguments.end(); ++argument)
        if (argument != separator)
            argv.push_back(argument->data());
    int argc = static_cast<int>(argv.size());
    argv.push_back(nullptr);
    benchmark::Initialize(&argc, argv.data());
    if (benchmark::ReportUnrecognizedArguments(argc, argv.data()))
        throw process::UsageError("invalid benchmark argument after --; type: -- --help");

    std::vector<std::unique_ptr<WorkingSet>> sets;
    for (const std::uint32_t size : kWorkingSets) {
        sets.push_back(std::make_unique<WorkingSet>(size));
        add_all(*sets.back());
    }
    benchmark::RunSpecifiedBenchmarks();
    benchmark::ClearRegisteredBenchmarks();
}

}  // namespace
}  // namespace l2echo

int main(int argc, char** argv) {
    return l2echo::process::run_program(argv[0], [&](const std::string& program) {
        l2echo::run(program, {argv, argv + argc});
    });
}
