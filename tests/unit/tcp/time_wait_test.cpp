#include "l2echo/tcp/time_wait.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <deque>
#include <memory>
#include <random>

#include "unit/tcp/tuples.hpp"

namespace l2echo::tcp {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Micros kWaitStart = seconds(10);
constexpr TimeWaitState kPlainWait{Sequence(100), Sequence(0xFFFF'FFF0), false, 0, TimestampClock(5)};
constexpr TimeWaitState kTimestampWait{Sequence(100), Sequence(0xFFFF'FFF0), true, 0xFFFF'FFFE,
                                       TimestampClock(5)};

class TimeWait : public testing::Test {
  protected:
    static constexpr std::uint32_t kEntries = 100;

    TimeWait()
        : memory_(static_cast<std::byte*>(
                      std::aligned_alloc(64, (TimeWaitTable::memory_for(kEntries) + 63) / 64 * 64)),
                  &std::free),
          table({memory_.get(), TimeWaitTable::memory_for(kEntries)}, seconds(60), {1, 2}) {}
    ~TimeWait() override { EXPECT_EQ(table.check_invariants(), nullptr); }

    static wire::TcpHeader segment(Sequence sequence) {
        wire::TcpHeader header;
        header.sequence = sequence.value();
        header.flags.ack = true;
        return header;
    }
    static wire::TcpHeader syn(Sequence sequence, std::optional<std::uint32_t> timestamp = std::nullopt) {
        wire::TcpHeader header;
        header.sequence = sequence.value();
        header.flags.syn = true;
        if (timestamp)
            header.options.timestamps = wire::TcpTimestamps{*timestamp, 0};
        return header;
    }
    TimeWaitAction receive(const wire::TcpHeader& header, std::size_t payload = 0, Micros now = kWaitStart) {
        return table.receive(ipv4_tuple(), header, payload, now).action;
    }

  private:
    std::unique_ptr<std::byte, decltype(&std::free)> memory_;

  protected:
    TimeWaitTable table;
};

TEST_F(TimeWait, HoldsAsManyEntriesAsItsMemory) {
    EXPECT_EQ(table.capacity(), kEntries);
    EXPECT_LE(TimeWaitTable::memory_for(65'536), 65'536u * 72);
    EXPECT_EQ(TimeWaitTable({}, seconds(60), {}).capacity(), 0u);
    TimeWaitTable none({}, seconds(60), {});
    none.insert(ipv4_tuple(), kPlainWait, kWaitStart);
    EXPECT_EQ(none.size(), 0u);
    EXPECT_EQ(none.receive(ipv4_tuple(), segment(kPlainWait.receive_next), 0, kWaitStart).action,
              TimeWaitAction::None);
}

TEST_F(TimeWait, EntriesExpireAfterTwoMsl) {
    table.insert(ipv4_tuple(), kPlainWait, kWaitStart);
    table.insert(ipv4_tuple(2), kPlainWait, kWaitStart + seconds(1));
    EXPECT_EQ(table.expire(kWaitStart + milliseconds(59'999)), 0u);
    const Micros deadline = *table.deadline(kWaitStart + seconds(30));
    EXPECT_GE(deadline, kWaitStart + seconds(60));
    EXPECT_LE(deadline, kWaitStart + seconds(60) + milliseconds(1));
    EXPECT_EQ(table.expire(deadline), 1u);
    EXPECT_FALSE(table.contains(ipv4_tuple()));
    EXPECT_TRUE(table.contains(ipv4_tuple(2)));
    EXPECT_EQ(table.expire(kWaitStart + seconds(100)), 1u);
    EXPECT_EQ(table.deadline(kWaitStart), std::nullopt);
}

TEST_F(TimeWait, TuplesOfOtherConnectionsAreNotInIt) {
    table.insert(ipv4_tuple(), kPlainWait, kWaitStart);
    EXPECT_EQ(table.receive(ipv4_tuple(2), segment(kPlainWait.receive_next), 0, kWaitStart).action,
              TimeWaitAction::None);
    Tuple ipv6 = ipv4_tuple();  // the same bytes
    ipv6.local.version = ipv6.remote.version = 6;
    EXPECT_FALSE(table.contains(ipv6));
}

TEST_F(TimeWait, ResetsAreIgnored) {
    table.insert(ipv4_tuple(), kPlainWait, kWaitStart);
    wire::TcpHeader reset = segment(kPlainWait.receive_next);
    reset.flags.rst = true;
    EXPECT_EQ(receive(reset), TimeWaitAction::Ignore) << "RFC 1337";
    reset.sequence -= 10;
    EXPECT_EQ(receive(reset), TimeWaitAction::Ignore) << "nor is one that is not acceptable answered";
    EXPECT_TRUE(table.contains(ipv4_tuple()));
}

TEST_F(TimeWait, RepeatedFinIsAcknowledgedAndRestartsTheWait) {
    table.insert(ipv4_tuple(), kPlainWait, kWaitStart);
    table.insert(ipv4_tuple(2), kPlainWait, kWaitStart + seconds(1));
    wire::TcpHeader fin = segment(kPlainWait.receive_next - 1U);
    fin.flags.fin = true;
    const TimeWaitAnswer answer = table.receive(ipv4_tuple(), fin, 0, kWaitStart + seconds(50));
    EXPECT_EQ(answer.action, TimeWaitAction::Acknowledge);
    EXPECT_EQ(answer.state.next, kPlainWait.next);
    EXPECT_EQ(answer.state.receive_next, kPlainWait.receive_next);
    EXPECT_EQ(answer.state.clock.offset(), 5u);
    EXPECT_EQ(table.expire(kWaitStart + seconds(62)), 1u);
    EXPECT_TRUE(table.contains(ipv4_tuple())) << "its wait started again after 50 s";
}

TEST_F(TimeWait, OldDataIsAcknowledgedAndAPureAckIsNot) {
    table.insert(ipv4_tuple(), kPlainWait, kWaitStart);
    EXPECT_EQ(receive(segment(kPlainWait.receive_next)), TimeWaitAction::Ignore);
    EXPECT_EQ(receive(segment(kPlainWait.receive_next), 1), TimeWaitAction::Acknowledge);
    EXPECT_EQ(receive(segment(kPlainWait.receive_next - 10U)), TimeWaitAction::Acknowledge);
    EXPECT_EQ(receive(segment(kPlainWait.receive_next + 10U)), TimeWaitAction::Acknowledge);
}

TEST_F(TimeWait, SynWithALaterSequenceReopens) {
    table.insert(ipv4_tuple(), kPlainWait, kWaitStart);
    EXPECT_EQ(receive(syn(kPlainWait.receive_next)), TimeWaitAction::Ignore);
    EXPECT_EQ(receive(syn(kPlainWait.receive_next - 1000U)), TimeWaitAction::Ignore);
    const TimeWaitAnswer answer =
        table.receive(ipv4_tuple(), syn(kPlainWait.receive_next + 20), 0, kWaitStart);
    EXPECT_EQ(answer.action, TimeWaitAction::Reopen);
    EXPECT_EQ(answer.state.next, kPlainWait.next);
    EXPECT_FALSE(table.contains(ipv4_tuple()));
}

TEST_F(TimeWait, SynIsComparedByTimestampIfBothHaveThem) {
    const Sequence old = kTimestampWait.receive_next - 1000U;
    table.insert(ipv4_tuple(), kTimestampWait, kWaitStart);
    EXPECT_EQ(receive(syn(old, 0xFFFF'FFFD)), TimeWaitAction::Ignore);
    EXPECT_EQ(receive(syn(kTimestampWait.receive_next + 1, 0xFFFF'FFFD)), TimeWaitAction::Ignore)
        << "RFC 6191 2";
    EXPECT_EQ(receive(syn(old, 0xFFFF'FFFE)), TimeWaitAction::Ignore);
    EXPECT_EQ(receive(syn(old, 1)), TimeWaitAction::Reopen) << "the timestamp wrapped";
    table.insert(ipv4_tuple(), kTimestampWait, kWaitStart);
    EXPECT_EQ(receive(syn(kTimestampWait.receive_next + 1, 0xFFFF'FFFE)), TimeWaitAction::Reopen);
    table.insert(ipv4_tuple(), kTimestampWait, kWaitStart);
    EXPECT_EQ(receive(syn(kTimestampWait.receive_next + 1)), TimeWaitAction::Reopen) << "without timestamps";
    table.insert(ipv4_tuple(), kPlainWait, kWaitStart);
    EXPECT_EQ(receive(syn(old, 1)), TimeWaitAction::Reopen) << "only the new connection has timestamps";
}

TEST_F(TimeWait, OldestMakesRoomInAFullTable) {
    for (std::uint16_t port = 0; port < kEntries + 5; ++port)
        table.insert(ipv4_tuple(port), kPlainWait, kWaitStart);
    EXPECT_EQ(table.size(), kEntries);
    EXPECT_EQ(table.evicted(), 5u);
    for (std::uint16_t port = 0; port < kEntries + 5; ++port)
        EXPECT_EQ(table.contains(ipv4_tuple(port)), port >= 5);
}

TEST_F(TimeWait, AgreesWithAListUnderRandomCalls) {
    struct Waiting {
        std::uint16_t port;
        Micros since;
    };
    std::deque<Waiting> expected;
    std::mt19937 random(1);
    Micros now =
        std::chrono::hours(24 * 49) + std::chrono::hours(16);  // the milliseconds wrap within the run
    std::uint64_t evicted = 0;
    const auto is = [](std::uint16_t port) { return [port](const Waiting& w) { return w.port == port; }; };
    for (int i = 0; i < 50'000; ++i) {
        now += milliseconds(random() % 200);
        const auto port = static_cast<std::uint16_t>(random() % 150);
        const auto found = std::find_if(expected.begin(), expected.end(), is(port));
        switch (random() % 4) {
            case 0:
                if (found != expected.end())
                    expected.erase(found);
                if (expected.size() == kEntries) {
                    expected.pop_front();
                    ++evicted;
                }
                expected.push_back({port, now});
                table.insert(ipv4_tuple(port), kPlainWait, now);
                break;
            case 1: {
                wire::TcpHeader fin = segment(kPlainWait.receive_next);
                fin.flags.fin = true;
                const TimeWaitAction action = table.receive(ipv4_tuple(port), fin, 0, now).action;
                ASSERT_EQ(action,
                          found == expected.end() ? TimeWaitAction::None : TimeWaitAction::Acknowledge);
                if (found != expected.end()) {
                    expected.erase(found);
                    expected.push_back({port, now});
                }
                break;
            }
            case 2: {
                if (random() % 4 != 0)
                    break;
                const TimeWaitAction action =
                    table.receive(ipv4_tuple(port), syn(kPlainWait.receive_next + 1), 0, now).action;
                ASSERT_EQ(action, found == expected.end() ? TimeWaitAction::None : TimeWaitAction::Reopen);
                if (found != expected.end())
                    expected.erase(found);
                break;
            }
            default: {
                const auto ms = [](Micros time) { return time.count() / 1000; };
                std::uint32_t expired = 0;
                while (!expected.empty() && ms(expected.front().since + seconds(60)) + 1 <= ms(now)) {
                    expected.pop_front();
                    ++expired;
                }
                ASSERT_EQ(table.expire(now), expired);
            }
        }
        ASSERT_EQ(table.size(), expected.size());
        if (i % 100 == 0) {
            ASSERT_EQ(table.check_invariants(), nullptr);
            for (std::uint16_t p = 0; p < 150; ++p)
                ASSERT_EQ(table.contains(ipv4_tuple(p)),
                          std::any_of(expected.begin(), expected.end(), is(p)));
        }
    }
    EXPECT_EQ(table.evicted(), evicted);
    EXPECT_GT(evicted, 0u);
}

}  // namespace
}  // namespace l2echo::tcp
