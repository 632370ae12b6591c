#include "packet_host.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <sys/random.h>

#include <algorithm>
#include <system_error>
#include <utility>

#include "l2echo/process/error.hpp"
#include "l2echo/tcp/initial_sequence.hpp"
#include "l2echo/wire/checksum.hpp"
#include "l2echo/wire/tcp.hpp"

namespace l2echo {
namespace {

constexpr std::size_t kArenaBytes = 64U << 20;
constexpr std::size_t kMaxPacket = 65536;
constexpr std::uint8_t kTcp = 6;  // IANA protocol number
constexpr std::size_t kPeriod = 65521;

hash::SipKey random_key() {
    hash::SipKey key;
    if (getrandom(&key, sizeof key, 0) != sizeof key)
        throw std::system_error(errno, std::generic_category(), "getrandom()");
    return key;
}

}  // namespace

Pattern::Pattern() : bytes_(kPeriod + kChunk) {
    for (std::size_t i = 0; i < bytes_.size(); ++i) {
        const std::size_t at = i % kPeriod;
        bytes_[i] = static_cast<std::byte>(at * at * 31 + at * 7 + (at >> 8) * 3);
    }
}

std::span<const std::byte> Pattern::at(std::uint64_t position, std::uint64_t length) const {
    return std::span(bytes_).subspan(position % kPeriod, std::min<std::uint64_t>(length, kChunk));
}

wire::IpAddress parse_address(const std::string& text) {
    std::array<std::byte, 16> bytes{};
    if (inet_pton(AF_INET, text.c_str(), bytes.data()) == 1)
        return wire::IpAddress::from_ipv4(bytes.data());
    if (inet_pton(AF_INET6, text.c_str(), bytes.data()) == 1)
        return wire::IpAddress::from_ipv6(bytes.data());
    throw process::UsageError(fmt::format("'{}' is not an IP address", text));
}

PacketHost::PacketHost(const HostOptions& options, Send send, tcp::Micros now)
    : options_(options),
      send_(std::move(send)),
      key_(random_key()),
      memory_(kArenaBytes),
      arena_(memory_),
      outgoing_(kMaxPacket) {
    if (options.peer)
        connect(now);
    else
        listener_.emplace(options.settings, arena_, options.mtu, key_);
}

void PacketHost::connect(tcp::Micros now) {
    const tcp::Tuple tuple{.local = options_.address,
                           .remote = *options_.peer,
                           .local_port = static_cast<std::uint16_t>(32768 + key_.low % 28000),
                           .remote_port = options_.peer_port};
    connection_.emplace(
        options_.settings, arena_, tuple, options_.mtu,
        tcp::ActiveOpen{tcp::initial_sequence(key_, tuple, now), tcp::timestamp_clock(key_, tuple)}, now);
}

std::optional<tcp::Micros> PacketHost::deadline() const {
    return connection_ ? connection_->deadline() : listener_->deadline();
}

void PacketHost::take(std::span<const std::byte> packet, tcp::Micros now) {
    if (static_cast<unsigned>(packet[0]) >> 4 == 4) {
        wire::Ipv4Header header;
        take_ip(packet, header, now);
    } else {
        wire::Ipv6Header header;
        take_ip(packet, header, now);
    }
}

template <typename Header>
void PacketHost::take_ip(std::span<const std::byte> packet, Header& header, tcp::Micros now) {
    const wire::HeaderRead read = wire::read_header(packet, header);
    if (!read || header.is_fragment() || header.protocol != kTcp || header.destination != options_.address)
        return;
    const auto segment = packet.subspan(read.length, header.total_length - read.length);
    const auto length = static_cast<std::uint32_t>(segment.size());
    if (!wire::is_right(wire::sum_of(segment) +
                        wire::pseudo_header_sum(header.source, header.destination, kTcp, length)))
        return;
    wire::TcpHeader tcp_header;
    const wire::HeaderRead tcp_read = wire::read_header(segment, tcp_header);
    if (!tcp_read)
        return;
    take_segment({.local = header.destination,
                  .remote = header.source,
                  .local_port = tcp_header.destination_port,
                  .remote_port = tcp_header.source_port},
                 tcp_header, segment.subspan(tcp_read.length), now);
}

void PacketHost::take_segment(const tcp::Tuple& tuple, const wire::TcpHeader& header,
                              std::span<const std::byte> payload, tcp::Micros now) {
    if (connection_ && connection_->tuple() == tuple) {
        on_events(connection_->receive(header, payload, now), now);
        return;
    }
    if (!listener_ || connection_ || tuple.local_port != options_.listen_port) {
        if (const auto reset = tcp::reset_for(header, payload.size()))
            send(tuple, *reset);
        return;
    }
    const tcp::Listener::Result result = listener_->receive(tuple, header, payload.size(), now);
    if (result.reply)
        send(tuple, *result.reply);
    if (result.open) {
        connection_.emplace(options_.settings, arena_, tuple, options_.mtu, *result.open, now);
        on_events(connection_->receive(header, payload, now), now);
    }
}

void PacketHost::on_events(tcp::Events events, tcp::Micros now) {
    if (events.has(tcp::Event::Connected)) {
        connected_ = true;
        connected_at_ = now;
        if (options_.echo)
            connection_->echo();
    }
    if (events.has(tcp::Event::Reset) || events.has(tcp::Event::TimedOut) ||
        events.has(tcp::Event::Unreachable)) {
        outcome_.end = events.has(tcp::Event::Reset) ? "reset" : "timed out";
        ended_ = true;
    }
    if (events.has(tcp::Event::TimeWait) || events.has(tcp::Event::Closed))
        ended_ = true;
}

void PacketHost::serve(tcp::Micros now) {
    if (!connected_)
        return;
    if (options_.echo) {
        outcome_.received = connection_->info().bytes_received;
        if (connection_->peer_closed())
            connection_->shutdown();
        return;
    }
    check_received(now);
    write_pattern(now);
}

void PacketHost::check_received(tcp::Micros now) {
    for (fifo::Bytes bytes = connection_->peek(); bytes.size() > 0; bytes = connection_->peek()) {
        outcome_.last_byte = now;
        if (outcome_.received == 0)
            outcome_.first_byte = outcome_.last_byte;
        const auto piece = bytes.first.first(std::min(bytes.first.size(), Pattern::kChunk));
        if (!outcome_.wrong_at && !std::ranges::equal(piece, pattern_.at(outcome_.received, piece.size())))
            outcome_.wrong_at = outcome_.received;
        outcome_.received += piece.size();
        connection_->consume(piece.size());
    }
}

void PacketHost::write_pattern(tcp::Micros now) {
    const bool time_is_over = options_.send_for.count() > 0 && now - connected_at_ > options_.send_for;
    while (outcome_.sent < options_.bytes_to_send && !time_is_over) {
        const std::size_t written =
            connection_->write(pattern_.at(outcome_.sent, options_.bytes_to_send - outcome_.sent));
        if (written == 0)
            return;
        outcome_.sent += written;
    }
    if (!std::exchange(shut_down_, true))
        connection_->shutdown();
}

void PacketHost::send_all(tcp::Micros now) {
    if (connection_) {
        while (const auto segment = connection_->next_segment(now))
            send(connection_->tuple(), *segment);
        outcome_.info = connection_->info();
    } else if (listener_) {
        while (const auto addressed = listener_->next_segment(now))
            send(addressed->tuple, addressed->segment);
    }
}

void PacketHost::send(const tcp::Tuple& tuple, const tcp::OutgoingSegment& segment) {
    const std::uint32_t ip_length =
        tuple.local.version == 4 ? wire::kIpv4HeaderLength : wire::kIpv6HeaderLength;
    std::byte* const at = outgoing_.data() + ip_length;
    const std::uint32_t header_length = wire::write_header(segment.header, at);
    const auto length = static_cast<std::uint32_t>(header_length + segment.payload_length());
    std::ranges::copy(segment.first, at + header_length);
    std::ranges::copy(segment.second, at + header_length + segment.first.size());
    const wire::Sum sum =
        wire::sum_of({at, length}) + wire::pseudo_header_sum(tuple.local, tuple.remote, kTcp, length);
    wire::store_checksum(at + wire::kTcpChecksumOffset, sum);
    if (tuple.local.version == 4)
        write_ip(wire::Ipv4Header{.source = tuple.local,
                                  .destination = tuple.remote,
                                  .total_length = ip_length + length,
                                  .dont_fragment = true,
                                  .protocol = kTcp});
    else
        write_ip(wire::Ipv6Header{.source = tuple.local,
                                  .destination = tuple.remote,
                                  .total_length = ip_length + length,
                                  .protocol = kTcp});
}

template <typename Header>
void PacketHost::write_ip(const Header& header) {
    wire::write_header(header, outgoing_.data());
    send_(std::span(outgoing_).first(header.total_length));
}

void PacketHost::turn(tcp::Micros now) {
    if (connection_ && deadline() && *deadline() <= now)
        on_events(connection_->expire(now), now);
    serve(now);
    send_all(now);
}

HostOutcome PacketHost::outcome() {
    if (options_.echo)
        outcome_.sent = outcome_.received;
    connection_.reset();
    listener_.reset();
    outcome_.arena_bytes_in_use = arena_.size() - arena_.free_bytes();
    return outcome_;
}

}  // namespace l2echo
