// Cost of what each TCP segment needs below the connection: its bytes, its header, its place in the FIFO, its
// deadline. "cycles" are those of the TSC, which is the unit of the goals.

#include <benchmark/benchmark.h>
#include <x86intrin.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "l2echo/wire/checksum.hpp"

namespace l2echo {
namespace {

/// Reports the cycles per round of the loop.
class Cycles {
  public:
    explicit Cycles(benchmark::State& state) : state_(state), begin_(__rdtsc()) {}
    Cycles(const Cycles&) = delete;
    Cycles& operator=(const Cycles&) = delete;
    ~Cycles() {
        state_.counters["cycles"] =
            benchmark::Counter(static_cast<double>(__rdtsc() - begin_), benchmark::Counter::kAvgIterations);
    }

  private:
    benchmark::State& state_;
    std::uint64_t begin_;
};

std::vector<std::byte> some_bytes(std::size_t count) {
    std::vector<std::byte> bytes(count);
    for (std::size_t i = 0; i < count; ++i)
        bytes[i] = static_cast<std::byte>(i * 167 >> 3);
    return bytes;
}

void copy_bytes(benchmark::State& state) {
    const auto from = some_bytes(static_cast<std::size_t>(state.range(0)));
    std::vector<std::byte> to(from.size());
    const Cycles cycles(state);
    for (auto _ : state) {
        std::memcpy(to.data(), from.data(), from.size());
        benchmark::ClobberMemory();
    }
}

void sum_bytes(benchmark::State& state) {
    const auto from = some_bytes(static_cast<std::size_t>(state.range(0)));
    const Cycles cycles(state);
    for (auto _ : state)
        benchmark::DoNotOptimize(wire::sum_of(from));
}

void copy_and_sum_bytes(benchmark::State& state) {
    const auto from = some_bytes(static_cast<std::size_t>(state.range(0)));
    std::vector<std::byte> to(from.size());
    const Cycles cycles(state);
    for (auto _ : state) {
        benchmark::DoNotOptimize(wire::copy_and_sum(to.data(), from));
        benchmark::ClobberMemory();
    }
}

BENCHMARK(copy_bytes)->Name("copy")->Arg(1460);
BENCHMARK(sum_bytes)->Name("sum")->Arg(64)->Arg(1460);
BENCHMARK(copy_and_sum_bytes)->Name("copy and sum")->Arg(64)->Arg(1448)->Arg(1460);

}  // namespace
}  // namespace l2echo

BENCHMARK_MAIN();
