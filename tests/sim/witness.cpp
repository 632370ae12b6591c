#include "witness.hpp"

#include <algorithm>

namespace l2echo::sim {

void DeliveredNumbers::add(std::int64_t left, std::int64_t right) {
    if (right <= in_order_ || left >= right)
        return;
    const auto first =
        std::ranges::find_if(islands_, [left](const auto& island) { return island.second >= left; });
    auto last = first;
    while (last != islands_.end() && last->first <= right) {
        left = std::min(left, last->first);
        right = std::max(right, last->second);
        ++last;
    }
    const auto place = islands_.erase(first, last);
    if (left > in_order_)
        islands_.insert(place, {left, right});
    else
        in_order_ = right;
}

bool DeliveredNumbers::contains(std::int64_t left, std::int64_t right) const noexcept {
    return right <= in_order_ || std::ranges::any_of(islands_, [&](const auto& island) {
               return island.first <= left && right <= island.second;
           });
}

Witness::Witness(bool ipv6) noexcept : default_mss_(ipv6 ? 1220 : 536) {}

std::int64_t Witness::relative(const Direction& direction, std::uint32_t sequence) noexcept {
    const tcp::Sequence near = direction.initial + static_cast<std::uint32_t>(direction.sent);
    return direction.sent + (tcp::Sequence(sequence) - near);
}

std::int64_t Witness::end_of(std::int64_t begin, const wire::TcpHeader& header,
                             std::size_t payload) noexcept {
    return begin + static_cast<std::int64_t>(payload) + (header.flags.syn ? 1 : 0) +
           (header.flags.fin ? 1 : 0);
}

unsigned Witness::scale_of(Side from, const wire::TcpHeader& header) const noexcept {
    const auto& own = directions_[from].options.window_scale;
    const auto& peer = directions_[other(from)].options.window_scale;
    return !header.flags.syn && own && peer ? std::min<unsigned>(*own, 14) : 0;
}

bool Witness::is_new(Side from, const wire::TcpHeader& header, std::size_t payload) const noexcept {
    const Direction& own = directions_[from];
    return end_of(relative(own, header.sequence), header, payload) > own.sent;
}

std::int64_t Witness::position(Side from, std::uint32_t sequence) const noexcept {
    return relative(directions_[from], sequence) - 1;
}

tcp::Sequence Witness::next_expected(Side to) const noexcept {
    const Direction& peer = directions_[other(to)];
    return peer.initial + static_cast<std::uint32_t>(peer.delivered.in_order());
}

bool Witness::end_delivered(Side to) const noexcept {
    const Direction& peer = directions_[other(to)];
    return peer.end > 0 && peer.delivered.in_order() >= peer.end;
}

void Witness::on_open(tcp::Sequence initial_send) noexcept {
    Direction& direction = directions_[Server];
    direction.initial = initial_send;
    direction.has_initial = true;
    direction.sent = std::max<std::int64_t>(direction.sent, 1);
    direction.delivered.add(0, 1);
    direction.acknowledged = 1;
}

const char* Witness::check_acknowledgment(Side from, const wire::TcpHeader& header) noexcept {
    Direction& peer = directions_[other(from)];
    if (!peer.has_initial)
        return "an ACK before the peer's SYN";
    const std::int64_t acknowledged = relative(peer, header.acknowledgment);
    if (acknowledged > peer.delivered.in_order())
        return "an ACK of what was not received";
    if (acknowledged < peer.acknowledged)
        return "an ACK that takes back an earlier one";
    peer.acknowledged = acknowledged;
    // RFC 9293 3.8.6.2.1: the right edge stays. The field cannot say less than one unit of the scale.
    const unsigned scale = scale_of(from, header);
    const std::int64_t edge = acknowledged + (std::int64_t{header.window} << scale);
    if (edge + (std::int64_t{1} << scale) <= peer.offered)
        return "a window that shrinks";
    peer.offered = std::max(peer.offered, edge);
    return check_sack(peer, header);
}

const char* Witness::check_sack(const Direction& peer, const wire::TcpHeader& header) const noexcept {
    const auto& options = header.options;
    if (options.sack_blocks > 0 &&
        !(directions_[Client].options.sack_permitted && directions_[Server].options.sack_permitted))
        return "SACK blocks that were not agreed";
    for (std::size_t i = 0; i < options.sack_blocks; ++i) {
        const std::int64_t left = relative(peer, options.sack[i].left);
        const std::int64_t right = relative(peer, options.sack[i].right);
        if (left >= right)
            return "an empty SACK block";
        if (!peer.delivered.contains(left, right))
            return "a SACK block of what was not received";
        if (i > 0 && left < peer.acknowledged)
            return "a SACK block after the first that is below the ACK";
    }
    return nullptr;
}

const char* Witness::check_data(Side from, const wire::TcpHeader& header, std::size_t payload) noexcept {
    Direction& own = directions_[from];
    const Direction& peer = directions_[other(from)];
    const std::int64_t begin = relative(own, header.sequence);
    const std::int64_t end = end_of(begin, header, payload);
    if (begin > own.sent)
        return "a gap in the sent sequence numbers";
    // A zero-window probe may carry one byte.
    if (payload > 0 && begin + static_cast<std::int64_t>(payload) > own.allowed + (payload == 1 ? 1 : 0) &&
        end > own.sent)
        return "data beyond the window";
    if (own.end > 0 && end > own.end)
        return "data after the FIN";
    if (header.flags.fin) {
        if (own.end > 0 && end != own.end)
            return "a second FIN";
        own.end = end;
    }
    if (payload > 0) {
        const std::size_t mss = peer.options.mss > 0 ? peer.options.mss : default_mss_;
        if (payload + wire::header_length(header) - wire::kTcpHeaderLength > std::max<std::size_t>(mss, 88))
            return "more than the peer's MSS";
    }
    own.sent = std::max(own.sent, end);
    return nullptr;
}

const char* Witness::on_send(Side from, const wire::TcpHeader& header, std::size_t payload) noexcept {
    Direction& own = directions_[from];
    const Direction& peer = directions_[other(from)];
    if (header.flags.rst) {
        // Before anything but the SYN was sent, a RST answers a segment of an older connection, and ours
        // remains.
        own.reset = own.sent > 1;
        return nullptr;
    }
    if (own.reset)
        return "a segment after a RST";
    if (header.flags.syn) {
        if (own.has_initial && own.acknowledged > 0 && own.initial.value() != header.sequence)
            return nullptr;  // a cookie for a SYN that came late
        own.initial = tcp::Sequence(header.sequence);
        own.has_initial = true;
        own.sent = std::max<std::int64_t>(own.sent, 1);
        own.options = header.options;
        if (payload > 0)
            return "data on a SYN";
        return header.flags.ack ? check_acknowledgment(from, header) : nullptr;
    }
    if (!own.has_initial)
        return "data before the SYN";
    const bool timestamps = own.options.timestamps && peer.options.timestamps;
    if (timestamps != header.options.timestamps.has_value())
        return timestamps ? "a segment without the agreed timestamps" : "timestamps that were not agreed";
    if (!header.flags.ack)
        return "a segment without an ACK";
    if (const char* wrong = check_acknowledgment(from, header); wrong != nullptr)
        return wrong;
    return check_data(from, header, payload);
}

void Witness::on_delivery(Side to, const wire::TcpHeader& header, std::size_t payload) {
    Direction& own = directions_[to];
    Direction& peer = directions_[other(to)];
    if (header.flags.rst || !peer.has_initial)
        return;
    // A listener may answer the SYN again, by a cookie or after one: the client takes what comes first.
    if (to == Client && header.flags.syn && header.flags.ack && peer.acknowledged == 0 &&
        tcp::Sequence(header.acknowledgment) == own.initial + 1)
        peer.initial = tcp::Sequence(header.sequence);
    const std::int64_t begin = relative(peer, header.sequence);
    peer.delivered.add(begin, end_of(begin, header, payload));
    if (header.flags.ack && own.has_initial)
        own.allowed = std::max(own.allowed, relative(own, header.acknowledgment) +
                                                (std::int64_t{header.window} << scale_of(other(to), header)));
}

}  // namespace l2echo::sim
