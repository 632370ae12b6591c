#include "l2echo/net/neighbours.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

#include "test_addresses.hpp"

namespace l2echo::net {
namespace {

using namespace packets;
using namespace std::chrono_literals;
using wire::IpAddress;
using State = NeighbourState;

constexpr wire::MacAddress kMac = 0x0201'0203'0402;
constexpr wire::MacAddress kOtherMac = 0x0901'0203'0402;
const IpAddress kPeer = v4({192, 0, 2, 7});

IpAddress numbered(unsigned number) {
    return v4({10, static_cast<std::uint8_t>(number >> 16), static_cast<std::uint8_t>(number >> 8),
               static_cast<std::uint8_t>(number)});
}
NeighbourSettings small(std::uint32_t entries = 16, std::uint32_t frames = 8) {
    return {.entries = entries, .held_frames = frames, .key = {1, 2}};
}
Neighbours::Advertisement arp_reply(const IpAddress& address, wire::MacAddress mac) {
    return {.address = address, .mac = mac, .solicited = true, .overrides = true};
}
Neighbours::Advertisement gratuitous(const IpAddress& address, wire::MacAddress mac) {
    return {.address = address, .mac = mac, .solicited = false, .overrides = true};
}
/// Takes the requests that are due, and counts them.
unsigned requests_at(Neighbours& cache, Micros now) {
    unsigned requests = 0;
    while (cache.next_request(now))
        ++requests;
    return requests;
}
/// A cache in which the peer has answered at 0 s.
Neighbours with_peer() {
    Neighbours cache(small());
    cache.resolve(kPeer, 0s);
    requests_at(cache, 0s);
    EXPECT_TRUE(cache.learn_from_advertisement(arp_reply(kPeer, kMac), 0s));
    return cache;
}
/// A cache in which the peer is in this state at 100 s.
Neighbours with_peer_in(State state) {
    Neighbours cache(small());
    switch (state) {
        case State::Incomplete:
            cache.resolve(kPeer, 100s);
            requests_at(cache, 100s);
            break;
        case State::Unreachable:
            cache.resolve(kPeer, 95s);
            for (const Micros now : {95s, 96s, 97s, 98s})
                requests_at(cache, now);
            break;
        case State::Reachable:
            cache.learn_from_request(kPeer, kMac, 99s);
            cache.confirm(kPeer, 99s);
            break;
        case State::Stale:
            cache.learn_from_request(kPeer, kMac, 99s);
            break;
        case State::Delay:
            cache.learn_from_request(kPeer, kMac, 99s);
            cache.resolve(kPeer, 99s);
            break;
        case State::Probe:
            cache.learn_from_request(kPeer, kMac, 90s);
            cache.resolve(kPeer, 95s);
            requests_at(cache, 100s);
            break;
    }
    EXPECT_EQ(cache.state_of(kPeer, 100s), state);
    return cache;
}

TEST(Neighbours, AskThreeTimesASecondApartThenGiveUpForAWhile) {
    Neighbours cache(small());
    EXPECT_EQ(cache.next_deadline(), kNever);
    EXPECT_EQ(cache.resolve(kPeer, 10s).state, State::Incomplete);
    EXPECT_EQ(cache.next_deadline(), Micros(10s));
    const auto first = cache.next_request(10s);
    ASSERT_TRUE(first);
    EXPECT_EQ(first->target, kPeer);
    EXPECT_FALSE(first->unicast) << "to all";
    EXPECT_FALSE(cache.next_request(10s));
    EXPECT_EQ(cache.next_deadline(), Micros(11s));
    EXPECT_EQ(requests_at(cache, 10'999ms), 0U);
    EXPECT_EQ(requests_at(cache, 11s), 1U);
    EXPECT_EQ(requests_at(cache, 12s), 1U);
    EXPECT_EQ(cache.resolve(kPeer, 12'999ms).state, State::Incomplete);
    EXPECT_EQ(requests_at(cache, 13s), 0U);
    EXPECT_EQ(cache.resolve(kPeer, 13s).state, State::Unreachable);
    EXPECT_EQ(requests_at(cache, 17'999ms), 0U);
    EXPECT_EQ(cache.resolve(kPeer, 17'999ms).state, State::Unreachable);
    EXPECT_EQ(cache.next_deadline(), Micros(18s));
    EXPECT_EQ(requests_at(cache, 18s), 0U);
    EXPECT_EQ(cache.size(), 0U);
    EXPECT_EQ(cache.resolve(kPeer, 18s).state, State::Incomplete) << "asked again";
    EXPECT_EQ(cache.counts().requests, 3U);
    EXPECT_EQ(cache.counts().unreachable, 1U);
}

TEST(Neighbours, GoThroughTheStatesOfRfc4861) {
    Neighbours cache = with_peer();
    EXPECT_EQ(cache.resolve(kPeer, 1s).state, State::Reachable);
    EXPECT_EQ(cache.resolve(kPeer, 1s).mac, kMac);
    EXPECT_EQ(cache.state_of(kPeer, 15s), State::Reachable) << "half of the average at least";
    EXPECT_EQ(cache.state_of(kPeer, 46s), State::Stale) << "one and a half of the average at most";
    EXPECT_EQ(cache.next_deadline(), kNever) << "nothing is asked for what nobody uses";
    EXPECT_EQ(cache.resolve(kPeer, 50s).state, State::Delay);
    EXPECT_EQ(cache.next_deadline(), Micros(55s));
    EXPECT_EQ(requests_at(cache, 54s), 0U);
    const auto probe = cache.next_request(55s);
    ASSERT_TRUE(probe);
    EXPECT_EQ(probe->unicast, kMac);
    EXPECT_EQ(cache.resolve(kPeer, 55s).state, State::Probe);
    EXPECT_TRUE(cache.resolve(kPeer, 55s).has_mac()) << "used while it is probed";
    EXPECT_FALSE(cache.learn_from_advertisement(arp_reply(kPeer, kMac), 56s));
    EXPECT_EQ(cache.state_of(kPeer, 56s), State::Reachable);
}

TEST(Neighbours, ForgetWhoDoesNotAnswerProbes) {
    Neighbours cache = with_peer_in(State::Probe);
    EXPECT_EQ(requests_at(cache, 101s), 1U);
    EXPECT_EQ(requests_at(cache, 102s), 1U);
    EXPECT_EQ(requests_at(cache, 103s), 0U);
    EXPECT_EQ(cache.size(), 0U);
    cache.resolve(kPeer, 104s);
    const auto request = cache.next_request(104s);
    ASSERT_TRUE(request);
    EXPECT_FALSE(request->unicast) << "asks everyone";
}

TEST(Neighbours, AreConfirmedByUpperLayersWithoutARequest) {
    for (const State state : {State::Reachable, State::Stale, State::Delay, State::Probe}) {
        Neighbours cache = with_peer_in(state);
        cache.confirm(kPeer, 100s);
        EXPECT_EQ(cache.state_of(kPeer, 114s), State::Reachable);
        EXPECT_EQ(requests_at(cache, 150s), 0U);
    }
    for (const State state : {State::Incomplete, State::Unreachable}) {
        Neighbours cache = with_peer_in(state);
        cache.confirm(kPeer, 100s);
        EXPECT_EQ(cache.state_of(kPeer, 100s), state) << "without a MAC address there is nothing to confirm";
    }
    Neighbours empty(small());
    empty.confirm(kPeer, 0s);
    EXPECT_EQ(empty.size(), 0U);
}

// RFC 4861, 7.2.5 and the table in its appendix C, for a solicited flag that is only believed while asking.
TEST(Neighbours, LearnFromAdvertisementsAsTheTableSays) {
    const std::optional<wire::MacAddress> none, same = kMac, other = kOtherMac;
    struct Row {
        State before;
        std::optional<wire::MacAddress> mac;
        bool solicited, overrides;
        State after;
        wire::MacAddress mac_after;
        bool learned;
    };
    for (const Row& row : std::vector<Row>{
             {State::Incomplete, none, true, true, State::Incomplete, 0, false},
             {State::Incomplete, same, true, false, State::Reachable, kMac, true},
             {State::Incomplete, same, true, true, State::Reachable, kMac, true},
             {State::Incomplete, same, false, true, State::Stale, kMac, true},
             {State::Unreachable, same, true, true, State::Stale, kMac, true},
             {State::Unreachable, none, true, true, State::Unreachable, 0, false},
             {State::Reachable, other, false, false, State::Stale, kMac, false},
             {State::Reachable, other, true, false, State::Stale, kMac, false},
             {State::Reachable, other, false, true, State::Stale, kOtherMac, true},
             {State::Reachable, other, true, true, State::Stale, kOtherMac, true},
             {State::Reachable, same, false, true, State::Reachable, kMac, false},
             {State::Reachable, none, false, false, State::Reachable, kMac, false},
             {State::Stale, other, true, false, State::Stale, kMac, false},
             {State::Stale, other, false, true, State::Stale, kOtherMac, true},
             {State::Stale, same, true, true, State::Stale, kMac, false},
             {State::Delay, other, true, false, State::Delay, kMac, false},
             {State::Delay, other, true, true, State::Stale, kOtherMac, true},
             {State::Delay, same, true, true, State::Delay, kMac, false},
             {State::Probe, same, true, false, State::Reachable, kMac, false},
             {State::Probe, none, true, false, State::Reachable, kMac, false},
             {State::Probe, same, false, true, State::Probe, kMac, false},
             {State::Probe, other, true, true, State::Reachable, kOtherMac, true},
             {State::Probe, other, true, false, State::Probe, kMac, false},
             {State::Probe, other, false, true, State::Stale, kOtherMac, true},
         }) {
        Neighbours cache = with_peer_in(row.before);
        const auto where = testing::Message() << int(row.before) << (row.mac ? *row.mac : 0) << ' '
                                              << row.solicited << row.overrides;
        EXPECT_EQ(cache.learn_from_advertisement({kPeer, row.mac, row.solicited, row.overrides}, 100s),
                  row.learned)
            << where;
        EXPECT_EQ(cache.state_of(kPeer, 100s), row.after) << where;
        EXPECT_EQ(cache.resolve(kPeer, 100s).mac, row.mac_after) << where;
    }
}

TEST(Neighbours, LearnFromRequestsToUs) {
    for (const State state : {State::Incomplete, State::Unreachable, State::Reachable, State::Stale,
                              State::Delay, State::Probe}) {
        Neighbours cache = with_peer_in(state);
        EXPECT_TRUE(cache.learn_from_request(kPeer, kOtherMac, 100s));
        EXPECT_EQ(cache.state_of(kPeer, 100s), State::Stale) << int(state);
        EXPECT_EQ(cache.resolve(kPeer, 100s).mac, kOtherMac);
    }
    for (const State state : {State::Reachable, State::Stale, State::Delay, State::Probe}) {
        Neighbours cache = with_peer_in(state);
        EXPECT_FALSE(cache.learn_from_request(kPeer, kMac, 100s));
        EXPECT_EQ(cache.state_of(kPeer, 100s), state) << "known already";
    }
    Neighbours cache(small());
    EXPECT_TRUE(cache.learn_from_request(kPeer, kMac, 0s));
    EXPECT_EQ(cache.resolve(kPeer, 0s).state, State::Delay);
}

TEST(Neighbours, DoNotLearnWhatNobodyAskedFor) {
    Neighbours cache(small());
    EXPECT_FALSE(cache.learn_from_advertisement(arp_reply(kPeer, kMac), 0s));
    EXPECT_FALSE(cache.learn_from_advertisement(gratuitous(kPeer, kMac), 0s));
    EXPECT_EQ(cache.size(), 0U);
    EXPECT_EQ(cache.counts().ignored, 2U);
    // An answer before the question is sent is no answer.
    cache.resolve(kPeer, 0s);
    EXPECT_TRUE(cache.learn_from_advertisement(arp_reply(kPeer, kMac), 0s));
    EXPECT_EQ(cache.state_of(kPeer, 0s), State::Stale);
}

TEST(Neighbours, DoNotLearnGroupAddressesOrNone) {
    for (const wire::MacAddress mac :
         {wire::MacAddress{0}, wire::kBroadcastMac, wire::MacAddress{0x0100'5E00'0001}}) {
        Neighbours cache = with_peer_in(State::Incomplete);
        EXPECT_FALSE(cache.learn_from_request(kPeer, mac, 100s));
        EXPECT_FALSE(cache.learn_from_advertisement(arp_reply(kPeer, mac), 100s));
        EXPECT_EQ(cache.state_of(kPeer, 100s), State::Incomplete);
        EXPECT_EQ(cache.counts().ignored, 2U);
    }
}

class Frames {
  public:
    void* operator[](unsigned i) { return &frames_.at(i); }

  private:
    std::array<int, 64> frames_{};
};

TEST(Neighbours, HoldTheThreeNewestFramesAndReleaseThemInOrder) {
    Frames frames;
    Neighbours cache = with_peer_in(State::Incomplete);
    for (unsigned i = 0; i < 3; ++i)
        EXPECT_EQ(cache.hold(kPeer, frames[i]), nullptr);
    EXPECT_EQ(cache.hold(kPeer, frames[3]), frames[0]) << "the oldest one gives way";
    EXPECT_EQ(cache.take_held(kPeer), nullptr) << "not yet";
    cache.learn_from_advertisement(arp_reply(kPeer, kMac), 100s);
    for (unsigned i = 1; i < 4; ++i)
        EXPECT_EQ(cache.take_held(kPeer), frames[i]);
    EXPECT_EQ(cache.take_held(kPeer), nullptr);
    EXPECT_EQ(cache.take_dropped(), nullptr);
    EXPECT_EQ(cache.counts().dropped, 1U);
}

TEST(Neighbours, ReturnFramesThatNobodyWaitsFor) {
    Frames frames;
    Neighbours cache = with_peer_in(State::Reachable);
    EXPECT_EQ(cache.hold(kPeer, frames[0]), frames[0]);
    EXPECT_EQ(cache.hold(numbered(1), frames[0]), frames[0]);
    Neighbours failed = with_peer_in(State::Unreachable);
    EXPECT_EQ(failed.hold(kPeer, frames[0]), frames[0]);
}

TEST(Neighbours, HoldABoundedNumberOfFramesInAll) {
    Frames frames;
    Neighbours cache(small(16, 4));
    for (unsigned i = 0; i < 3; ++i)
        cache.resolve(numbered(i), 0s);
    EXPECT_EQ(cache.hold(numbered(0), frames[0]), nullptr);
    EXPECT_EQ(cache.hold(numbered(0), frames[1]), nullptr);
    EXPECT_EQ(cache.hold(numbered(1), frames[2]), nullptr);
    EXPECT_EQ(cache.hold(numbered(1), frames[3]), nullptr);
    EXPECT_EQ(cache.hold(numbered(0), frames[4]), frames[0]) << "its own oldest one gives way";
    EXPECT_EQ(cache.hold(numbered(2), frames[5]), frames[5]) << "it has none";
}

TEST(Neighbours, GiveBackTheFramesOfWhoDoesNotAnswer) {
    Frames frames;
    Neighbours cache = with_peer_in(State::Incomplete);
    cache.hold(kPeer, frames[0]);
    cache.hold(kPeer, frames[1]);
    for (const Micros now : {101s, 102s, 103s})
        requests_at(cache, now);
    EXPECT_EQ(cache.take_dropped(), frames[0]);
    EXPECT_EQ(cache.take_dropped(), frames[1]);
    EXPECT_EQ(cache.take_dropped(), nullptr);
}

TEST(Neighbours, GiveBackAllFramesAtTheEnd) {
    Frames frames;
    Neighbours cache(small());
    for (unsigned i = 0; i < 4; ++i) {
        cache.resolve(numbered(i), 0s);
        cache.hold(numbered(i), frames[i]);
    }
    cache.drop_all();
    std::set<void*> dropped;
    while (void* frame = cache.take_dropped())
        dropped.insert(frame);
    EXPECT_EQ(dropped.size(), 4U);
    EXPECT_EQ(cache.size(), 0U);
    EXPECT_EQ(cache.next_deadline(), kNever);
}

TEST(Neighbours, ThatDoNotAnswerGetHalfOfTheTable) {
    Neighbours cache(small(16));
    for (unsigned i = 0; i < 8; ++i) {
        cache.learn_from_request(numbered(i), kMac, 0s);
        cache.confirm(numbered(i), 0s);
    }
    for (unsigned i = 100; i < 200; ++i)
        cache.resolve(numbered(i), 1s);
    for (unsigned i = 0; i < 8; ++i)
        EXPECT_EQ(cache.state_of(numbered(i), 1s), State::Reachable) << i;
    EXPECT_EQ(cache.size(), 16U);
    EXPECT_EQ(cache.state_of(numbered(199), 1s), State::Incomplete) << "the newest one is asked";
    EXPECT_EQ(requests_at(cache, 1s), 8U);
}

TEST(Neighbours, WithInventedRequestsReplaceEachOther) {
    Neighbours cache(small(16));
    for (unsigned i = 0; i < 15; ++i) {
        cache.learn_from_request(numbered(i), kMac, 0s);
        cache.confirm(numbered(i), 0s);
        cache.resolve(numbered(i), 2s);
    }
    for (unsigned i = 100; i < 200; ++i)
        cache.learn_from_request(numbered(i), kMac, 3s);
    for (unsigned i = 0; i < 15; ++i)
        EXPECT_EQ(cache.state_of(numbered(i), 3s), State::Reachable) << i;
    EXPECT_EQ(cache.counts().evicted, 99U);
}

TEST(Neighbours, EvictTheLeastRecentlyUsed) {
    Neighbours cache(small(8));
    for (unsigned i = 0; i < 8; ++i) {
        cache.learn_from_request(numbered(i), kMac, 0s);
        cache.confirm(numbered(i), 0s);
        cache.resolve(numbered(i), Micros(1s) * (i + 1));
    }
    cache.resolve(numbered(0), 10s);
    cache.resolve(numbered(50), 10s);
    EXPECT_FALSE(cache.state_of(numbered(1), 10s));
    EXPECT_EQ(cache.state_of(numbered(0), 10s), State::Reachable);
}

// Any calls in any order: every frame comes back once, and the table stays within its bounds.
TEST(Neighbours, KeepTheirBoundsAndEveryFrameUnderRandomCalls) {
    std::mt19937 random(7);
    Neighbours cache(small(16, 12));
    std::vector<int> frames(20'000);
    std::size_t next = 0;
    std::multiset<void*> inside;
    const auto leave = [&inside](void* frame) {
        if (frame == nullptr)
            return false;
        const auto found = inside.find(frame);
        EXPECT_NE(found, inside.end()) << "a frame that is not inside";
        if (found != inside.end())
            inside.erase(found);
        return true;
    };
    Micros now(0);
    for (unsigned round = 0; round < 200'000; ++round) {
        const IpAddress address = numbered(random() % 40);
        const wire::MacAddress mac = random() % 4 == 0 ? kOtherMac : kMac;
        switch (random() % 9) {
            case 0:
                now += Micros(random() % 2'000'000);
                break;
            case 1:
            case 2: {
                if (cache.resolve(address, now).state != State::Incomplete || next == frames.size())
                    break;
                void* frame = &frames[next++];
                inside.insert(frame);
                leave(cache.hold(address, frame));
                break;
            }
            case 3:
                cache.confirm(address, now);
                break;
            case 4:
                cache.learn_from_request(address, mac, now);
                break;
            case 5:
                cache.learn_from_advertisement({address, mac, random() % 2 == 0, random() % 2 == 0}, now);
                break;
            case 6:
                while (leave(cache.take_held(address))) {
                }
                break;
            case 7:
                while (leave(cache.take_dropped())) {
                }
                break;
            default:
                while (cache.next_request(now)) {
                }
                ASSERT_GT(cache.next_deadline(), now);
        }
        ASSERT_LE(cache.size(), 16U);
        ASSERT_LE(inside.size(), 12U);
    }
    EXPECT_GT(next, 1000U) << "frames were held";
    cache.drop_all();
    while (leave(cache.take_dropped())) {
    }
    EXPECT_TRUE(inside.empty());
    EXPECT_GT(cache.counts().evicted, 0U);
    EXPECT_GT(cache.counts().unreachable, 0U);
    EXPECT_GT(cache.counts().moved, 0U);
}

}  // namespace
}  // namespace l2echo::net
