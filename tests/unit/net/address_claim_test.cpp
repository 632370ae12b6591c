#include "net/address_claim.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "test_addresses.hpp"

namespace l2echo::net {
namespace {

using namespace packets;
using namespace std::chrono_literals;
using ClaimState = AddressClaim::State;
using Message = AddressClaim::Message;

AddressClaim claim4(std::uint64_t random = 7) {
    return AddressClaim(v4(kOur4), kOurMac, random, 0s);
}
AddressClaim claim6(std::uint64_t random = 7) {
    return AddressClaim(v6(kOur6), kOurMac, random, 0s);
}
struct Sent {
    Micros at;
    Message message;
};
/// Runs until nothing is awaited, or until this time.
std::vector<Sent> run(AddressClaim& claim, Micros until = 1000s) {
    std::vector<Sent> sent;
    while (claim.next_deadline() <= until) {
        const Micros now = claim.next_deadline();
        while (const auto message = claim.next_message(now))
            sent.push_back({now, *message});
        EXPECT_GT(claim.next_deadline(), now);
    }
    return sent;
}
AddressClaim claimed4() {
    AddressClaim claim = claim4();
    run(claim);
    EXPECT_EQ(claim.state(), ClaimState::Claimed);
    return claim;
}
wire::ArpPacket arp_from_tester(const Bytes& sender, const Bytes& target,
                                wire::ArpOperation operation = wire::ArpOperation::Request) {
    return {operation, kTesterMac, v4(sender), 0, v4(target)};
}

TEST(AddressClaim, ProbesThreeTimesWaitsAndAnnouncesTwice) {
    for (std::uint64_t random = 1; random <= 50; ++random) {
        AddressClaim claim = claim4(random * 0x9E37'79B9'7F4A'7C15);
        EXPECT_EQ(claim.state(), ClaimState::Probing);
        const std::vector<Sent> sent = run(claim);
        ASSERT_EQ(sent.size(), 5U);
        for (unsigned i = 0; i < 5; ++i)
            EXPECT_EQ(sent[i].message, i < 3 ? Message::ArpProbe : Message::ArpAnnouncement);
        EXPECT_LE(sent[0].at, Micros(1s));
        for (const unsigned i : {1U, 2U}) {
            EXPECT_GE(sent[i].at - sent[i - 1].at, Micros(1s));
            EXPECT_LE(sent[i].at - sent[i - 1].at, Micros(2s));
        }
        EXPECT_EQ(sent[3].at - sent[2].at, Micros(2s));
        EXPECT_EQ(sent[4].at - sent[3].at, Micros(2s));
        EXPECT_EQ(claim.state(), ClaimState::Claimed);
        EXPECT_EQ(claim.next_deadline(), kNever);
    }
}

TEST(AddressClaim, StartsAtDifferentTimes) {
    std::vector<Micros> starts;
    for (std::uint64_t random = 1; random <= 100; ++random)
        starts.push_back(claim4(random * 0x9E37'79B9'7F4A'7C15).next_deadline());
    EXPECT_LT(*std::min_element(starts.begin(), starts.end()), Micros(100ms));
    EXPECT_GT(*std::max_element(starts.begin(), starts.end()), Micros(900ms));
}

TEST(AddressClaim, MayBeUsedOnlyAfterTheWait) {
    AddressClaim claim = claim4();
    const std::vector<Sent> probes = run(claim, 5s);
    AddressClaim again = claim4();
    while (again.state() == ClaimState::Probing && again.next_deadline() != kNever) {
        const Micros now = again.next_deadline();
        again.next_message(now);
        if (again.state() == ClaimState::Claimed) {
            EXPECT_EQ(now - probes.at(2).at, Micros(2s));
        }
    }
    EXPECT_EQ(again.state(), ClaimState::Claimed);
}

TEST(AddressClaim, ForIpv6SolicitsOnceAndAdvertises) {
    AddressClaim claim = claim6();
    const std::vector<Sent> sent = run(claim);
    ASSERT_EQ(sent.size(), 3U);
    EXPECT_EQ(sent[0].message, Message::Solicitation);
    EXPECT_LE(sent[0].at, Micros(1s));
    EXPECT_EQ(sent[1].message, Message::Advertisement);
    EXPECT_EQ(sent[1].at - sent[0].at, Micros(1s));
    EXPECT_EQ(sent[2].message, Message::Advertisement);
    EXPECT_EQ(sent[2].at - sent[1].at, Micros(2s));
    EXPECT_EQ(claim.state(), ClaimState::Claimed);
}

TEST(AddressClaim, SendsTheMessagesOfTheStandards) {
    const AddressClaim four = claim4();
    EXPECT_EQ(four.arp_packet(Message::ArpProbe),
              (wire::ArpPacket{wire::ArpOperation::Request, kOurMac, kNobody4, 0, v4(kOur4)}));
    EXPECT_EQ(four.arp_packet(Message::ArpAnnouncement),
              (wire::ArpPacket{wire::ArpOperation::Request, kOurMac, v4(kOur4), 0, v4(kOur4)}));
    const AddressClaim six = claim6();
    EXPECT_EQ(six.solicitation().target, v6(kOur6));
    EXPECT_FALSE(six.solicitation().source_mac) << "there is no source address";
    EXPECT_TRUE(six.solicitation().nonce);
    EXPECT_NE(six.solicitation().nonce, claim6(99).solicitation().nonce);
    EXPECT_EQ(six.advertisement(), (wire::NeighborAdvertisement{v6(kOur6), false, false, true, kOurMac}));
}

TEST(AddressClaim, GivesUpWhenSomebodyHasTheAddress) {
    for (const auto& [why, packet] : std::vector<std::pair<const char*, wire::ArpPacket>>{
             {"a reply to the probe", arp_from_tester(kOur4, {0, 0, 0, 0}, wire::ArpOperation::Reply)},
             {"a request from it", arp_from_tester(kOur4, kFar4)},
             {"an announcement", arp_from_tester(kOur4, kOur4)},
             {"a probe at the same time", arp_from_tester({0, 0, 0, 0}, kOur4)},
         }) {
        AddressClaim claim = claim4();
        run(claim, 1s);
        claim.receive(packet, 1s);
        EXPECT_EQ(claim.state(), ClaimState::Conflict) << why;
        EXPECT_EQ(claim.other_mac(), kTesterMac);
        EXPECT_EQ(claim.next_deadline(), kNever);
        EXPECT_FALSE(claim.next_message(100s)) << "nothing is sent any more";
    }
}

TEST(AddressClaim, IgnoresWhatIsNoConflict) {
    wire::ArpPacket own_probe = claim4().arp_packet(Message::ArpProbe);
    for (const wire::ArpPacket& packet :
         {arp_from_tester(kTester4, kOur4), arp_from_tester({0, 0, 0, 0}, kTester4), own_probe,
          claim4().arp_packet(Message::ArpAnnouncement), arp_from_tester(kTester4, kFar4)}) {
        AddressClaim claim = claim4();
        claim.receive(packet, 0s);
        EXPECT_EQ(claim.state(), ClaimState::Probing);
        EXPECT_EQ(claim.conflicts(), 0U);
    }
}

TEST(AddressClaim, ForIpv6GivesUpWhenSomebodyHasTheAddressOrProbesForIt) {
    const wire::NeighborSolicitation probe{v6(kOur6), {}, {}};
    AddressClaim claim = claim6();
    claim.receive(probe, v6(kTester6), kTesterMac, 0s);
    EXPECT_EQ(claim.state(), ClaimState::Probing) << "somebody who has an address asks for it";
    claim.receive(wire::NeighborSolicitation{v6(kTester6), {}, {}}, kNobody6, kTesterMac, 0s);
    EXPECT_EQ(claim.state(), ClaimState::Probing) << "a probe for another";
    claim.receive(probe, kNobody6, kOurMac, 0s);
    EXPECT_EQ(claim.state(), ClaimState::Probing) << "our own probe, which the link returned";
    claim.receive(claim.solicitation(), kNobody6, kTesterMac, 0s);
    EXPECT_EQ(claim.state(), ClaimState::Probing) << "our nonce, with the MAC addresses swapped";
    claim.receive(probe, kNobody6, kTesterMac, 0s);
    EXPECT_EQ(claim.state(), ClaimState::Conflict);

    AddressClaim second = claim6();
    second.receive(wire::NeighborAdvertisement{v6(kTester6), false, false, true, kTesterMac}, kTesterMac, 0s);
    second.receive(second.advertisement(), kTesterMac, 0s);
    EXPECT_EQ(second.state(), ClaimState::Probing);
    second.receive(wire::NeighborAdvertisement{v6(kOur6), false, false, true, kTesterMac}, kTesterMac, 0s);
    EXPECT_EQ(second.state(), ClaimState::Conflict);
    EXPECT_EQ(second.other_mac(), kTesterMac);
}

TEST(AddressClaim, IsDefendedAtMostOncePerInterval) {
    AddressClaim claim = claimed4();
    claim.receive(arp_from_tester({0, 0, 0, 0}, kOur4), 100s);
    EXPECT_EQ(claim.next_deadline(), kNever) << "the reply to a probe is enough";
    claim.receive(arp_from_tester(kOur4, kFar4), 100s);
    EXPECT_EQ(claim.next_deadline(), Micros(100s));
    EXPECT_EQ(claim.next_message(100s), Message::ArpAnnouncement);
    EXPECT_FALSE(claim.next_message(100s));
    claim.receive(arp_from_tester(kOur4, kFar4), 109s);
    EXPECT_FALSE(claim.next_message(109s)) << "two defenders would broadcast endlessly";
    claim.receive(arp_from_tester(kOur4, kFar4), 110s);
    EXPECT_EQ(claim.next_message(110s), Message::ArpAnnouncement);
    EXPECT_EQ(claim.state(), ClaimState::Claimed);
    EXPECT_EQ(claim.conflicts(), 3U);
    EXPECT_EQ(claim.other_mac(), kTesterMac);
}

TEST(AddressClaim, ForIpv6IsDefendedByAnAdvertisement) {
    AddressClaim claim = claim6();
    run(claim);
    claim.receive(wire::NeighborSolicitation{v6(kOur6), {}, {}}, kNobody6, kTesterMac, 50s);
    EXPECT_EQ(claim.conflicts(), 0U) << "the answer to a probe is the defence";
    claim.receive(wire::NeighborAdvertisement{v6(kOur6), false, false, true, kTesterMac}, kTesterMac, 50s);
    EXPECT_EQ(claim.next_message(50s), Message::Advertisement);
    EXPECT_EQ(claim.state(), ClaimState::Claimed);
}

TEST(AddressClaim, DefendedBetweenAnnouncementsSendsNoMoreThanTwo) {
    AddressClaim claim = claim4();
    while (claim.state() == ClaimState::Probing)
        claim.next_message(claim.next_deadline());
    const Micros second = claim.next_deadline();
    claim.receive(arp_from_tester(kOur4, kFar4), second - 1s);
    EXPECT_EQ(claim.next_message(second - 1s), Message::ArpAnnouncement);
    EXPECT_EQ(claim.next_deadline(), kNever);
}

}  // namespace
}  // namespace l2echo::net
