#include "l2echo/tcp/timer_wheel.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <memory>
#include <random>
#include <vector>

namespace l2echo::tcp {
namespace {

constexpr Micros kMillisecond{1000};
constexpr Micros kSecondOfTime{1'000'000};
constexpr Micros kHour = 3600 * kSecondOfTime;

/// Advances tick by tick, as a loop without idle time does, until the node expires, and returns when.
Micros expiry_of(TimerWheel& wheel, Micros from, Micros until, Micros step) {
    for (Micros now = from; now <= until; now += step) {
        bool expired = false;
        wheel.advance(now, [&expired](TimerNode&) { expired = true; });
        if (expired)
            return now;
    }
    return Micros(-1);
}

TEST(TimerWheel, ExpiresANodeNotEarlyAndAtMostOneTickLate) {
    for (const Micros start : {Micros(0), Micros(999), Micros(255'000), Micros(65'535'999), 5 * kHour}) {
        for (const std::int64_t after : {0, 1, 999, 1000, 1001, 254'999, 255'000, 256'000, 257'001,
                                         65'535'000, 65'536'000, 65'537'001, 70'000'000}) {
            TimerWheel wheel(start);
            TimerNode node;
            const Micros deadline = start + Micros(after);
            wheel.arm(node, deadline);
            wheel.advance(deadline - Micros(1), [](TimerNode&) { FAIL() << "early"; });
            const Micros expired =
                expiry_of(wheel, std::max(start, deadline), deadline + kSecondOfTime, Micros(100));
            ASSERT_NE(expired, Micros(-1)) << start.count() << ' ' << after;
            EXPECT_LT(expired - deadline, 2 * kMillisecond) << start.count() << ' ' << after;
            if (after > 1000) {
                EXPECT_LE(expired - deadline, kMillisecond) << start.count() << ' ' << after;
            }
            EXPECT_FALSE(node.is_armed());
            EXPECT_TRUE(wheel.empty());
        }
    }
}

TEST(TimerWheel, ExpiresAllInOneStepHoweverLong) {
    TimerWheel wheel(Micros(123));
    std::deque<TimerNode> nodes;
    for (Micros deadline{1}; deadline < 30 * kHour; deadline = deadline * 3 / 2 + kMillisecond)
        wheel.arm(nodes.emplace_back(), deadline);
    std::size_t expired = 0;
    wheel.advance(31 * kHour, [&expired](TimerNode&) { ++expired; });
    EXPECT_EQ(expired, nodes.size());
    EXPECT_TRUE(wheel.empty());
}

TEST(TimerWheel, KeepsADeadlineBeyondItsRange) {
    for (const Micros deadline : {5 * kHour, 9 * kHour + Micros(77), 100 * kHour, 1000 * kHour}) {
        TimerWheel wheel(Micros(0));
        TimerNode node;
        wheel.arm(node, deadline);
        for (Micros now{0}; now < deadline; now += 7 * 60 * kSecondOfTime)
            wheel.advance(now, [](TimerNode&) { FAIL() << "early"; });
        wheel.advance(deadline - Micros(1), [](TimerNode&) { FAIL() << "early"; });
        bool expired = false;
        wheel.advance(deadline + kMillisecond, [&expired](TimerNode&) { expired = true; });
        EXPECT_TRUE(expired) << deadline.count();
    }
    TimerWheel wheel(Micros(0));
    TimerNode never;
    wheel.arm(never, Micros::max());
    wheel.advance(10'000 * kHour, [](TimerNode&) { FAIL() << "early"; });
    EXPECT_TRUE(never.is_armed());
}

TEST(TimerWheel, MovesADeadlineEitherWay) {
    TimerWheel wheel(Micros(0));
    TimerNode node;
    std::vector<Micros> expired;
    Micros now{0};
    const auto run_until = [&](Micros end) {
        for (; now <= end; now += kMillisecond)
            wheel.advance(now, [&](TimerNode&) { expired.push_back(now); });
    };
    wheel.arm(node, 10 * kMillisecond);
    wheel.arm(node, 500 * kMillisecond);  // back: the node waits where it is, and is moved
    run_until(400 * kMillisecond);
    EXPECT_TRUE(expired.empty());
    wheel.arm(node, 450 * kMillisecond);  // forward
    run_until(600 * kMillisecond);
    EXPECT_EQ(expired, std::vector<Micros>{450 * kMillisecond});
    wheel.arm(node, 700 * kMillisecond);
    wheel.disarm(node);
    wheel.disarm(node);
    EXPECT_TRUE(wheel.empty());
    run_until(800 * kMillisecond);
    EXPECT_EQ(expired.size(), 1U);
}

TEST(TimerWheel, LetsACallbackArmItsNodeAgain) {
    TimerWheel wheel(Micros(0));
    TimerNode node;
    int expired = 0;
    wheel.arm(node, kMillisecond);
    Micros now{0};
    const auto again = [&](TimerNode& due) {
        ++expired;
        wheel.arm(due, now);  // has passed: it expires with the next tick, and not endlessly in this one
    };
    for (; now < 100 * kMillisecond; now += kMillisecond)
        wheel.advance(now, again);
    EXPECT_EQ(expired, 99);
}

TEST(TimerWheel, LetsACallbackDisarmMoveAndDestroyNodesOfTheSameTick) {
    TimerWheel wheel(Micros(0));
    auto destroyed = std::make_unique<TimerNode>();
    auto own = std::make_unique<TimerNode>();
    TimerNode disarmed;
    TimerNode moved;
    TimerNode last;
    const Micros deadline = 5 * kMillisecond;
    wheel.arm(*own, deadline);  // first in its slot
    for (TimerNode* node : {destroyed.get(), &disarmed, &moved, &last})
        wheel.arm(*node, deadline);
    std::vector<const TimerNode*> expired;
    wheel.advance(deadline, [&](TimerNode& node) {
        expired.push_back(&node);
        if (&node != own.get())
            return;
        destroyed.reset();
        wheel.disarm(disarmed);
        wheel.arm(moved, deadline + 3 * kMillisecond);
        own.reset();
    });
    ASSERT_EQ(expired.size(), 2U);
    EXPECT_EQ(expired[1], &last);
    EXPECT_FALSE(disarmed.is_armed());
    EXPECT_TRUE(moved.is_armed());
    wheel.advance(deadline + 3 * kMillisecond, [&](TimerNode& node) { expired.push_back(&node); });
    ASSERT_EQ(expired.size(), 3U);
    EXPECT_EQ(expired[2], &moved);
}

TEST(TimerWheel, DisarmsANodeThatIsDestroyed) {
    TimerWheel wheel(Micros(0));
    {
        TimerNode node;
        wheel.arm(node, kSecondOfTime);
        EXPECT_FALSE(wheel.empty());
    }
    EXPECT_TRUE(wheel.empty());
    wheel.advance(2 * kSecondOfTime, [](TimerNode&) { FAIL(); });
}

TEST(TimerWheel, NamesATimeBeforeWhichNothingExpires) {
    TimerWheel wheel(Micros(0));
    EXPECT_FALSE(wheel.next());
    std::mt19937 random(5);
    std::deque<TimerNode> nodes(200);
    Micros earliest = Micros::max();
    for (TimerNode& node : nodes) {
        const Micros deadline{static_cast<std::int64_t>(random() % 400'000'000)};
        earliest = std::min(earliest, deadline);
        wheel.arm(node, deadline);
    }
    std::size_t expired = 0;
    std::size_t calls = 0;
    Micros before{0};
    while (const auto next = wheel.next()) {
        EXPECT_GT(*next, before) << "it makes progress";
        if (expired == 0) {
            EXPECT_LE(*next, earliest + kMillisecond);
        }
        wheel.advance(*next - Micros(1), [](TimerNode&) { FAIL() << "before next()"; });
        wheel.advance(*next, [&expired](TimerNode&) { ++expired; });
        before = *next;
        ASSERT_LT(++calls, 1000U);
    }
    EXPECT_EQ(expired, nodes.size());
}

TEST(TimerWheel, AgreesWithAListForAMillionNodes) {
    struct Timed : TimerNode {
        Micros deadline{0};
        bool expires = false;
    };
    constexpr std::size_t kNodes = 1'000'000;
    TimerWheel wheel(kHour);
    std::mt19937_64 random(7);
    std::vector<Timed> nodes(kNodes);
    const auto arm = [&](Timed& node, Micros now) {
        // As for connections: most deadlines are within a second, some within minutes, a few within hours.
        const std::int64_t range = random() % 8 != 0   ? 1'000'000
                                   : random() % 8 != 0 ? 300'000'000
                                                       : 20'000'000'000;
        node.deadline = now + Micros(static_cast<std::int64_t>(random()) % range + range);
        node.expires = true;
        wheel.arm(node, node.deadline);
    };
    for (Timed& node : nodes)
        arm(node, kHour);
    std::size_t expired = 0;
    std::size_t wrong = 0;
    Micros now = kHour;
    const auto expire = [&](TimerNode& due) {
        auto& node = static_cast<Timed&>(due);
        ++expired;
        wrong += !node.expires || node.deadline > now ? 1 : 0;
        node.expires = false;
        if (expired % 4 == 0)
            arm(node, now);
    };
    for (int turn = 0; turn < 5000; ++turn) {
        now += Micros(static_cast<std::int64_t>(random() % 10'000));
        wheel.advance(now, expire);
        for (int i = 0; i < 100; ++i) {
            Timed& node = nodes[random() % kNodes];
            if (i % 4 == 0) {
                wheel.disarm(node);
                node.expires = false;
            } else {
                arm(node, now);
            }
        }
    }
    EXPECT_GT(expired, kNodes / 2);
    std::size_t late = 0;
    for (const Timed& node : nodes) {
        late += node.expires && node.deadline + 2 * kMillisecond <= now ? 1 : 0;
        wrong += node.is_armed() != node.expires ? 1 : 0;
    }
    EXPECT_EQ(late, 0U);
    EXPECT_EQ(wrong, 0U);
    now += 100 * kHour;
    while (!wheel.empty()) {
        wheel.advance(now, expire);
        now += 100 * kHour;
    }
    EXPECT_EQ(wrong, 0U);
}

}  // namespace
}  // namespace l2echo::tcp
