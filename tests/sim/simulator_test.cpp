// The simulator itself: a wire that loses nothing would find nothing.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <stdexcept>
#include <utility>
#include <vector>

#include "event_queue.hpp"
#include "impaired_wire.hpp"
#include "packet.hpp"
#include "schedule.hpp"
#include "simulation.hpp"
#include "witness.hpp"

namespace l2echo::sim {
namespace {

using tcp::Micros;

TEST(Schedule, IsTheSameForTheSameSeed) {
    EXPECT_EQ(Schedule::from_seed(7), Schedule::from_seed(7));
    EXPECT_NE(Schedule::from_seed(7), Schedule::from_seed(8));
}

TEST(Schedule, ReadsWhatItWrites) {
    for (std::uint64_t seed = 1; seed <= 1'000; ++seed) {
        const Schedule schedule = Schedule::from_seed(seed);
        ASSERT_EQ(Schedule::from_text(schedule.text()), schedule) << schedule.text();
    }
}

TEST(Schedule, RefusesWhatItDoesNotKnow) {
    EXPECT_THROW(Schedule::from_text("loss=1 lost=1"), std::invalid_argument);
    EXPECT_THROW(Schedule::from_text("loss"), std::invalid_argument);
    EXPECT_THROW(Schedule::from_text("loss="), std::invalid_argument);
    EXPECT_THROW(Schedule::from_text("loss=1x"), std::invalid_argument);
    EXPECT_THROW(Schedule::from_text("loss=1000001"), std::invalid_argument);
}

TEST(Schedule, OfAnInputOfZerosIsTheSimplest) {
    const std::vector<std::uint8_t> zeros(2 * kKeys);
    EXPECT_EQ(Schedule::from_bytes(zeros), Schedule());
    EXPECT_EQ(Schedule::from_bytes({}), Schedule());
}

TEST(Schedule, StaysInItsRangesForAnyInput) {
    Random random(1);
    for (int i = 0; i < 1'000; ++i) {
        std::vector<std::uint8_t> bytes(2 * kKeys);
        for (std::uint8_t& byte : bytes)
            byte = static_cast<std::uint8_t>(random.next());
        const Schedule schedule = Schedule::from_bytes(bytes);
        for (const Parameter& parameter : parameters()) {
            EXPECT_GE(schedule.at(parameter.key), parameter.min) << parameter.name;
            EXPECT_LE(schedule.at(parameter.key), parameter.max) << parameter.name;
        }
    }
}

TEST(Schedule, StartsNearAWrapInHalfOfTheSeeds) {
    int wraps = 0;
    for (std::uint64_t seed = 0; seed < 1'000; ++seed)
        wraps += Schedule::from_seed(seed).flag(Key::SequenceNearWrap) ? 1 : 0;
    EXPECT_NEAR(wraps, 500, 80);  // five sigma
}

TEST(Schedule, DisturbsEachParameterInSomeSeed) {
    std::set<Key> disturbed;
    for (std::uint64_t seed = 0; seed < 2'000; ++seed) {
        const Schedule schedule = Schedule::from_seed(seed);
        for (const Parameter& parameter : parameters())
            if (schedule.at(parameter.key) != parameter.simplest)
                disturbed.insert(parameter.key);
    }
    for (const Parameter& parameter : parameters())
        EXPECT_TRUE(disturbed.contains(parameter.key)) << parameter.name;
}

TEST(EventQueue, ReturnsEventsInTheOrderOfTimeAndInsertion) {
    EventQueue queue;
    queue.add(Micros(5), EventKind::Timer, 0, 1);
    queue.add(Micros(3), EventKind::Timer, 0, 2);
    queue.add(Micros(5), EventKind::Timer, 0, 3);
    queue.add(Micros(3), EventKind::Timer, 0, 4);
    std::vector<std::uint32_t> items;
    while (!queue.empty())
        items.push_back(queue.take().item);
    EXPECT_EQ(items, (std::vector<std::uint32_t>{2, 4, 1, 3}));
}

TEST(Shrink, LeavesOnlyWhatTheFailureNeeds) {
    Schedule failing = Schedule::from_seed(3);
    failing.set(Key::Loss, 200'000);
    failing.set(Key::Bytes, 100'000);
    const auto fails = [](const Schedule& schedule) {
        return schedule.at(Key::Loss) >= 1'000 && schedule.at(Key::Bytes) > 77;
    };
    Schedule expected;
    expected.set(Key::Seed, 3);
    expected.set(Key::Loss, 1'000);
    expected.set(Key::Bytes, 78);
    const Schedule simplest = shrink(failing, fails);
    EXPECT_TRUE(fails(simplest));
    EXPECT_LE(simplest.at(Key::Loss), 1'100);
    EXPECT_LE(simplest.at(Key::Bytes), 90);
    for (const Parameter& parameter : parameters())
        if (parameter.key != Key::Loss && parameter.key != Key::Bytes) {
            EXPECT_EQ(simplest.at(parameter.key), expected.at(parameter.key)) << parameter.name;
        }
}

/// One direction of the wire, and what arrives at its end.
class ImpairedWireTest : public testing::Test {
  protected:
    struct Arrival {
        Micros at{};
        std::uint32_t sequence = 0;  // of the segment; 0 if the packet was refused
        std::uint16_t window = 0;
        bool is_error = false;
        std::uint32_t mtu = 0;
    };

    ImpairedWireTest() {
        tuple_.local = wire::IpAddress::from_ipv4(kClientAddress.data());
        tuple_.remote = wire::IpAddress::from_ipv4(kServerAddress.data());
        tuple_.local_port = 1000;
        tuple_.remote_port = 80;
        schedule_.set(Key::Seed, 5);
        schedule_.set(Key::ClockStart, 0);
    }

    /// Sends segments with the sequence numbers 1 to count, `gap` microseconds apart.
    void send(std::uint32_t count, std::int64_t gap, std::size_t payload = 100) {
        ImpairedWire wire(schedule_, Client, Micros(0), queue_, packets_);
        const std::vector<std::byte> bytes(payload, std::byte{0x5A});
        for (std::uint32_t i = 0; i < count; ++i) {
            tcp::OutgoingSegment segment;
            segment.header.source_port = tuple_.local_port;
            segment.header.destination_port = tuple_.remote_port;
            segment.header.sequence = i + 1;
            segment.header.flags.ack = true;
            segment.header.window = 1024;
            segment.first =
                std::span(bytes).first(payload / 3);  // an odd length, so that the sums are joined oddly
            segment.second = std::span(bytes).subspan(payload / 3);
            wire.send(tuple_, segment, Micros(i * gap));
        }
        counts_ = wire.counts();
        while (!queue_.empty()) {
            const QueuedEvent event = queue_.take();
            EXPECT_EQ(event.kind, EventKind::Arrival);
            const Packet& packet = packets_[event.item];
            Arrival arrival{.at = event.at, .is_error = packet.is_error, .mtu = packet.error.mtu};
            EXPECT_EQ(event.side, packet.is_error ? Client : Server);
            if (const auto received = read_packet(packet.bytes); received && !packet.is_error) {
                EXPECT_EQ(received->tuple.local, tuple_.remote);
                EXPECT_EQ(received->tuple.remote_port, tuple_.local_port);
                EXPECT_TRUE(std::ranges::equal(received->payload, bytes));
                arrival.sequence = received->header.sequence;
                arrival.window = received->header.window;
            }
            arrivals_.push_back(arrival);
            packets_.release(event.item);
        }
        EXPECT_EQ(packets_.in_use(), 0);
    }
    std::map<std::uint32_t, int> copies() const {
        std::map<std::uint32_t, int> copies;
        for (const Arrival& arrival : arrivals_)
            ++copies[arrival.sequence];
        return copies;
    }
    /// Pairs of arrivals in the wrong order.
    std::int64_t overtaken() const {
        std::int64_t overtaken = 0;
        for (std::size_t i = 1; i < arrivals_.size(); ++i)
            overtaken += arrivals_[i].sequence < arrivals_[i - 1].sequence ? 1 : 0;
        return overtaken;
    }

    static constexpr std::array kClientAddress{std::byte{198}, std::byte{51}, std::byte{100}, std::byte{1}};
    static constexpr std::array kServerAddress{std::byte{198}, std::byte{51}, std::byte{100}, std::byte{2}};
    Schedule schedule_;
    tcp::Tuple tuple_;
    EventQueue queue_;
    PacketStore packets_;
    std::vector<Arrival> arrivals_;
    WireCounts counts_;
};

TEST_F(ImpairedWireTest, DelaysAndDeliversAllInOrder) {
    schedule_.set(Key::Delay, 700);
    send(1'000, 10);
    ASSERT_EQ(arrivals_.size(), 1'000);
    for (std::uint32_t i = 0; i < 1'000; ++i) {
        EXPECT_EQ(arrivals_[i].sequence, i + 1);
        EXPECT_EQ(arrivals_[i].at, Micros(i * 10 + 700));
    }
}

TEST_F(ImpairedWireTest, CarriesIpv6) {
    std::array<std::byte, 16> bytes{std::byte{0x20}, std::byte{1}, std::byte{0x0D}, std::byte{0xB8}};
    tuple_.local = wire::IpAddress::from_ipv6(bytes.data());
    bytes[15] = std::byte{2};
    tuple_.remote = wire::IpAddress::from_ipv6(bytes.data());
    send(10, 10);
    EXPECT_EQ(copies().size(), 10);
    EXPECT_FALSE(copies().contains(0));
}

TEST_F(ImpairedWireTest, LosesTheGivenShare) {
    schedule_.set(Key::Loss, 100'000);
    send(10'000, 10);
    EXPECT_NEAR(static_cast<double>(arrivals_.size()), 9'000, 150);  // five sigma
    EXPECT_EQ(counts_.lost, 10'000 - arrivals_.size());
}

TEST_F(ImpairedWireTest, LosesInBurstsOfTheGivenLength) {
    schedule_.set(Key::BurstStart, 5'000);
    schedule_.set(Key::BurstLength, 20);
    send(100'000, 1);
    std::uint32_t bursts = 0;
    std::uint32_t previous = 0;
    for (const Arrival& arrival : arrivals_) {
        bursts += arrival.sequence > previous + 1 ? 1 : 0;
        previous = arrival.sequence;
    }
    EXPECT_NEAR(static_cast<double>(counts_.lost) / bursts, 20, 5);
}

TEST_F(ImpairedWireTest, LosesNothingOnceItHasHealed) {
    schedule_.set(Key::Loss, 400'000);
    schedule_.set(Key::BurstStart, 20'000);
    schedule_.set(Key::Corrupt, 200'000);
    schedule_.set(Key::Duplicate, 200'000);
    schedule_.set(Key::Reorder, 200'000);
    schedule_.set(Key::HealAt, 500);
    send(1'000, 1);
    const auto copies_of = copies();
    std::uint32_t late = 0;
    for (std::uint32_t sequence = 501; sequence <= 1'000; ++sequence)
        late += copies_of.contains(sequence) && copies_of.at(sequence) == 1 ? 1 : 0;
    EXPECT_EQ(late, 500);
    EXPECT_LT(arrivals_.size(), 1'000);
}

TEST_F(ImpairedWireTest, DuplicatesTheGivenShare) {
    schedule_.set(Key::Duplicate, 100'000);
    send(10'000, 10);
    EXPECT_NEAR(static_cast<double>(arrivals_.size()), 11'000, 150);
    EXPECT_EQ(copies().size(), 10'000);
}

TEST_F(ImpairedWireTest, DelaysSomeBeyondLaterOnes) {
    schedule_.set(Key::Reorder, 50'000);
    schedule_.set(Key::ReorderDelay, 1'000);
    send(10'000, 10);
    EXPECT_EQ(copies().size(), 10'000);
    EXPECT_NEAR(static_cast<double>(overtaken()), 500, 150);
}

TEST_F(ImpairedWireTest, JittersWithoutReordering) {
    schedule_.set(Key::Jitter, 500);
    send(10'000, 10);
    EXPECT_EQ(overtaken(), 0);
    std::set<Micros> delays;
    for (const Arrival& arrival : arrivals_)
        delays.insert(arrival.at - Micros((arrival.sequence - 1) * 10));
    EXPECT_GT(delays.size(), 50);
}

TEST_F(ImpairedWireTest, DamagesPacketsSoThatEachIsRefused) {
    schedule_.set(Key::Corrupt, 200'000);
    send(10'000, 10);
    EXPECT_EQ(arrivals_.size(), 10'000);
    EXPECT_NEAR(static_cast<double>(counts_.corrupted), 2'000, 200);
    EXPECT_EQ(copies()[0], static_cast<int>(counts_.corrupted));
}

TEST_F(ImpairedWireTest, SendsAtTheGivenRateAndDropsAtTheEndOfItsQueue) {
    schedule_.set(Key::Rate, 140'000);  // a packet of 140 bytes per millisecond
    schedule_.set(Key::Queue, 20'000);
    schedule_.set(Key::Delay, 1);
    send(1'000, 0);
    EXPECT_EQ(arrivals_.size(), 142);  // 20 000 bytes
    EXPECT_EQ(counts_.queue_full, 1'000 - 142);
    for (std::size_t i = 0; i < arrivals_.size(); ++i)
        EXPECT_EQ(arrivals_[i].at, Micros(static_cast<std::int64_t>(i + 1) * 1'000 + 1));
}

TEST_F(ImpairedWireTest, DropsWhatIsTooBigAndSaysSo) {
    schedule_.set(Key::MtuChangeAt, 50);
    schedule_.set(Key::MtuChangeFor, 20);
    schedule_.set(Key::MtuChanged, 600);
    send(10, 10, 1'000);
    EXPECT_EQ(copies().size(), 1 + 8);
    EXPECT_EQ(std::ranges::count_if(arrivals_, [](const Arrival& arrival) { return arrival.mtu == 600; }), 2);
}

TEST_F(ImpairedWireTest, DropsWhatIsTooBigSilently) {
    schedule_.set(Key::MtuChangeFor, 1'000);
    schedule_.set(Key::MtuChanged, 600);
    schedule_.set(Key::Icmp, 0);
    send(10, 10, 1'000);
    EXPECT_TRUE(arrivals_.empty());
    EXPECT_EQ(counts_.too_big, 10);
}

TEST_F(ImpairedWireTest, IsSilentInABlackhole) {
    schedule_.set(Key::BlackholeAt, 100);
    schedule_.set(Key::BlackholeFor, 200);
    send(100, 10);
    EXPECT_EQ(copies().size(), 80);
    EXPECT_FALSE(copies().contains(11));
    EXPECT_FALSE(copies().contains(30));
    EXPECT_TRUE(copies().contains(31));
}

TEST_F(ImpairedWireTest, HasABlackholeInOneDirection) {
    schedule_.set(Key::BlackholeFor, 1'000);
    schedule_.set(Key::BlackholeSides, 2);
    send(100, 10);
    EXPECT_EQ(copies().size(), 100);
}

TEST_F(ImpairedWireTest, ShrinksWindows) {
    schedule_.set(Key::ShrinkAt, 100);
    schedule_.set(Key::ShrinkFor, 100);
    schedule_.set(Key::ShrinkShift, 3);
    schedule_.set(Key::ShrinkSide, 0);
    send(100, 10);
    for (const Arrival& arrival : arrivals_)
        EXPECT_EQ(arrival.window, arrival.sequence > 10 && arrival.sequence <= 20 ? 128 : 1024)
            << arrival.sequence;
}

TEST_F(ImpairedWireTest, HoldsAcksAndDeliversTheLast) {
    schedule_.set(Key::HoldAcks, 100);
    send(100, 10, 0);
    ASSERT_EQ(arrivals_.size(), 10);
    EXPECT_EQ(counts_.acks_held, 90);
    for (std::size_t i = 0; i < arrivals_.size(); ++i)
        EXPECT_EQ(arrivals_[i].sequence, (i + 1) * 10);
}

// --- The witness: each segment that no right sender sends
// ---------------------------------------------------------

/// Two hosts that have shaken hands: the client's numbers start at 1000, the server's at 5000, both windows
/// at 1000.
class WitnessTest : public testing::Test {
  protected:
    WitnessTest() {
        wire::TcpHeader syn = header(1000, 0, 1000);
        syn.flags = {};
        syn.flags.syn = true;
        syn.options.mss = 500;
        syn.options.sack_permitted = true;
        wire::TcpHeader answer = header(5000, 1001, 1000);
        answer.flags.syn = true;
        answer.options = syn.options;
        pass(Client, syn);
        pass(Server, answer);
        pass(Client, header(1001, 5001, 1000));
    }

    static wire::TcpHeader header(std::uint32_t sequence, std::uint32_t acknowledgment,
                                  std::uint16_t window) {
        wire::TcpHeader made;
        made.sequence = sequence;
        made.acknowledgment = acknowledgment;
        made.window = window;
        made.flags.ack = true;
        return made;
    }
    const char* send(Side from, const wire::TcpHeader& header, std::size_t payload = 0) {
        return witness_.on_send(from, header, payload);
    }
    void pass(Side from, const wire::TcpHeader& header, std::size_t payload = 0) {
        EXPECT_STREQ(send(from, header, payload), nullptr);
        witness_.on_delivery(other(from), header, payload);
    }

    Witness witness_{false};
};

TEST_F(WitnessTest, AcceptsAConversation) {
    pass(Client, header(1001, 5001, 1000), 500);
    pass(Client, header(1501, 5001, 1000), 500);
    pass(Server, header(5001, 2001, 1000), 100);
    wire::TcpHeader end = header(2001, 5101, 1000);
    end.flags.fin = true;
    pass(Client, end);
    pass(Server, header(5101, 2002, 1000));
    EXPECT_TRUE(witness_.end_delivered(Server));
    EXPECT_FALSE(witness_.end_delivered(Client));
}

TEST_F(WitnessTest, FindsAnAckOfWhatWasNotReceived) {
    EXPECT_STREQ(send(Server, header(5001, 1002, 1000)), "an ACK of what was not received");
    EXPECT_STREQ(send(Client, header(1001, 5001, 1000), 500), nullptr);  // sent, but lost
    EXPECT_STREQ(send(Server, header(5001, 1002, 1000)), "an ACK of what was not received");
}

TEST_F(WitnessTest, FindsAnAckThatGoesBack) {
    pass(Client, header(1001, 5001, 1000), 100);
    pass(Server, header(5001, 1101, 1000));
    EXPECT_STREQ(send(Server, header(5001, 1100, 1001)), "an ACK that takes back an earlier one");
}

TEST_F(WitnessTest, FindsDataBeyondTheWindow) {
    EXPECT_STREQ(send(Client, header(1001, 5001, 1000), 500), nullptr);
    EXPECT_STREQ(send(Client, header(1501, 5001, 1000), 500), nullptr);
    EXPECT_STREQ(send(Client, header(2001, 5001, 1000), 1), nullptr);  // a window probe
    EXPECT_STREQ(send(Client, header(2002, 5001, 1000), 1), "data beyond the window");
}

TEST_F(WitnessTest, FindsAWindowThatShrinks) {
    EXPECT_STREQ(send(Server, header(5001, 1001, 999)), "a window that shrinks");
}

TEST_F(WitnessTest, FindsASackBlockOfWhatWasNotReceived) {
    pass(Client, header(1001, 5001, 1000), 100);
    EXPECT_STREQ(send(Client, header(1101, 5001, 1000), 100), nullptr);  // lost
    pass(Client, header(1201, 5001, 1000), 100);
    wire::TcpHeader sack = header(5001, 1101, 1000);
    sack.options.sack_blocks = 1;
    sack.options.sack[0] = {1201, 1301};
    EXPECT_STREQ(send(Server, sack), nullptr);
    sack.options.sack[0] = {1200, 1301};
    EXPECT_STREQ(send(Server, sack), "a SACK block of what was not received");
    sack.options.sack[0] = {1201, 1302};
    EXPECT_STREQ(send(Server, sack), "a SACK block of what was not received");
}

TEST_F(WitnessTest, FindsAGapInTheSentNumbers) {
    EXPECT_STREQ(send(Client, header(1002, 5001, 1000), 10), "a gap in the sent sequence numbers");
}

TEST_F(WitnessTest, FindsMoreThanTheMss) {
    EXPECT_STREQ(send(Client, header(1001, 5001, 1000), 501), "more than the peer's MSS");
}

TEST_F(WitnessTest, FindsDataAfterTheFin) {
    wire::TcpHeader end = header(1001, 5001, 1000);
    end.flags.fin = true;
    EXPECT_STREQ(send(Client, end), nullptr);
    EXPECT_STREQ(send(Client, header(1002, 5001, 1000), 1), "data after the FIN");
}

TEST_F(WitnessTest, FindsASegmentAfterARst) {
    EXPECT_STREQ(send(Client, header(1001, 5001, 1000), 10), nullptr);
    wire::TcpHeader reset = header(1011, 5001, 1000);
    reset.flags.rst = true;
    EXPECT_STREQ(send(Client, reset), nullptr);
    EXPECT_STREQ(send(Client, header(1001, 5001, 1000)), "a segment after a RST");
}

TEST_F(WitnessTest, FindsOptionsThatWereNotAgreed) {
    wire::TcpHeader segment = header(1001, 5001, 1000);
    segment.options.timestamps = wire::TcpTimestamps{1, 2};
    EXPECT_STREQ(send(Client, segment), "timestamps that were not agreed");
}

}  // namespace
}  // namespace l2echo::sim
