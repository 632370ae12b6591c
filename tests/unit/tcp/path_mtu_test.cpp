// RFC 1191, 8201, 5927, 5461: what ICMP errors may do.
#include "one_end.hpp"

namespace l2echo::tcp {
namespace {

struct Sending : OneEnd {
    Sending() {
        establish();
        first = our_next;
        write(std::string(5 * 1460, 'x'));
    }
    IcmpError too_big(std::uint32_t mtu) const { return {IcmpError::Kind::PacketTooBig, first, mtu}; }
    Sequence first;
};

TEST(PathMtu, SmallerMtuRepeatsSmallerSegmentsWithoutCongestion) {
    Sending end;
    const std::uint32_t before = end->info().congestion_window;
    EXPECT_FALSE(end->on_icmp(end.too_big(1000), end.now).any());
    EXPECT_EQ(end->info().path_mtu, 1000U);
    EXPECT_EQ(end->info().send_mss, 960U);
    std::size_t bytes = 0;
    for (const Sent& sent : end.drain()) {
        EXPECT_LE(sent.payload.size(), 960U);
        bytes += sent.payload.size();
    }
    EXPECT_EQ(bytes, 5U * 1460U);
    EXPECT_EQ(end->info().congestion_window, before);
    EXPECT_EQ(end->info().recoveries + end->info().timeouts, 0U);
    end.receive(end.ack());
    EXPECT_EQ(end->info().unacknowledged, 0U);
}

TEST(PathMtu, SequenceNumberNotInFlightIsIgnored) {
    Sending end;
    for (const Sequence wrong : {end.first - 1, end.our_next, end.first + (1U << 31)}) {
        IcmpError error = end.too_big(1000);
        error.sequence = wrong;
        end->on_icmp(error, end.now);
        EXPECT_EQ(end->info().path_mtu, 1500U);
    }
}

TEST(PathMtu, LargerMtuIsIgnored) {
    Sending end;
    end->on_icmp(end.too_big(9000), end.now);
    EXPECT_EQ(end->info().path_mtu, 1500U);
    EXPECT_TRUE(end.drain().empty());
}

TEST(PathMtu, TinyMtuIsBounded) {
    Sending end;
    end->on_icmp(end.too_big(68), end.now);
    EXPECT_EQ(end->info().path_mtu, 552U);
}

TEST(PathMtu, OldRouterMakesItTheNextPlateau) {
    Sending end;
    end->on_icmp(end.too_big(0), end.now);
    EXPECT_EQ(end->info().path_mtu, 1492U);
    end->on_icmp(end.too_big(0), end.now);
    EXPECT_EQ(end->info().path_mtu, 1006U);
}

TEST(PathMtu, Ipv6IsAtLeast1280) {
    OneEnd end;
    end.tuple.local = test_address6(1);
    end.tuple.remote = test_address6(2);
    end.establish();
    const Sequence first = end.our_next;
    end.write(std::string(1440, 'x'));
    end->on_icmp({IcmpError::Kind::PacketTooBig, first, 600}, end.now);
    EXPECT_EQ(end->info().path_mtu, 1280U);
}

TEST(PathMtu, IsTriedAgainAfterTenMinutes) {
    Sending end;
    end->on_icmp(end.too_big(1000), end.now);
    end.drain();
    end.receive(end.ack());
    end.pass(minutes(10));
    EXPECT_EQ(end.write(std::string(1460, 'x')).size(), 1U);
    EXPECT_EQ(end->info().path_mtu, 1500U);
}

TEST(PathMtu, SynIsNotRepeatedForAPacketTooBig) {
    OneEnd end;
    end.open_actively();
    EXPECT_FALSE(end->on_icmp({IcmpError::Kind::PacketTooBig, OneEnd::kOurs, 1000}, end.now).any());
    EXPECT_TRUE(end.drain().empty());
    end.receive(end.syn_ack());
    EXPECT_EQ(end->info().send_mss, 960U);
}

TEST(IcmpErrors, UnreachablePortEndsAnOpen) {
    OneEnd end;
    end.open_actively();
    const Events events = end->on_icmp({IcmpError::Kind::ProtocolUnreachable, OneEnd::kOurs, 0}, end.now);
    EXPECT_TRUE(events.has(Event::Unreachable) && events.has(Event::Closed));
}

TEST(IcmpErrors, OfAnotherSequenceNumberDoesNotEndAnOpen) {
    OneEnd end;
    end.open_actively();
    EXPECT_FALSE(end->on_icmp({IcmpError::Kind::ProtocolUnreachable, OneEnd::kOurs + 1, 0}, end.now).any());
}

TEST(IcmpErrors, UnreachableRouteDoesNotEndAnOpen) {
    OneEnd end;
    end.open_actively();
    EXPECT_TRUE(
        end->on_icmp({IcmpError::Kind::RouteUnreachable, OneEnd::kOurs, 0}, end.now).has(Event::Suspect));
    EXPECT_EQ(end->state(), State::SynSent);
}

TEST(IcmpErrors, DoNotEndAnOpenConnection) {
    Sending end;
    for (const IcmpError::Kind kind :
         {IcmpError::Kind::ProtocolUnreachable, IcmpError::Kind::RouteUnreachable}) {
        EXPECT_TRUE(end->on_icmp({kind, end.first, 0}, end.now).has(Event::Suspect));
        EXPECT_EQ(end->state(), State::Established);
    }
}

}  // namespace
}  // namespace l2echo::tcp
