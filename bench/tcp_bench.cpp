// What a segment costs in a connection: in order, as a pure ACK, and from SYN to the last ACK; with one
// connection in the cache, and with 100 000 in random order that are prefetched four ahead. "cycles" are
// those of the TSC, the median over batches.

#include <benchmark/benchmark.h>
#include <sys/mman.h>
#include <x86intrin.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
#include <numeric>
#include <random>
#include <span>
#include <vector>

#include "l2echo/fifo/arena.hpp"
#include "l2echo/tcp/connection.hpp"
#include "l2echo/tcp/listener.hpp"

namespace l2echo::tcp {
namespace {

constexpr std::uint16_t kMtu = 1500;
constexpr std::size_t kConnections = 100'000;
constexpr std::size_t kAhead = 4;
constexpr Sequence kOurs{1000};
constexpr Sequence kPeers{5000};
constexpr std::uint16_t kWindow = 0xFFFF;

class Cycles {
  public:
    explicit Cycles(benchmark::State& state) : state_(state) { batches_.reserve(std::size_t{1} << 20); }
    Cycles(const Cycles&) = delete;
    Cycles& operator=(const Cycles&) = delete;
    ~Cycles() {
        const auto median = batches_.begin() + static_cast<std::ptrdiff_t>(batches_.size() / 2);
        std::nth_element(batches_.begin(), median, batches_.end());
        state_.counters["cycles"] = *median;
    }

    /// `batch` does `rounds` rounds.
    template <typename Batch>
    void measure(std::size_t rounds, Batch&& batch) {
        const std::uint64_t begin = __rdtsc();
        batch();
        batches_.push_back(static_cast<double>(__rdtsc() - begin) / static_cast<double>(rounds));
    }

  private:
    benchmark::State& state_;
    std::vector<double> batches_;
};

Tuple tuple_of(std::size_t number) {
    const std::byte local[] = {std::byte{198}, std::byte{51}, std::byte{100}, std::byte{1}};
    const std::byte remote[] = {std::byte{203}, std::byte{0}, std::byte{113}, std::byte(number >> 16)};
    return {wire::IpAddress::from_ipv4(local), wire::IpAddress::from_ipv4(remote), 7,
            static_cast<std::uint16_t>(number)};
}

/// A connection whose peer is the benchmark. All options are in use.
struct Stream {
    Stream(const Settings& settings, fifo::Arena& arena, std::size_t number, Micros now)
        : connection(settings, arena, tuple_of(number), kMtu, handshake(now), now) {
        connection.receive(segment(now), {}, now);
    }
    static Handshake handshake(Micros now) {
        Handshake handshake;
        handshake.initial_send = kOurs;
        handshake.initial_receive = kPeers;
        handshake.peer_mss = 1460;
        handshake.peer_scale = 7;
        handshake.sack = true;
        handshake.timestamps = true;
        handshake.sent_at = now - Micros(100);
        return handshake;
    }
    wire::TcpHeader segment(Micros now) const {
        wire::TcpHeader header{};
        header.sequence = sequence.value();
        header.acknowledgment = acknowledged.value();
        header.flags.ack = true;
        header.window = kWindow;
        header.options.timestamps = wire::TcpTimestamps{static_cast<std::uint32_t>(now.count() / 1000),
                                                        static_cast<std::uint32_t>(now.count() / 1000)};
        return header;
    }

    Connection connection;
    Sequence sequence = kPeers + 1;
    Sequence acknowledged = kOurs + 1;
};

/// In large pages, as the memory of DPDK is.
class Memory {
  public:
    static constexpr std::size_t kPage = std::size_t{2} << 20;

    explicit Memory(std::size_t bytes)
        : size_((bytes + kPage - 1) / kPage * kPage),
          bytes_(static_cast<std::byte*>(std::aligned_alloc(kPage, size_))) {
        if (bytes_ == nullptr)
            std::abort();
        madvise(bytes_, size_, MADV_HUGEPAGE);
        std::fill_n(bytes_, size_, std::byte{0});
    }
    ~Memory() { std::free(bytes_); }
    Memory(const Memory&) = delete;
    Memory& operator=(const Memory&) = delete;
    std::span<std::byte> span() const { return {bytes_, size_}; }

  private:
    std::size_t size_;
    std::byte* bytes_;
};

/// A segment in order, the read of its bytes, and at each second one the ACK. `header` is reused, because
/// reading one belongs to tcp_wire_bench.
void take_segment(Connection& connection, const wire::TcpHeader& header, std::span<const std::byte> payload,
                  Micros now) {
    connection.receive(header, payload, now);
    connection.consume(payload.size());
    while (auto segment = connection.next_segment(now))
        benchmark::DoNotOptimize(segment);
    benchmark::DoNotOptimize(connection.deadline());
}

void in_order_segment(benchmark::State& state) {
    const Memory memory(std::size_t{16} << 20);
    fifo::Arena arena(memory.span());
    const Settings settings;
    Micros now = std::chrono::hours(1);
    Stream stream(settings, arena, 1, now);
    const std::vector<std::byte> payload(static_cast<std::size_t>(state.range(0)));
    Cycles cycles(state);
    for (auto _ : state) {
        now += Micros(10);
        wire::TcpHeader header = stream.segment(now);
        cycles.measure(32, [&] {
            for (int i = 0; i < 32; ++i) {
                take_segment(stream.connection, header, payload, now);
                header.sequence += static_cast<std::uint32_t>(payload.size());
            }
        });
        stream.sequence = Sequence(header.sequence);
    }
}
BENCHMARK(in_order_segment)->Arg(1)->Arg(1448);

/// The call of receive() alone.
void receive_in_order(benchmark::State& state) {
    const Memory memory(std::size_t{16} << 20);
    fifo::Arena arena(memory.span());
    const Settings settings;
    Micros now = std::chrono::hours(1);
    Stream stream(settings, arena, 1, now);
    const std::vector<std::byte> payload(1);
    Cycles cycles(state);
    for (auto _ : state) {
        now += Micros(10);
        wire::TcpHeader header = stream.segment(now);
        cycles.measure(32, [&] {
            for (int i = 0; i < 32; ++i) {
                header.sequence = stream.sequence.value();
                stream.connection.receive(header, payload, now);
                stream.sequence += 1;
            }
        });
        stream.connection.consume(stream.connection.readable());
        while (auto segment = stream.connection.next_segment(now))
            benchmark::DoNotOptimize(segment);
    }
}
BENCHMARK(receive_in_order);

/// A segment that comes back: received, echoed, and the echo acknowledged by the next one.
void echo_segment(benchmark::State& state) {
    const Memory memory(std::size_t{16} << 20);
    fifo::Arena arena(memory.span());
    const Settings settings;
    Micros now = std::chrono::hours(1);
    Stream stream(settings, arena, 1, now);
    stream.connection.echo();
    const std::vector<std::byte> payload(static_cast<std::size_t>(state.range(0)));
    Cycles cycles(state);
    for (auto _ : state) {
        now += Micros(10);
        wire::TcpHeader header = stream.segment(now);
        cycles.measure(32, [&] {
            for (int i = 0; i < 32; ++i) {
                header.sequence = stream.sequence.value();
                header.acknowledgment = stream.acknowledged.value();
                stream.connection.receive(header, payload, now);
                stream.sequence += static_cast<std::uint32_t>(payload.size());
                while (auto segment = stream.connection.next_segment(now))
                    stream.acknowledged += static_cast<std::uint32_t>(segment->payload_length());
            }
        });
    }
}
BENCHMARK(echo_segment)->Arg(64)->Arg(1448);

/// Fills the congestion window with full segments and returns how many are in flight.
std::size_t fill(Stream& stream, std::span<const std::byte> bytes, Micros now) {
    stream.connection.write(bytes);
    std::size_t sent = 0;
    while (auto segment = stream.connection.next_segment(now))
        ++sent;
    return sent;
}

/// A pure ACK of one full segment, while others are in flight.
void pure_ack(benchmark::State& state) {
    const Memory memory(std::size_t{16} << 20);
    fifo::Arena arena(memory.span());
    const Settings settings;
    Micros now = std::chrono::hours(1);
    Stream stream(settings, arena, 1, now);
    const std::vector<std::byte> bytes(std::size_t{33} * 1448);
    Cycles cycles(state);
    for (auto _ : state) {
        const std::size_t sent = fill(stream, bytes, now);
        now += Micros(100);
        const std::size_t measured = sent - 1;
        wire::TcpHeader header = stream.segment(now);
        cycles.measure(measured, [&] {
            for (std::size_t i = 0; i < measured; ++i) {
                stream.acknowledged += 1448;
                header.acknowledgment = stream.acknowledged.value();
                stream.connection.receive(header, {}, now);
            }
        });
        stream.acknowledged += 1448;
        stream.connection.receive(stream.segment(now), {}, now);
    }
}
BENCHMARK(pure_ack);

/// SYN, handshake, both FINs and the object, at a listener.
void open_and_close(benchmark::State& state) {
    const Memory memory(std::size_t{16} << 20);
    fifo::Arena arena(memory.span());
    const Settings settings;
    Micros now = std::chrono::hours(1);
    Listener listener(settings, arena, kMtu, hash::SipKey{1, 2});
    alignas(Connection) std::byte place[sizeof(Connection)];
    std::size_t number = 0;
    Cycles cycles(state);
    for (auto _ : state) {
        cycles.measure(8, [&] {
            for (int i = 0; i < 8; ++i) {
                now += Micros(10);
                const Tuple tuple = tuple_of(++number);
                wire::TcpHeader header{};
                header.source_port = tuple.remote_port;
                header.destination_port = tuple.local_port;
                header.sequence = kPeers.value();
                header.flags.syn = true;
                header.window = kWindow;
                header.options.mss = 1460;
                header.options.sack_permitted = true;
                header.options.window_scale = 7;
                header.options.timestamps = wire::TcpTimestamps{1, 0};
                const Listener::Result answer = listener.receive(tuple, header, 0, now);
                header.flags = {};
                header.flags.ack = true;
                header.sequence += 1;
                header.acknowledgment = answer.reply->header.sequence + 1;
                header.options = {};
                header.options.timestamps =
                    wire::TcpTimestamps{1, answer.reply->header.options.timestamps->value};
                const Listener::Result opened = listener.receive(tuple, header, 0, now);
                auto* const connection =
                    new (place) Connection(settings, arena, tuple, kMtu, *opened.open, now);
                connection->receive(header, {}, now);
                listener.queue(*connection);
                benchmark::DoNotOptimize(listener.accept());
                header.flags.fin = true;
                connection->receive(header, {}, now);
                connection->shutdown();
                while (auto segment = connection->next_segment(now))
                    benchmark::DoNotOptimize(segment);
                header.flags.fin = false;
                header.sequence += 1;
                header.acknowledgment += 1;
                connection->receive(header, {}, now);
                if (connection->state() != State::Closed)
                    state.SkipWithError("the connection is not closed");
                connection->~Connection();
            }
        });
    }
}
BENCHMARK(open_and_close);

/// Connections in an order that no cache predicts.
class Crowd {
  public:
    /// `arena` in bytes: what the connections hold at once.
    explicit Crowd(std::size_t arena)
        : memory_(arena),
          arena_(memory_.span()),
          places_(kConnections * sizeof(Stream)),
          order_(kConnections) {
        streams_ = reinterpret_cast<Stream*>(places_.span().data());
        for (std::size_t i = 0; i < kConnections; ++i)
            new (&streams_[i]) Stream(settings_, arena_, i, now);
        std::iota(order_.begin(), order_.end(), 0U);
        std::ranges::shuffle(order_, std::mt19937(1));
    }
    ~Crowd() { std::destroy_n(streams_, kConnections); }
    Crowd(const Crowd&) = delete;
    Crowd& operator=(const Crowd&) = delete;
    Stream& at(std::size_t turn) { return streams_[order_[turn % kConnections]]; }
    /// What a burst of received segments lets a caller do.
    void prefetch(std::size_t turn) {
        at(turn + kAhead).connection.prefetch();
        at(turn + kAhead / 2).connection.prefetch_in_flight();
    }

    Micros now = std::chrono::hours(1);

  private:
    Settings settings_;
    Memory memory_;
    fifo::Arena arena_;
    Memory places_;
    Stream* streams_ = nullptr;
    std::vector<std::uint32_t> order_;
};

/// All connections are at the same sequence number, so that the peers need no memory.
void in_order_segment_100000(benchmark::State& state) {
    const auto crowd = std::make_unique<Crowd>(std::size_t{16} << 20);
    const std::vector<std::byte> payload(1);
    std::size_t turn = 0;
    Cycles cycles(state);
    for (auto _ : state) {
        crowd->now += Micros(10);
        wire::TcpHeader header = crowd->at(turn).segment(crowd->now);
        cycles.measure(32, [&] {
            for (int i = 0; i < 32; ++i, ++turn) {
                crowd->prefetch(turn);
                header.sequence = (kPeers + 1 + static_cast<std::uint32_t>(turn / kConnections)).value();
                take_segment(crowd->at(turn).connection, header, payload, crowd->now);
            }
        });
    }
}
BENCHMARK(in_order_segment_100000);

/// Each connection has two segments in flight, and the ACK of the first arrives.
void pure_ack_100000(benchmark::State& state) {
    const auto crowd = std::make_unique<Crowd>(std::size_t{1024} << 20);
    const std::vector<std::byte> bytes(std::size_t{2} * 1448);
    std::size_t turn = 0;
    std::size_t filled = 0;
    Sequence acknowledged = kOurs + 1;
    Cycles cycles(state);
    for (auto _ : state) {
        if (turn == filled) {
            // A round over all connections, which is not measured.
            state.PauseTiming();
            for (std::size_t i = 0; i < kConnections; ++i) {
                Stream& stream = crowd->at(turn + i);
                if (turn != 0) {
                    stream.acknowledged = acknowledged + 1448;
                    stream.connection.receive(stream.segment(crowd->now), {}, crowd->now);
                }
                fill(stream, bytes, crowd->now);
            }
            acknowledged += turn == 0 ? 1448 : 2 * 1448;
            filled += kConnections;
            crowd->now += Micros(100);
            state.ResumeTiming();
        }
        wire::TcpHeader header = crowd->at(turn).segment(crowd->now);
        header.acknowledgment = acknowledged.value();
        cycles.measure(32, [&] {
            for (int i = 0; i < 32; ++i, ++turn) {
                crowd->prefetch(turn);
                crowd->at(turn).connection.receive(header, {}, crowd->now);
            }
        });
    }
}
BENCHMARK(pure_ack_100000);

}  // namespace
}  // namespace l2echo::tcp

BENCHMARK_MAIN();
