#include <fmt/format.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <rte_cycles.h>
#include <time.h>

#include <array>
#include <chrono>
#include <optional>
#include <thread>

#include "echo_port_under_test.hpp"
#include "exact_bytes.hpp"
#include "l2echo/dpdk/port.hpp"
#include "l2echo/echo/run_echo.hpp"
#include "l2echo/wire/loop_check.hpp"
#include "ring_wire.hpp"
#include "vdev.hpp"

namespace l2echo {
namespace {

using namespace std::chrono_literals;
using Bytes = std::vector<std::uint8_t>;

constexpr std::uint64_t kProcess = 77;
constexpr wire::MacAddress kOwnMac = 0x01'00'00'00'00'02;

std::vector<engine::QueuePair*> queue_pairs_of(const std::vector<echo::EchoPair*>& pairs) {
    std::vector<engine::QueuePair*> queue_pairs;
    for (echo::EchoPair* pair : pairs)
        queue_pairs.push_back(&pair->queues);
    return queue_pairs;
}

/// Runs on its own thread until destroyed.
class RunningWorker {
  public:
    explicit RunningWorker(std::vector<echo::EchoPair*> pairs, engine::Idle idle = engine::Idle::Poll)
        : pairs_(std::move(pairs)), worker_({}, queue_pairs_of(pairs_)) {
        thread_ = std::thread([this, idle] { echo::run_echo(worker_, pairs_, {.mode = idle}, stop_); });
    }
    ~RunningWorker() {
        stop_ = true;
        thread_.join();
        EXPECT_FALSE(worker_.running);
    }
    RunningWorker(const RunningWorker&) = delete;
    RunningWorker& operator=(const RunningWorker&) = delete;

    std::chrono::nanoseconds cpu_time() {
        clockid_t clock{};
        timespec time{};
        EXPECT_EQ(pthread_getcpuclockid(thread_.native_handle(), &clock), 0);
        EXPECT_EQ(clock_gettime(clock, &time), 0);
        return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
    }
    std::uint64_t busy_cycles() const { return worker_.busy_cycles.read(); }

  private:
    std::vector<echo::EchoPair*> pairs_;
    engine::Worker worker_;
    std::atomic<bool> stop_{false};
    std::thread thread_;
};

enum class Checks { On, Off };

/// A port with loop checks, which come from their own pool.
struct End {
    explicit End(std::uint64_t process = kProcess, Checks checks = Checks::On) {
        echo_port.rules().own_mac = kOwnMac + (process << 40);
        pair.emplace(settings_for(wire.port(), process, checks), echo_port.port());
    }
    ~End() {
        while (pair->poll(rte_rdtsc()) != 0)
            wire.take();  // frames that the worker left in the queue
        wire.take();
        EXPECT_EQ(wire.mbufs_in_use(), 0u);
        EXPECT_EQ(rte_mempool_in_use_count(pool.get()), 0u);
        EXPECT_TRUE(counts_of(*pair).balanced());
    }

    echo::EchoPairSettings settings_for(std::uint16_t port, std::uint64_t process, Checks checks) const {
        return {.queue_pair = {.port = port},
                .loop_check = {
                    .on = checks == Checks::On, .pool = pool.get(), .sender = {process, 0}, .gates = gates}};
    }
    std::uint64_t count(verdict::Count which) const { return counts_of(*pair)[which]; }
    std::uint64_t checks_sent() const { return count(verdict::Count::ChecksSent); }
    std::uint64_t refused_checks() const { return counts_of(*pair)[verdict::Reason::LoopCheck]; }
    echo::Gate& gate() { return echo_port.gate(); }

    RingWire wire{1023, 2176, 1023};
    dpdk::Mempool pool{fmt::format("checks{}", wire.port()), 63, 0, 2176, SOCKET_ID_ANY};
    EchoPortUnderTest echo_port;
    std::array<echo::Gate*, 1> gates{&echo_port.gate()};
    std::optional<echo::EchoPair> pair;
};

std::optional<wire::LoopCheck> read_check(const Bytes& bytes) {
    const ExactBytes frame(bytes);
    return wire::read_loop_check(frame.view(), wire::read_headers(frame.view()));
}

template <typename Condition>
bool holds_within(std::chrono::milliseconds limit, const Condition& condition) {
    const auto end = std::chrono::steady_clock::now() + limit;
    while (!condition()) {
        if (std::chrono::steady_clock::now() > end)
            return false;
        std::this_thread::sleep_for(1ms);
    }
    return true;
}

/// Long enough for a worker with a small share of its CPU.
constexpr auto kPatience = 20s;

TEST(Worker, SendsOneLoopCheckPerSecond) {
    End end;
    std::vector<Bytes> sent;
    const std::uint64_t began = rte_rdtsc();
    std::uint64_t third_seen = 0;
    {
        const RunningWorker worker({&*end.pair});
        for (std::uint64_t checks = 1; checks <= 3; ++checks) {
            ASSERT_TRUE(holds_within(kPatience, [&] { return end.checks_sent() >= checks; }));
            third_seen = rte_rdtsc();
            for (Bytes& frame : end.wire.take())
                sent.push_back(std::move(frame));
        }
    }
    ASSERT_GE(sent.size(), 2u) << "the last one may have been in flight";
    for (const Bytes& frame : sent) {
        EXPECT_EQ(frame.size(), wire::kLoopCheckLength);
        ASSERT_TRUE(read_check(frame));
        EXPECT_EQ(read_check(frame)->sender, (wire::LoopCheckSender{kProcess, 0}));
    }
    // No upper bound: a stalled machine may take any time.
    EXPECT_GE(third_seen - began, 2 * rte_get_tsc_hz());
    EXPECT_EQ(end.count(verdict::Count::Received), 0u) << "a check that we sent does not count as received";
}

TEST(Worker, SendsChecksFromQueuePair0Only) {
    const Vdev null("net_null_checks");
    const dpdk::Port port(null.port(), small_port_request(2), {0, 0});
    EchoPortUnderTest echo_port;
    echo_port.rules().raw = true;
    const auto settings = [&](std::uint16_t queue) {
        return echo::EchoPairSettings{.queue_pair = {.port = port.id(), .queue = queue},
                                      .loop_check = {.on = true, .pool = port.mempool(queue)}};
    };
    echo::EchoPair first(settings(0), echo_port.port());
    echo::EchoPair second(settings(1), echo_port.port());
    {
        const RunningWorker worker({&first, &second});
        ASSERT_TRUE(
            holds_within(kPatience, [&] { return counts_of(first)[verdict::Count::ChecksSent] >= 2; }));
    }
    EXPECT_GT(counts_of(second)[verdict::Count::Received], 0u);
    EXPECT_EQ(counts_of(second)[verdict::Count::ChecksSent], 0u);
}

TEST(Worker, SendsNoChecksWhileDisarmedOrSwitchedOff) {
    End silent(kProcess, Checks::Off);
    End disarmed;
    disarmed.gate().disarm();
    End reference;
    {
        const RunningWorker worker({&*silent.pair, &*disarmed.pair, &*reference.pair});
        ASSERT_TRUE(holds_within(kPatience, [&] { return reference.checks_sent() >= 2; }));
        EXPECT_EQ(silent.checks_sent(), 0u);
        EXPECT_EQ(disarmed.checks_sent(), 0u);
        disarmed.gate().arm();
        EXPECT_TRUE(holds_within(kPatience, [&] { return disarmed.checks_sent() >= 1; })) << "armed again";
    }
}

TEST(Worker, RetriesACheckThatCouldNotBeSent) {
    End end;
    RingWire narrow(63, 2176, 1);
    end.pair.emplace(end.settings_for(narrow.port(), kProcess, Checks::On), end.echo_port.port());
    rte_mbuf* plug = narrow.make_frame(Bytes(60, 1));
    ASSERT_EQ(rte_eth_tx_burst(narrow.port(), 0, &plug, 1), 1);
    const RunningWorker worker({&*end.pair});
    EXPECT_FALSE(holds_within(50ms, [&] { return end.checks_sent() > 0; })) << "the TX ring has no room";
    narrow.take();
    EXPECT_TRUE(holds_within(kPatience, [&] { return end.checks_sent() > 0; }));
    EXPECT_TRUE(holds_within(kPatience, [&] { return narrow.take().size() == 1; }));
}

TEST(Worker, PortThatCannotSendItsCheckDelaysNoOther) {
    End end;
    End full;
    RingWire narrow(63, 2176, 1);
    full.pair.emplace(full.settings_for(narrow.port(), kProcess, Checks::On), full.echo_port.port());
    rte_mbuf* plug = narrow.make_frame(Bytes(60, 1));
    ASSERT_EQ(rte_eth_tx_burst(narrow.port(), 0, &plug, 1), 1);
    const std::uint64_t began = rte_rdtsc();
    {
        const RunningWorker worker({&*full.pair, &*end.pair});
        ASSERT_TRUE(holds_within(kPatience, [&] { return end.checks_sent() >= 2; }));
        // One check per second, however often the other port retries. No upper bound, as above.
        EXPECT_GE(rte_rdtsc() - began, rte_get_tsc_hz());
    }
    EXPECT_EQ(full.checks_sent(), 0u);
    narrow.take();
}

Bytes frame_to(wire::MacAddress destination) {
    Bytes bytes(60);
    const wire::MacAddress tester = 0xEE'DD'CC'BB'AA'02;
    std::memcpy(bytes.data(), &destination, 6);
    std::memcpy(bytes.data() + 6, &tester, 6);
    bytes[12] = 0x08;
    return bytes;
}

/// The wire between two ends: each receives copies of what the other sent, so each mbuf returns to its own
/// pool.
void carry(End& from, End& to) {
    for (const Bytes& bytes : from.wire.take())
        if (rte_mbuf* frame = to.wire.make_frame(bytes))
            to.wire.send(frame);
}

/// Carries frames from one end to the other while both run, until `done` returns true or time is up.
template <typename Done>
bool face_each_other(End& one, End& two, const Done& done) {
    const RunningWorker first({&*one.pair});
    const RunningWorker second({&*two.pair});
    for (int i = 0; i < 8; ++i)
        one.wire.send(frame_to(two.echo_port.rules().own_mac));
    return holds_within(kPatience, [&] {
        carry(one, two);
        carry(two, one);
        return done();
    });
}

TEST(Worker, TwoFacingEachOtherBothStop) {
    End one(1);
    End two(2);
    ASSERT_TRUE(face_each_other(one, two, [&] {
        return one.gate().facing() == verdict::Facing::Reflector &&
               two.gate().facing() == verdict::Facing::Reflector;
    }));
    // Two seconds of a worker's time hold three checks.
    EXPECT_LE(one.checks_sent(), 3u);
    EXPECT_LE(two.checks_sent(), 3u);
    const std::uint64_t echoed = one.count(verdict::Count::Echoed) + two.count(verdict::Count::Echoed);
    EXPECT_GT(echoed, 0u) << "frames circulated until then";
}

TEST(Worker, StopsWhenFacingABlindSwapper) {
    End checking(1);
    End blind(2, Checks::Off);
    blind.echo_port.rules().raw = true;
    ASSERT_TRUE(face_each_other(checking, blind,
                                [&] { return checking.gate().facing() == verdict::Facing::Reflector; }));
    EXPECT_LE(checking.checks_sent(), 3u);
    EXPECT_GT(checking.refused_checks(), 0u);
    EXPECT_EQ(blind.gate().facing(), verdict::Facing::Nobody);
    EXPECT_EQ(blind.checks_sent(), 0u);
}

TEST(Worker, StormEndsOnceBothHaveStopped) {
    End one(1);
    End two(2);
    const auto received = [&] {
        return one.count(verdict::Count::Received) + two.count(verdict::Count::Received);
    };
    std::uint64_t since_quiet = 0;
    std::uint64_t last = 0;
    ASSERT_TRUE(face_each_other(one, two, [&] {
        since_quiet = received() == last ? since_quiet + 1 : 0;
        last = received();
        return one.gate().facing() != verdict::Facing::Nobody &&
               since_quiet >= 100;  // iterations of a millisecond
    })) << "frames still circulate";
    EXPECT_EQ(one.gate().closed_by(rte_rdtsc()), verdict::Reason::FacingReflector);
    EXPECT_EQ(two.gate().closed_by(rte_rdtsc()), verdict::Reason::FacingReflector);
}

TEST(Worker, StormDoesNotEndWithoutLoopChecks) {
    End one(1, Checks::Off);
    End two(2, Checks::Off);
    EXPECT_TRUE(face_each_other(one, two, [&] { return one.count(verdict::Count::Received) > 1000; }));
    EXPECT_EQ(one.gate().facing(), verdict::Facing::Nobody);
    EXPECT_EQ(two.gate().facing(), verdict::Facing::Nobody);
    EXPECT_EQ(one.refused_checks(), 0u);
}

/// Sends frames with gaps long enough for a worker to start waiting.
void expect_all_back(End& end) {
    for (std::uint8_t number = 0; number < 20; ++number) {
        Bytes frame = frame_to(end.echo_port.rules().own_mac);
        frame[20] = number;
        end.wire.send(frame);
        std::vector<Bytes> returned;
        ASSERT_TRUE(holds_within(kPatience, [&] {
            returned = end.wire.take();
            return !returned.empty();
        })) << int{number};
        ASSERT_EQ(returned.size(), 1u);
        EXPECT_EQ(returned[0][20], number);
    }
}

TEST(Worker, EchoesInEveryIdleMode) {
    for (const engine::Idle idle : {engine::Idle::Poll, engine::Idle::Pause, engine::Idle::Sleep}) {
        End end(kProcess, Checks::Off);
        RunningWorker worker({&*end.pair}, idle);
        expect_all_back(end);
        EXPECT_GT(worker.busy_cycles(), 0u);
    }
}

TEST(Worker, YieldsItsCpuWhileItSleeps) {
    End end(kProcess, Checks::Off);
    RunningWorker worker({&*end.pair}, engine::Idle::Sleep);
    const auto cpu_before = worker.cpu_time();
    const auto began = std::chrono::steady_clock::now();
    std::this_thread::sleep_for(300ms);
    const auto cpu = worker.cpu_time() - cpu_before;
    EXPECT_LT(cpu, (std::chrono::steady_clock::now() - began) / 2);
    EXPECT_EQ(worker.busy_cycles(), 0u) << "no frames arrived";
}

TEST(Worker, WithoutQueuePairsItSleepsUntilStopped) {
    const RunningWorker worker({});
}

}  // namespace
}  // namespace l2echo
