#include "net/address_claim.hpp"

namespace l2echo::net {

using Message = AddressClaim::Message;

AddressClaim::AddressClaim(const wire::IpAddress& address, wire::MacAddress own_mac, std::uint64_t random,
                           Micros now, const ClaimSettings& settings) noexcept
    : address_(address),
      own_mac_(own_mac),
      random_(random | 1),
      nonce_(draw() & wire::kMacMask),
      settings_(settings),
      deadline_(now + draw_between(Micros(0), settings.max_start_delay)) {}

/// xorshift64* (Vigna 2016). Its numbers spread messages in time and tell ours from others'; they are no
/// secret.
std::uint64_t AddressClaim::draw() noexcept {
    random_ ^= random_ >> 12;
    random_ ^= random_ << 25;
    random_ ^= random_ >> 27;
    return random_ * 0x2545'F491'4F6C'DD1D;
}

Micros AddressClaim::draw_between(Micros low, Micros high) noexcept {
    const auto width = static_cast<std::uint64_t>((high - low).count());
    return low + Micros(static_cast<std::int64_t>(draw() % (width + 1)));
}

std::optional<Message> AddressClaim::next_message(Micros now) noexcept {
    if (now < deadline_ || deadline_ == kNever)
        return std::nullopt;
    if (state_ == State::Probing) {
        const std::uint8_t probes = is_ipv4() ? settings_.arp_probes : settings_.solicitations;
        if (probes_ < probes) {
            ++probes_;
            if (!is_ipv4())
                deadline_ = now + settings_.retransmit_time;
            else if (probes_ == probes)
                deadline_ = now + settings_.announce_wait;
            else
                deadline_ = now + draw_between(settings_.min_probe_interval, settings_.max_probe_interval);
            return is_ipv4() ? Message::ArpProbe : Message::Solicitation;
        }
        state_ = State::Claimed;
    }
    // A defence that is due after the announcements is one more of them.
    if (announcements_ < settings_.announcements)
        ++announcements_;
    deadline_ = announcements_ < settings_.announcements ? now + settings_.announce_interval : kNever;
    return is_ipv4() ? Message::ArpAnnouncement : Message::Advertisement;
}

wire::ArpPacket AddressClaim::arp_packet(Message message) const noexcept {
    wire::ArpPacket packet{.operation = wire::ArpOperation::Request,
                           .sender_mac = own_mac_,
                           .sender = {.bytes = {}, .version = 4},
                           .target_mac = 0,
                           .target = address_};
    if (message == Message::ArpAnnouncement)
        packet.sender = address_;
    return packet;
}

wire::NeighborSolicitation AddressClaim::solicitation() const noexcept {
    return {.target = address_, .source_mac = std::nullopt, .nonce = nonce_};
}

wire::NeighborAdvertisement AddressClaim::advertisement() const noexcept {
    return {.target = address_,
            .from_router = false,
            .solicited = false,
            .overrides = true,
            .target_mac = own_mac_};
}

/// Somebody else uses the address, or is about to.
void AddressClaim::meet(wire::MacAddress other, Micros now) noexcept {
    if (state_ == State::Conflict)
        return;
    ++conflicts_;
    other_mac_ = other;
    if (state_ == State::Probing) {
        state_ = State::Conflict;
        deadline_ = kNever;
        return;
    }
    // RFC 5227 2.4 (c), for hosts whose address others rely on: keep it, but announce it at most once per
    // interval, so that two of them do not broadcast endlessly. The same for IPv6, where no RFC says more.
    if (defended_ && now - last_defence_ < settings_.defend_interval)
        return;
    defended_ = true;
    last_defence_ = now;
    deadline_ = now;
}

void AddressClaim::receive(const wire::ArpPacket& packet, Micros now) noexcept {
    if (packet.sender_mac == own_mac_)
        return;
    const bool uses = packet.sender == address_;
    const bool probes = wire::is_unspecified(packet.sender) && packet.target == address_ &&
                        packet.operation == wire::ArpOperation::Request;
    // Once claimed, the reply to its probe defends the address.
    if (uses || (probes && state_ == State::Probing))
        meet(packet.sender_mac, now);
}

void AddressClaim::receive(const wire::NeighborSolicitation& solicitation, const wire::IpAddress& source,
                           wire::MacAddress sender_mac, Micros now) noexcept {
    // Who has an address asks for ours without claiming it; only who has none probes for it.
    const bool ours = sender_mac == own_mac_ || solicitation.nonce == nonce_;
    if (state_ == State::Probing && !ours && solicitation.target == address_ && wire::is_unspecified(source))
        meet(sender_mac, now);
}

void AddressClaim::receive(const wire::NeighborAdvertisement& advertisement, wire::MacAddress sender_mac,
                           Micros now) noexcept {
    const wire::MacAddress holder = advertisement.target_mac.value_or(sender_mac);
    if (advertisement.target == address_ && holder != own_mac_)
        meet(holder, now);
}

}  // namespace l2echo::net
