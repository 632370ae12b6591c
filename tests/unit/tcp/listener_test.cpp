// Half-open connections, cookies, the accept queue, and answers to segments of unknown connections.
#include "l2echo/tcp/listener.hpp"

#include "l2echo/tcp/initial_sequence.hpp"
#include "one_end.hpp"

namespace l2echo::tcp {
namespace {

class ListeningEnd {
  public:
    static constexpr Sequence kPeer{0xFFFFFFFF};

    explicit ListeningEnd(const Settings& given = {}, std::size_t memory = std::size_t{1} << 20)
        : settings(given),
          memory_(memory),
          arena(memory_),
          listener(std::in_place, settings, arena, 1500, key) {}
    ~ListeningEnd() {
        listener.reset();
        EXPECT_EQ(arena.free_bytes(), arena.size());
    }

    static Tuple peer(std::uint16_t port) { return {test_address(1), test_address(2), 7, port}; }
    wire::TcpHeader syn(std::uint16_t port) const {
        wire::TcpHeader header{};
        header.source_port = port;
        header.destination_port = 7;
        header.sequence = kPeer.value();
        header.flags.syn = true;
        header.window = 1000;
        header.options.mss = 1400;
        header.options.sack_permitted = true;
        header.options.window_scale = 5;
        header.options.timestamps = wire::TcpTimestamps{77, 0};
        return header;
    }
    /// The ACK that answers a SYN-ACK.
    static wire::TcpHeader ack(const wire::TcpHeader& syn_ack) {
        wire::TcpHeader header{};
        header.source_port = syn_ack.destination_port;
        header.destination_port = syn_ack.source_port;
        header.sequence = syn_ack.acknowledgment;
        header.acknowledgment = syn_ack.sequence + 1;
        header.flags.ack = true;
        header.window = 1000;
        if (syn_ack.options.timestamps)
            header.options.timestamps = wire::TcpTimestamps{78, syn_ack.options.timestamps->value};
        return header;
    }
    static wire::TcpHeader rst(const wire::TcpHeader& syn_ack) {
        wire::TcpHeader header = ack(syn_ack);
        header.flags = {};
        header.flags.rst = true;
        return header;
    }
    Listener::Result receive(std::uint16_t port, const wire::TcpHeader& header) {
        Listener::Result result = listener->receive(peer(port), header, 0, now);
        if (const char* broken = listener->broken_invariant())
            ADD_FAILURE() << "does not hold: " << broken;
        return result;
    }
    /// Sends a SYN and returns the SYN-ACK.
    wire::TcpHeader answer_to_syn(std::uint16_t port) {
        const Listener::Result result = receive(port, syn(port));
        EXPECT_TRUE(result.reply && result.reply->header.flags.syn && result.reply->header.flags.ack);
        return result.reply ? result.reply->header : wire::TcpHeader{};
    }

    Settings settings;

  private:
    std::vector<std::byte> memory_;

  public:
    fifo::Arena arena;
    hash::SipKey key{1, 2};
    Micros now = hours(1);
    std::optional<Listener> listener;
};

Settings small(std::uint32_t half_open, std::uint32_t accept_queue) {
    Settings settings;
    settings.max_half_open = half_open;
    settings.max_accept_queue = accept_queue;
    return settings;
}

TEST(Listener, AnswersASynAndOpensOnTheAck) {
    ListeningEnd end;
    const wire::TcpHeader answer = end.answer_to_syn(1000);
    EXPECT_EQ(Sequence(answer.acknowledgment), ListeningEnd::kPeer + 1);
    EXPECT_EQ(Sequence(answer.sequence), initial_sequence(end.key, ListeningEnd::peer(1000), end.now));
    EXPECT_EQ(answer.options.mss, 1460);
    EXPECT_TRUE(answer.options.sack_permitted);
    EXPECT_EQ(answer.options.window_scale, 7);
    EXPECT_EQ(answer.options.timestamps->echo, 77U);
    EXPECT_EQ(end.listener->info().half_open, 1U);

    const Listener::Result result = end.receive(1000, ListeningEnd::ack(answer));
    ASSERT_TRUE(result.open);
    EXPECT_FALSE(result.reply);
    EXPECT_EQ(result.open->initial_send.value(), answer.sequence);
    EXPECT_EQ(result.open->initial_receive, ListeningEnd::kPeer);
    EXPECT_EQ(result.open->peer_mss, 1400);
    EXPECT_EQ(result.open->peer_scale, 5);
    EXPECT_TRUE(result.open->sack && result.open->timestamps);
    EXPECT_EQ(end.listener->info().half_open, 0U);
    EXPECT_FALSE(end.listener->deadline());
}

TEST(Listener, OffersOnlyWhatTheSynOffers) {
    ListeningEnd end;
    wire::TcpHeader syn = end.syn(1000);
    syn.options = {};
    const Listener::Result result = end.receive(1000, syn);
    ASSERT_TRUE(result.reply);
    EXPECT_FALSE(result.reply->header.options.sack_permitted);
    EXPECT_FALSE(result.reply->header.options.window_scale);
    EXPECT_FALSE(result.reply->header.options.timestamps);
    const Listener::Result open = end.receive(1000, ListeningEnd::ack(result.reply->header));
    ASSERT_TRUE(open.open);
    EXPECT_EQ(open.open->peer_mss, 536);
}

TEST(Listener, TheConnectionContinuesWithTheSameSegment) {
    ListeningEnd end;
    const wire::TcpHeader ack = ListeningEnd::ack(end.answer_to_syn(1000));
    end.now += milliseconds(20);
    const Listener::Result result = end.receive(1000, ack);
    ASSERT_TRUE(result.open);
    Connection connection(end.settings, end.arena, ListeningEnd::peer(1000), 1500, *result.open, end.now);
    const Events events = connection.receive(ack, bytes_of("hello"), end.now);
    EXPECT_TRUE(events.has(Event::Connected) && events.has(Event::Readable));
    EXPECT_EQ(connection.info().smoothed_rtt, milliseconds(20));
    EXPECT_EQ(connection.info().send_window, 32'000U);
    EXPECT_TRUE(end.listener->queue(connection));
    EXPECT_EQ(end.listener->accept(), &connection);
    EXPECT_EQ(end.listener->accept(), nullptr);
}

TEST(Listener, RepeatedSynIsAnsweredAgainWithTheSameNumber) {
    ListeningEnd end;
    const wire::TcpHeader first = end.answer_to_syn(1000);
    end.now += milliseconds(500);
    const wire::TcpHeader second = end.answer_to_syn(1000);
    EXPECT_EQ(first.sequence, second.sequence);
    EXPECT_EQ(end.listener->info().half_open, 1U);
    EXPECT_EQ(end.listener->info().syns, 1U);
}

TEST(Listener, AnotherSynOfAHalfOpenTupleIsChallenged) {
    ListeningEnd end;
    const wire::TcpHeader answer = end.answer_to_syn(1000);
    wire::TcpHeader other = end.syn(1000);
    other.sequence += 1000;
    const Listener::Result result = end.receive(1000, other);
    ASSERT_TRUE(result.reply);
    EXPECT_FALSE(result.reply->header.flags.syn);
    EXPECT_EQ(result.reply->header.acknowledgment, answer.acknowledgment);
    // A peer that has started again answers by a RST, and its next SYN is welcome.
    end.receive(1000, ListeningEnd::rst(answer));
    EXPECT_TRUE(end.receive(1000, other).reply->header.flags.syn);
}

TEST(Listener, OnlyAnExactResetRemovesAnEntry) {
    ListeningEnd end;
    const wire::TcpHeader answer = end.answer_to_syn(1000);
    wire::TcpHeader reset = ListeningEnd::rst(answer);
    reset.sequence += 1;
    end.receive(1000, reset);
    EXPECT_EQ(end.listener->info().half_open, 1U);
    EXPECT_FALSE(end.receive(1000, ListeningEnd::rst(answer)).reply);
    EXPECT_EQ(end.listener->info().half_open, 0U);
}

TEST(Listener, WrongAckIsReset) {
    ListeningEnd end;
    wire::TcpHeader ack = ListeningEnd::ack(end.answer_to_syn(1000));
    ack.acknowledgment += 1;
    const Listener::Result result = end.receive(1000, ack);
    ASSERT_TRUE(result.reply);
    EXPECT_TRUE(result.reply->header.flags.rst);
    EXPECT_EQ(result.reply->header.sequence, ack.acknowledgment);
    EXPECT_EQ(end.listener->info().half_open, 1U);
}

TEST(Listener, AckOutsideTheWindowIsChallenged) {
    ListeningEnd end;
    wire::TcpHeader ack = ListeningEnd::ack(end.answer_to_syn(1000));
    ack.sequence -= 1;
    const Listener::Result result = end.receive(1000, ack);
    EXPECT_FALSE(result.open);
    ASSERT_TRUE(result.reply);
    EXPECT_FALSE(result.reply->header.flags.rst);
}

TEST(Listener, SegmentsOfUnknownTuplesAreReset) {
    ListeningEnd end;
    wire::TcpHeader stray{};
    stray.flags.ack = true;
    stray.acknowledgment = 99;
    EXPECT_EQ(end.receive(1000, stray).reply->header.sequence, 99U);
    wire::TcpHeader syn_ack = stray;
    syn_ack.flags.syn = true;
    EXPECT_TRUE(end.receive(1000, syn_ack).reply->header.flags.rst);
    wire::TcpHeader nothing{};
    EXPECT_FALSE(end.receive(1000, nothing).reply);
    wire::TcpHeader scan = end.syn(1000);
    scan.flags.fin = true;
    EXPECT_FALSE(end.receive(1000, scan).reply);
    EXPECT_EQ(end.listener->info().half_open, 0U);
}

TEST(Listener, SynAckIsRepeatedWithDoubledTimeoutsAndExpires) {
    Settings settings;
    settings.synack_retries = 2;
    ListeningEnd end(settings);
    end.answer_to_syn(1000);
    Micros last = end.now;
    for (const Micros gap : {seconds(1), seconds(2)}) {
        ASSERT_TRUE(end.listener->deadline());
        EXPECT_FALSE(end.listener->next_segment(*end.listener->deadline() - Micros(1)));
        end.now = *end.listener->deadline();
        EXPECT_EQ(end.now - last, gap);
        last = end.now;
        const auto again = end.listener->next_segment(end.now);
        ASSERT_TRUE(again);
        EXPECT_TRUE(again->segment.header.flags.syn);
        EXPECT_EQ(again->tuple, ListeningEnd::peer(1000));
    }
    end.now = *end.listener->deadline();
    EXPECT_FALSE(end.listener->next_segment(end.now));
    EXPECT_EQ(end.listener->info().half_open, 0U);
    EXPECT_EQ(end.listener->info().half_open_expired, 1U);
    EXPECT_FALSE(end.listener->deadline());
}

TEST(Listener, FullAcceptQueueKeepsTheEntryAndDropsTheAck) {
    ListeningEnd end(small(10, 1));
    const wire::TcpHeader first = ListeningEnd::ack(end.answer_to_syn(1));
    const wire::TcpHeader second = ListeningEnd::ack(end.answer_to_syn(2));
    const Listener::Result open = end.receive(1, first);
    ASSERT_TRUE(open.open);
    Connection connection(end.settings, end.arena, ListeningEnd::peer(1), 1500, *open.open, end.now);
    EXPECT_TRUE(end.listener->queue(connection));
    EXPECT_FALSE(end.listener->queue(connection));
    const Listener::Result full = end.receive(2, second);
    EXPECT_FALSE(full.open || full.reply);
    EXPECT_EQ(end.listener->info().accept_queue_full, 1U);
    EXPECT_FALSE(end.receive(3, end.syn(3)).reply);  // no more SYNs either
    EXPECT_EQ(end.listener->info().syns_refused, 1U);
    end.listener->accept();
    EXPECT_TRUE(end.receive(2, second).open);
}

TEST(Listener, ConnectionsThatEndLeaveTheAcceptQueue) {
    ListeningEnd end(small(10, 3));
    Handshake handshake;
    Connection a(end.settings, end.arena, ListeningEnd::peer(1), 1500, handshake, end.now);
    Connection b(end.settings, end.arena, ListeningEnd::peer(2), 1500, handshake, end.now);
    Connection c(end.settings, end.arena, ListeningEnd::peer(3), 1500, handshake, end.now);
    for (int round = 0; round < 5; ++round) {  // the ring wraps
        EXPECT_TRUE(end.listener->queue(a) && end.listener->queue(b) && end.listener->queue(c));
        end.listener->remove(b);
        end.listener->remove(b);
        EXPECT_EQ(end.listener->info().accept_queue, 2U);
        EXPECT_EQ(end.listener->accept(), &a);
        EXPECT_EQ(end.listener->accept(), &c);
        EXPECT_EQ(end.listener->accept(), nullptr);
    }
}

TEST(Listener, ReopenedTupleGetsALaterNumber) {
    ListeningEnd end;
    const Sequence usual = initial_sequence(end.key, ListeningEnd::peer(1000), end.now);
    const Sequence before = usual + 1'000'000;
    const Listener::Result result =
        end.listener->receive(ListeningEnd::peer(1000), end.syn(1000), 0, end.now, before);
    ASSERT_TRUE(result.reply);
    EXPECT_GT(Sequence(result.reply->header.sequence), before);
}

TEST(SynFlood, CostsNoMemoryBeyondTheTable) {
    ListeningEnd end(small(16, 16));
    const std::size_t free = end.arena.free_bytes();
    for (std::uint16_t port = 1; port < 5000; ++port)
        end.answer_to_syn(port);
    EXPECT_EQ(end.arena.free_bytes(), free);
    EXPECT_EQ(end.listener->info().half_open, 16U);
    EXPECT_EQ(end.listener->info().cookies_sent, 4999U - 16U);
}

TEST(SynFlood, ACookieOpensAConnectionWithItsOptions) {
    ListeningEnd end(small(1, 16));
    end.answer_to_syn(1);
    const wire::TcpHeader answer = end.answer_to_syn(2);
    EXPECT_EQ(end.listener->info().cookies_sent, 1U);
    end.now += seconds(1);
    const Listener::Result result = end.receive(2, ListeningEnd::ack(answer));
    ASSERT_TRUE(result.open);
    EXPECT_EQ(result.open->peer_scale, 5);
    EXPECT_TRUE(result.open->sack && result.open->timestamps);
    EXPECT_LE(result.open->peer_mss, 1400);
    EXPECT_GT(result.open->peer_mss, 1000);
    EXPECT_FALSE(result.open->sent_at);
    EXPECT_EQ(end.listener->info().cookies_accepted, 1U);

    Connection connection(end.settings, end.arena, ListeningEnd::peer(2), 1500, *result.open, end.now);
    EXPECT_TRUE(connection.receive(ListeningEnd::ack(answer), {}, end.now).has(Event::Connected));
    EXPECT_EQ(connection.info().congestion_window, 10 * connection.info().send_mss);
}

TEST(SynFlood, LateCookieAckWithPayloadOpens) {
    ListeningEnd end(small(1, 16));
    end.answer_to_syn(1);
    const wire::TcpHeader ack = ListeningEnd::ack(end.answer_to_syn(2));
    end.now += seconds(50);  // the first ACK was lost; a request follows
    const Listener::Result result = end.listener->receive(ListeningEnd::peer(2), ack, 100, end.now);
    EXPECT_TRUE(result.open);
}

TEST(SynFlood, AckWithoutAValidCookieIsDropped) {
    ListeningEnd end(small(1, 16));
    end.answer_to_syn(1);
    wire::TcpHeader ack = ListeningEnd::ack(end.answer_to_syn(2));
    ack.acknowledgment += 1;
    EXPECT_FALSE(end.receive(2, ack).reply);
    ack.acknowledgment -= 1;
    EXPECT_FALSE(end.receive(3, ack).reply);  // another tuple
    // The second segment of a peer whose first was lost: a RST would end a connection that is open for the
    // peer.
    wire::TcpHeader second = ack;
    second.sequence += 100;
    const Listener::Result result = end.receive(2, second);
    EXPECT_FALSE(result.reply || result.open);
    EXPECT_EQ(end.listener->info().cookies_refused, 3U);
    EXPECT_TRUE(end.receive(2, ack).open);
}

TEST(SynFlood, CookieExpires) {
    ListeningEnd end(small(1, 16));
    end.answer_to_syn(1);
    const wire::TcpHeader ack = ListeningEnd::ack(end.answer_to_syn(2));
    end.now += minutes(5);
    EXPECT_TRUE(end.receive(2, ack).reply->header.flags.rst);
}

TEST(SynFlood, CookiesAreCheckedOnlyWhileTheyAreInUse) {
    ListeningEnd end(small(1, 16));
    end.answer_to_syn(1);
    const wire::TcpHeader ack = ListeningEnd::ack(end.answer_to_syn(2));
    ListeningEnd other(small(1, 16));  // the same key, and never under a flood
    EXPECT_TRUE(other.receive(2, ack).reply->header.flags.rst);
    EXPECT_EQ(other.listener->info().cookies_refused, 0U);
}

TEST(SynFlood, WithoutCookiesSynsAreDropped) {
    Settings settings = small(1, 16);
    settings.syn_cookies = false;
    ListeningEnd end(settings);
    end.answer_to_syn(1);
    EXPECT_FALSE(end.receive(2, end.syn(2)).reply);
    EXPECT_EQ(end.listener->info().syns_refused, 1U);
}

TEST(SynFlood, WithoutMemoryEachSynGetsACookie) {
    ListeningEnd end(small(100'000, 16), std::size_t{64} << 10);
    const wire::TcpHeader answer = end.answer_to_syn(1);
    EXPECT_EQ(end.listener->info().cookies_sent, 1U);
    EXPECT_TRUE(end.receive(1, ListeningEnd::ack(answer)).open);
}

TEST(ResetFor, AnswersByTheAckOrBehindTheSegment) {
    wire::TcpHeader header{};
    header.source_port = 1;
    header.destination_port = 2;
    header.sequence = 10;
    header.acknowledgment = 99;
    header.flags.syn = true;
    const std::optional<OutgoingSegment> to_syn = reset_for(header, 5);
    ASSERT_TRUE(to_syn);
    EXPECT_EQ(to_syn->header.source_port, 2);
    EXPECT_EQ(to_syn->header.destination_port, 1);
    EXPECT_TRUE(to_syn->header.flags.rst && to_syn->header.flags.ack);
    EXPECT_EQ(to_syn->header.sequence, 0U);
    EXPECT_EQ(to_syn->header.acknowledgment, 16U);
    header.flags = {};
    header.flags.ack = true;
    const std::optional<OutgoingSegment> to_ack = reset_for(header, 5);
    ASSERT_TRUE(to_ack);
    EXPECT_FALSE(to_ack->header.flags.ack);
    EXPECT_EQ(to_ack->header.sequence, 99U);
    header.flags.rst = true;
    EXPECT_FALSE(reset_for(header, 0));
}

}  // namespace
}  // namespace l2echo::tcp
