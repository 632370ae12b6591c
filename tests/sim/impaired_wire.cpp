#include "impaired_wire.hpp"

#include <algorithm>
#include <cmath>

namespace l2echo::sim {

using tcp::Micros;

namespace {

constexpr Micros kMaxBurst = std::chrono::seconds(1);

}  // namespace

ImpairedWire::ImpairedWire(const Schedule& schedule, Side from, Micros start, EventQueue& queue,
                           PacketStore& packets)
    : schedule_(schedule),
      from_(from),
      start_(start),
      queue_(queue),
      packets_(packets),
      random_(static_cast<std::uint64_t>(schedule.at(Key::Seed)), 100U + from) {}

bool ImpairedWire::between(Key start, Key length, Micros now) const noexcept {
    const Micros begin = start_ + Micros(schedule_.at(start));
    return now >= begin && now < begin + Micros(schedule_.at(length));
}

bool ImpairedWire::is_healed(Micros now) const noexcept {
    return schedule_.flag(Key::HealAt) && now >= start_ + Micros(schedule_.at(Key::HealAt));
}

bool ImpairedWire::is_lost(Micros now) {
    if (between(Key::BlackholeAt, Key::BlackholeFor, now) &&
        (schedule_.at(Key::BlackholeSides) >> from_ & 1) != 0)
        return true;
    if (is_healed(now))
        return false;
    // Gilbert's model: within a burst each packet is lost, and it ends with the chance that gives the mean
    // length. A burst ends in time as well, or it would last minutes where a sender backs off.
    if (now < burst_until_) {
        if (random_.chance(1'000'000 / schedule_.at(Key::BurstLength)))
            burst_until_ = now;
    } else if (random_.chance(schedule_.at(Key::BurstStart, from_))) {
        burst_until_ = now + kMaxBurst;
    }
    return now < burst_until_ || random_.chance(schedule_.at(Key::Loss, from_));
}

void ImpairedWire::shrink_window(wire::TcpHeader& header, Micros now) {
    if (schedule_.at(Key::ShrinkSide) != from_ || header.flags.syn || header.flags.rst ||
        !between(Key::ShrinkAt, Key::ShrinkFor, now))
        return;
    header.window = static_cast<std::uint16_t>(header.window >> schedule_.at(Key::ShrinkShift));
    ++counts_.windows_shrunk;
}

bool ImpairedWire::is_too_big(const tcp::Tuple& tuple, const tcp::OutgoingSegment& segment, Micros now) {
    const std::size_t length = packet_length(tuple, segment);
    const std::int64_t mtu = between(Key::MtuChangeAt, Key::MtuChangeFor, now) ? schedule_.at(Key::MtuChanged)
                                                                               : schedule_.at(Key::Mtu);
    if (static_cast<std::int64_t>(length) <= mtu)
        return false;
    ++counts_.too_big;
    const std::int64_t icmp = schedule_.at(Key::Icmp);
    if (icmp == 0)
        return true;
    const std::uint32_t id = packets_.add();
    Packet& packet = packets_[id];
    packet.is_error = true;
    packet.quoted = tuple;
    packet.error = {.kind = tcp::IcmpError::Kind::PacketTooBig,
                    .sequence = tcp::Sequence(segment.header.sequence),
                    .mtu = icmp == 1 ? static_cast<std::uint32_t>(mtu) : 0};
    queue_.add(now + Micros(schedule_.at(Key::Delay, from_)), EventKind::Arrival, from_, id);
    return true;
}

/// ACK thinning: a pure ACK waits until the end of its slot, and a later one of the connection takes its
/// place.
bool ImpairedWire::hold(const tcp::Tuple& tuple, const tcp::OutgoingSegment& segment, Micros now) {
    const std::int64_t slot = schedule_.at(Key::HoldAcks, from_);
    const wire::TcpFlags flags = segment.header.flags;
    if (slot == 0 || is_healed(now) || segment.payload_length() > 0 || flags.syn || flags.fin || flags.rst)
        return false;
    std::erase_if(held_, [now](const HeldAck& held) { return held.until <= now; });
    const auto before = std::ranges::find(held_, tuple, &HeldAck::tuple);
    if (before != held_.end()) {
        write_packet(tuple, segment, packets_[before->packet].bytes);
        ++counts_.acks_held;
        return true;
    }
    const Micros until((now.count() / slot + 1) * slot);
    const std::uint32_t id = packets_.add();
    write_packet(tuple, segment, packets_[id].bytes);
    held_.push_back({tuple, until, id});
    queue_.add(until + Micros(schedule_.at(Key::Delay, from_)), EventKind::Arrival, other(from_), id);
    return true;
}

/// A burst of up to 15 bits, which the checksums find always; or a packet that is cut off.
void ImpairedWire::damage(std::vector<std::byte>& bytes) {
    ++counts_.corrupted;
    if (random_.one_in(8)) {
        bytes.resize(static_cast<std::size_t>(random_.below(static_cast<std::int64_t>(bytes.size()))));
        return;
    }
    const auto bits = static_cast<std::int64_t>(bytes.size()) * 8;
    const std::int64_t first = random_.below(bits);
    const std::int64_t last = std::min(first + random_.below(15), bits - 1);
    for (std::int64_t bit = first; bit <= last; ++bit)
        if (bit == first || random_.one_in(2))
            bytes[static_cast<std::size_t>(bit / 8)] ^= static_cast<std::byte>(0x80 >> bit % 8);
}

void ImpairedWire::deliver(std::uint32_t packet, Micros departure, bool late, Micros now) {
    Micros arrival = departure + Micros(schedule_.at(Key::Delay, from_));
    if (!is_healed(now))
        arrival += Micros(random_.below(schedule_.at(Key::Jitter, from_) + 1));
    if (late) {
        arrival += Micros(random_.between(1, schedule_.at(Key::ReorderDelay)));
        ++counts_.reordered;
    } else {
        arrival = std::max(arrival, last_arrival_);
        last_arrival_ = arrival;
    }
    queue_.add(arrival, EventKind::Arrival, other(from_), packet);
}

void ImpairedWire::send(const tcp::Tuple& tuple, tcp::OutgoingSegment segment, Micros now) {
    ++counts_.sent;
    shrink_window(segment.header, now);
    if (is_too_big(tuple, segment, now) || is_lost(now)) {
        ++counts_.lost;
        return;
    }
    if (hold(tuple, segment, now))
        return;
    const std::uint32_t id = packets_.add();
    write_packet(tuple, segment, packets_[id].bytes);

    Micros departure = now;
    if (const std::int64_t rate = schedule_.at(Key::Rate, from_); rate > 0) {
        const Micros busy = std::max(line_free_at_ - now, Micros(0));
        const auto length = static_cast<std::int64_t>(packets_[id].bytes.size());
        if (busy.count() * rate / 1'000'000 + length > schedule_.at(Key::Queue, from_)) {
            ++counts_.queue_full;
            ++counts_.lost;
            packets_.release(id);
            return;
        }
        line_free_at_ = now + busy + Micros((length * 1'000'000 + rate - 1) / rate);
        departure = line_free_at_;
    }
    if (is_healed(now)) {
        deliver(id, departure, false, now);
        return;
    }
    if (random_.chance(schedule_.at(Key::Duplicate, from_))) {
        ++counts_.duplicated;
        const std::uint32_t again = packets_.copy(id);
        deliver(again, departure, random_.chance(schedule_.at(Key::Reorder, from_)), now);
    }
    if (random_.chance(schedule_.at(Key::Corrupt, from_)))
        damage(packets_[id].bytes);
    deliver(id, departure, random_.chance(schedule_.at(Key::Reorder, from_)), now);
}

}  // namespace l2echo::sim
