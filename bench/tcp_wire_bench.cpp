// Cost of what each TCP segment needs below the connection: its bytes, its header, its place in the FIFO, its
// deadline. "cycles" are those of the TSC, which is the unit of the goals.

#include <benchmark/benchmark.h>
#include <rte_cycles.h>
#include <time.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <span>
#include <vector>

#include "l2echo/fifo/arena.hpp"
#include "l2echo/fifo/byte_fifo.hpp"
#include "l2echo/tcp/timer_wheel.hpp"
#include "l2echo/wire/checksum.hpp"
#include "l2echo/wire/tcp.hpp"

namespace l2echo {
namespace {

std::uint64_t nanoseconds_of(clockid_t clock) {
    timespec time{};
    clock_gettime(clock, &time);
    return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(time.tv_nsec);
}

/// Reports the cycles per round of the loop: CPU time, so that other load adds less, at the rate of the TSC.
class Cycles {
  public:
    explicit Cycles(benchmark::State& state)
        : state_(state),
          cycles_(rte_rdtsc()),
          elapsed_(nanoseconds_of(CLOCK_MONOTONIC)),
          busy_(nanoseconds_of(CLOCK_THREAD_CPUTIME_ID)) {}
    Cycles(const Cycles&) = delete;
    Cycles& operator=(const Cycles&) = delete;
    ~Cycles() {
        const auto busy = static_cast<double>(nanoseconds_of(CLOCK_THREAD_CPUTIME_ID) - busy_);
        const auto elapsed = static_cast<double>(nanoseconds_of(CLOCK_MONOTONIC) - elapsed_);
        state_.counters["cycles"] = benchmark::Counter(
            static_cast<double>(rte_rdtsc() - cycles_) * busy / elapsed, benchmark::Counter::kAvgIterations);
    }

  private:
    benchmark::State& state_;
    std::uint64_t cycles_;
    std::uint64_t elapsed_;
    std::uint64_t busy_;
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

wire::TcpHeader some_header() {
    wire::TcpHeader header{
        .source_port = 1, .destination_port = 2, .sequence = 3, .acknowledgment = 4, .window = 500};
    header.flags.ack = true;
    header.options.timestamps = wire::TcpTimestamps{5, 6};
    return header;
}

void read_tcp_header(benchmark::State& state) {
    std::array<std::byte, wire::kMaxTcpHeaderLength> bytes{};
    wire::TcpHeader header = some_header();
    header.options.sack_blocks = static_cast<std::uint8_t>(state.range(0));
    const std::uint32_t length = wire::write_header(header, bytes.data());
    const Cycles cycles(state);
    for (auto _ : state) {
        benchmark::DoNotOptimize(wire::read_header(std::span<const std::byte>(bytes).first(length), header));
        benchmark::ClobberMemory();
    }
}

void write_tcp_header(benchmark::State& state) {
    std::array<std::byte, wire::kMaxTcpHeaderLength> bytes{};
    wire::TcpHeader header = some_header();
    header.options.sack_blocks = static_cast<std::uint8_t>(state.range(0));
    const Cycles cycles(state);
    for (auto _ : state) {
        benchmark::DoNotOptimize(wire::write_header(header, bytes.data()));
        benchmark::ClobberMemory();
    }
}

/// A request and its answer take memory and return it. Of 256 MiB, so much is taken before, in FIFOs of
/// random sizes: an empty arena has one block to split, a used one has free blocks of all sizes.
void take_and_release_fifo(benchmark::State& state) {
    std::vector<std::byte> memory(std::size_t{256} << 20);
    fifo::Arena arena(memory);
    std::mt19937 random(1);
    const auto taken = static_cast<std::size_t>(static_cast<double>(arena.size()) *
                                                static_cast<double>(state.range(0)) / 100);
    while (arena.size() - arena.free_bytes() < taken)
        arena.allocate(std::size_t{256} << random() % 9);
    fifo::ByteFifo fifo;
    const Cycles cycles(state);
    for (auto _ : state) {
        benchmark::DoNotOptimize(fifo.grow(arena, 4096));
        fifo.release_when_empty(arena);
    }
}

/// Each ACK restarts the retransmission timer of one of 100 000 connections; some of them expire.
void restart_timer(benchmark::State& state) {
    constexpr std::size_t kConnections = 100'000;
    tcp::TimerWheel wheel(tcp::Micros(0));
    std::vector<tcp::TimerNode> nodes(kConnections);
    std::mt19937 random(1);
    std::vector<std::uint32_t> order(1 << 16);
    for (std::uint32_t& index : order)
        index = static_cast<std::uint32_t>(random() % kConnections);
    tcp::Micros now{0};
    std::uint64_t round = 0;
    std::uint64_t expired = 0;
    const Cycles cycles(state);
    for (auto _ : state) {
        wheel.arm(nodes[order[round % order.size()]], now + tcp::Micros(200'000));
        if (++round % 32 == 0) {  // a turn of a worker that receives 10 million ACKs per second
            now += tcp::Micros(3);
            wheel.advance(now, [&expired](tcp::TimerNode&) { ++expired; });
        }
    }
    benchmark::DoNotOptimize(expired);
}

BENCHMARK(copy_bytes)->Name("copy")->Arg(1460);
BENCHMARK(sum_bytes)->Name("sum")->Arg(64)->Arg(1460);
BENCHMARK(copy_and_sum_bytes)->Name("copy and sum")->Arg(64)->Arg(1448)->Arg(1460);
BENCHMARK(read_tcp_header)->Name("read TCP header, SACK blocks")->Arg(0)->Arg(3);
BENCHMARK(write_tcp_header)->Name("write TCP header, SACK blocks")->Arg(0)->Arg(3);
BENCHMARK(take_and_release_fifo)
    ->Name("take and release a FIFO, % of the arena taken")
    ->Arg(0)
    ->Arg(50)
    ->Arg(90);
BENCHMARK(restart_timer)->Name("restart a timer");

}  // namespace
}  // namespace l2echo

BENCHMARK_MAIN();
