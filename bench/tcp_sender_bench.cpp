// Cost of the sender's building blocks: what a pure ACK costs below the connection, what SACK blocks cost by
// the size of the flight, and the keyed hashes. "cycles" are those of the TSC, which is the unit of the
// goals.

#include <benchmark/benchmark.h>
#include <x86intrin.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <vector>

#include "l2echo/fifo/arena.hpp"
#include "l2echo/hash/siphash.hpp"
#include "l2echo/tcp/congestion.hpp"
#include "l2echo/tcp/initial_sequence.hpp"
#include "l2echo/tcp/rack.hpp"
#include "l2echo/tcp/rtt_estimator.hpp"
#include "l2echo/tcp/send_records.hpp"
#include "l2echo/tcp/syn_cookies.hpp"
#include "l2echo/tcp/time_wait.hpp"

namespace l2echo::tcp {
namespace {

constexpr std::uint16_t kMss = 1448;
constexpr std::uint32_t kMaxSegments = 16'384;
constexpr Micros kRtt(1000);

/// Cycles of a batch of rounds; the median of the batches is reported, because other load on the machine
/// makes some of them long.
class Cycles {
  public:
    explicit Cycles(benchmark::State& state) : state_(state) { batches_.reserve(1U << 20); }
    Cycles(const Cycles&) = delete;
    Cycles& operator=(const Cycles&) = delete;
    ~Cycles() {
        const auto median = batches_.begin() + static_cast<std::ptrdiff_t>(batches_.size() / 2);
        std::nth_element(batches_.begin(), median, batches_.end());
        state_.counters["cycles"] = static_cast<double>(*median) / kRounds;
        state_.SetItemsProcessed(static_cast<std::int64_t>(state_.iterations()) * kRounds);
    }

    template <typename Round>
    void measure(Round&& round) {
        const std::uint64_t begin = __rdtsc();
        for (int i = 0; i < kRounds; ++i)
            round();
        batches_.push_back(__rdtsc() - begin);
    }

    static constexpr int kRounds = 32;

  private:
    benchmark::State& state_;
    std::vector<std::uint64_t> batches_;
};

/// The sender's part of a connection, with `segments` in flight.
class Sender {
  public:
    Sender(CongestionAlgorithm algorithm, std::uint32_t segments)
        : memory_(16U << 20), arena_(memory_), congestion_(with(algorithm), kMss), rtt_(Settings{}) {
        send(segments);
        rtt_.sample(kRtt, now_);
        congestion_.on_congestion(segments * kMss);  // congestion avoidance, the more expensive half
    }
    Sender(const Sender&) = delete;
    Sender& operator=(const Sender&) = delete;
    ~Sender() { records.release_memory(arena_); }

    void send(std::uint32_t segments) {
        for (std::uint32_t i = 0; i < segments; ++i) {
            if (!records.append(arena_, kMss, now_ += Micros(1), kMaxSegments))
                std::abort();
        }
        congestion_.on_sent(congestion_.window());
    }

    /// What a connection does on an ACK of two segments without SACK blocks.
    void acknowledge() {
        const AckTime time{now_ += Micros(1), rtt_.min_rtt()};
        Delivery delivery;
        records.acknowledge(records.una() + 2 * kMss, time, delivery);
        const Micros rtt = now_ - *delivery.oldest_sent;
        rtt_.sample(rtt, now_);
        congestion_.on_ack({delivery.bytes, records.una(), records.next(), now_, rtt, rtt_.smoothed()});
        rack_.on_ack(delivery, now_, records.una(), records.next());
        benchmark::DoNotOptimize(
            records.mark_lost(rack_.limit(rtt_, records.sacked_segments(), false), now_).bytes);
    }
    void acknowledge_records() {
        const AckTime time{now_ += Micros(1), rtt_.min_rtt()};
        Delivery delivery;
        records.acknowledge(records.una() + 2 * kMss, time, delivery);
        benchmark::DoNotOptimize(delivery);
    }
    void congestion_on_ack() {
        now_ += Micros(1);
        una_ += 2 * kMss;
        congestion_.on_ack({2 * kMss, una_, una_ + 100 * kMss, now_, kRtt, kRtt});
        congestion_.on_sent(congestion_.window());
    }
    std::uint32_t sack(const wire::SackBlock& block) {
        Delivery delivery;
        records.mark_sacked({&block, 1}, records.una(), {now_ += Micros(1), rtt_.min_rtt()}, delivery);
        return delivery.bytes;
    }
    void acknowledge_all() {
        Delivery delivery;
        records.acknowledge(records.next(), {now_, rtt_.min_rtt()}, delivery);
    }

  private:
    static Settings with(CongestionAlgorithm algorithm) {
        Settings settings;
        settings.congestion = algorithm;
        return settings;
    }

    std::vector<std::byte> memory_;
    fifo::Arena arena_;
    Congestion congestion_;
    RttEstimator rtt_;
    Rack rack_;
    Micros now_{1'000'000};
    Sequence una_;

  public:
    SendRecords records{Sequence(0xFFFF'0000)};
};

constexpr std::uint32_t kBatchSegments = 2 * Cycles::kRounds;

void send_two_segments(benchmark::State& state) {
    Sender sender(CongestionAlgorithm::Cubic, kBatchSegments);
    Cycles cycles(state);
    for (auto _ : state) {
        cycles.measure([&] { sender.send(2); });
        sender.acknowledge_all();
    }
}

/// Congestion avoidance, SACK negotiated, no blocks: each ACK covers two segments.
template <CongestionAlgorithm kAlgorithm>
void pure_ack(benchmark::State& state) {
    Sender sender(kAlgorithm, static_cast<std::uint32_t>(state.range(0)));
    Cycles cycles(state);
    for (auto _ : state) {
        sender.send(kBatchSegments);
        cycles.measure([&] { sender.acknowledge(); });
    }
}

void pure_ack_records_only(benchmark::State& state) {
    Sender sender(CongestionAlgorithm::Cubic, static_cast<std::uint32_t>(state.range(0)));
    Cycles cycles(state);
    for (auto _ : state) {
        sender.send(kBatchSegments);
        cycles.measure([&] { sender.acknowledge_records(); });
    }
}

template <CongestionAlgorithm kAlgorithm>
void pure_ack_congestion_only(benchmark::State& state) {
    Sender sender(kAlgorithm, kBatchSegments);
    Cycles cycles(state);
    for (auto _ : state)
        cycles.measure([&] { sender.congestion_on_ack(); });
}

/// The first segment is lost, and each ACK's block is two segments longer.
void sack_block_grows(benchmark::State& state) {
    const auto segments = static_cast<std::uint32_t>(state.range(0));
    Sender sender(CongestionAlgorithm::Cubic, segments);
    std::uint32_t sacked = 0;
    Cycles cycles(state);
    for (auto _ : state) {
        if (sacked + kBatchSegments >= segments) {
            sender.acknowledge_all();
            sender.send(segments);
            sacked = 0;
        }
        cycles.measure([&] {
            sacked += 2;
            const Sequence left = sender.records.una() + kMss;
            if (sender.sack({left.value(), (left + sacked * kMss).value()}) != 2 * kMss)
                state.SkipWithError("the block did not mark two segments");
        });
    }
}

Tuple tuple_of(std::uint32_t number) {
    Tuple tuple;
    tuple.local.version = tuple.remote.version = 4;
    tuple.remote.bytes[1] = static_cast<std::byte>(number >> 16);
    tuple.local_port = 7;
    tuple.remote_port = static_cast<std::uint16_t>(number);
    return tuple;
}

void hash_one_tuple(benchmark::State& state) {
    std::uint32_t number = 0;
    Cycles cycles(state);
    for (auto _ : state)
        cycles.measure([&] { benchmark::DoNotOptimize(hash_tuple({1, 2}, tuple_of(++number))); });
}

void make_and_check_a_cookie(benchmark::State& state) {
    const SynCookies cookies({1, 2});
    std::uint32_t number = 0;
    Cycles cycles(state);
    for (auto _ : state)
        cycles.measure([&] {
            const Tuple tuple = tuple_of(++number);
            const Cookie cookie =
                cookies.make(tuple, Sequence(number), {1460, true, std::uint8_t{7}, true}, number, Micros(1));
            if (!cookies.check(tuple, Sequence(number), cookie.isn, cookie.timestamp, Micros(1)))
                state.SkipWithError("the cookie was refused");
        });
}

/// A full table: each insertion evicts.
void wait_in_a_full_table(benchmark::State& state) {
    const auto entries = static_cast<std::uint32_t>(state.range(0));
    const std::size_t bytes = (TimeWaitTable::memory_for(entries) + 63) / 64 * 64;
    const std::unique_ptr<std::byte, decltype(&std::free)> memory(
        static_cast<std::byte*>(std::aligned_alloc(64, bytes)), &std::free);
    TimeWaitTable table({memory.get(), bytes}, std::chrono::seconds(60), {1, 2});
    std::uint32_t number = 0;
    for (; number < entries; ++number)
        table.insert(tuple_of(number), {}, Micros(1));
    Cycles cycles(state);
    for (auto _ : state)
        cycles.measure([&] { table.insert(tuple_of(++number), {}, Micros(1)); });
}

BENCHMARK(send_two_segments);
BENCHMARK(pure_ack<CongestionAlgorithm::NewReno>)->Arg(8)->Arg(1024);
BENCHMARK(pure_ack<CongestionAlgorithm::Cubic>)->Arg(8)->Arg(1024);
BENCHMARK(pure_ack_records_only)->Arg(8)->Arg(1024);
BENCHMARK(pure_ack_congestion_only<CongestionAlgorithm::NewReno>);
BENCHMARK(pure_ack_congestion_only<CongestionAlgorithm::Cubic>);
BENCHMARK(sack_block_grows)->Arg(128)->Arg(1024)->Arg(8192);
BENCHMARK(hash_one_tuple);
BENCHMARK(make_and_check_a_cookie);
BENCHMARK(wait_in_a_full_table)->Arg(1024)->Arg(65'536);

}  // namespace
}  // namespace l2echo::tcp

BENCHMARK_MAIN();
