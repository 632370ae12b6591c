#include "l2echo/stack/frame_input.hpp"

#include <algorithm>
#include <cstring>

#include "l2echo/wire/checksum.hpp"
#include "l2echo/wire/frame_headers.hpp"
#include "l2echo/wire/icmp.hpp"
#include "l2echo/wire/tcp.hpp"
#include "l2echo/wire/udp.hpp"
#include "stack/datapath/ip_header.hpp"

namespace l2echo::stack {
namespace {

constexpr std::uint16_t kVlanIdMask = 0x0FFF;

bool has_right_checksum(const wire::IpAddress& source, const wire::IpAddress& destination,
                        std::uint8_t protocol, std::span<const std::byte> transport) noexcept {
    return wire::is_right(
        wire::pseudo_header_sum(source, destination, protocol, static_cast<std::uint32_t>(transport.size())) +
        wire::sum_of(transport));
}

tcp::IcmpError::Kind kind_of(net::ReceivedError::Kind kind) noexcept {
    using From = net::ReceivedError::Kind;
    using To = tcp::IcmpError::Kind;
    switch (kind) {
        case From::PacketTooBig:
            return To::PacketTooBig;
        case From::PortUnreachable:
        case From::ProtocolUnreachable:
        case From::Prohibited:
            return To::ProtocolUnreachable;
        case From::RouteUnreachable:
        case From::TimeExceeded:
        case From::ReassemblyTimeout:
        case From::ParameterProblem:
            break;
    }
    return To::RouteUnreachable;
}

}  // namespace

void FrameInput::receive(std::span<rte_mbuf*> frames, net::Micros now,
                         std::chrono::nanoseconds since_1970) noexcept {
    now_ = now;
    since_1970_ = since_1970;
    for (rte_mbuf* const frame : frames) {
        ++counts_.received;
        take(frame);
        if (segment_count_ == kMaxBurst)
            pass_segments();
    }
    pass_segments();
}

void FrameInput::pass_segments() noexcept {
    if (segment_count_ == 0)
        return;
    std::array<TcpOutcome, kMaxBurst> outcomes;
    stack_.tcp().receive(std::span(segments_).first(segment_count_), outcomes, output_, now_);
    for (std::size_t i = 0; i < segment_count_; ++i) {
        if (outcomes[i] == TcpOutcome::Delivered)
            counts_.delivered += segment_fragments_[i];
        else
            add_refused(
                outcomes[i] == TcpOutcome::NoListener ? Refusal::NoListener : Refusal::TooManyConnections,
                segment_fragments_[i]);
    }
    rte_pktmbuf_free_bulk(segment_frames_.data(), static_cast<unsigned>(segment_count_));
    segment_count_ = 0;
}

/// Reads the link header. What is below frees the frame or keeps it.
void FrameInput::take(rte_mbuf* mbuf) noexcept {
    const std::uint16_t link_length = output_.link_length();
    Frame frame{mbuf, 1, 0, false, {}};
    const auto refuse_and_free = [&](Refusal reason) {
        refuse(frame, reason);
        rte_pktmbuf_free(frame.mbuf);
    };
    // Drivers put the headers into the first mbuf.
    if (mbuf->data_len < link_length) {
        refuse_and_free(Refusal::Malformed);
        return;
    }
    const auto* const start = rte_pktmbuf_mtod(mbuf, const std::byte*);
    const wire::MacPair macs = wire::load_mac_pair(start);
    frame.source_mac = macs.source;
    frame.to_group = wire::is_group(macs.destination);
    if (macs.destination != link_.mac && !frame.to_group) {
        refuse_and_free(Refusal::ForeignMac);
        return;
    }
    std::uint16_t type = wire::load_ether_type(start);
    const bool is_tagged = type == wire::kEtherTypeVlan;
    if (is_tagged != link_.vlan.has_value() ||
        (is_tagged && (wire::load_be16(start + 14) & kVlanIdMask) != *link_.vlan)) {
        refuse_and_free(Refusal::Vlan);
        return;
    }
    if (is_tagged)
        std::memcpy(&type, start + 16, sizeof type);
    frame.packet = {start + link_length, std::size_t{mbuf->data_len} - link_length};
    if (type == wire::kEtherTypeArp) {
        take_arp(frame);
        rte_pktmbuf_free(mbuf);
    } else if (type == wire::kEtherTypeIpv4 || type == wire::kEtherTypeIpv6) {
        take_ip(frame, type == wire::kEtherTypeIpv4 ? 4 : 6);
        rte_pktmbuf_free(frame.mbuf);  // nullptr if it was kept
    } else {
        refuse_and_free(type == wire::kEtherTypeVlan ? Refusal::Vlan : Refusal::EtherType);
    }
}

/// Reads the IP header of a frame, of which a fragment may be held.
void FrameInput::take_ip(Frame& frame, std::uint8_t version) noexcept {
    const std::uint16_t link_length = output_.link_length();
    for (bool is_joined = false;; is_joined = true) {
        if (frame.mbuf->nb_segs > 1) {
            const std::uint32_t length = frame.mbuf->pkt_len - link_length;
            if (length > kMaxPacket) {
                refuse(frame, Refusal::Malformed);
                return;
            }
            const void* const bytes = rte_pktmbuf_read(frame.mbuf, link_length, length, scratch_.get());
            frame.packet = {static_cast<const std::byte*>(bytes), length};
        } else {
            frame.packet = {rte_pktmbuf_mtod_offset(frame.mbuf, const std::byte*, link_length),
                            std::size_t{frame.mbuf->data_len} - link_length};
        }
        Packet packet{};
        bool is_fragment = false;
        bool is_source_routed = false;
        wire::HeaderRead read;
        std::uint32_t total_length = 0;
        const auto copy = [&](const auto& header) {
            packet.source = header.source;
            packet.destination = header.destination;
            packet.protocol = header.protocol;
            packet.hop_limit = header.hop_limit;
            packet.traffic_class = header.traffic_class;
            total_length = header.total_length;
            is_fragment = header.is_fragment();
            is_source_routed = header.source_routed;
        };
        if (version == 4) {
            wire::Ipv4Header header;
            read = wire::read_header(frame.packet, header);
            copy(header);
        } else {
            wire::Ipv6Header header;
            read = wire::read_header(frame.packet, header);
            copy(header);
        }
        if (!read || is_source_routed) {
            refuse(frame, Refusal::Malformed);
            return;
        }
        if (routes_.kind_of(packet.destination) == net::Destination::Foreign) {
            refuse(frame, Refusal::ForeignAddress);
            return;
        }
        if (is_fragment && !is_joined) {
            const std::uint64_t before = reassembly_.held();
            rte_mbuf* const joined = reassembly_.take(frame.mbuf, link_length, now_);
            frame.mbuf = joined;
            const std::uint64_t after = reassembly_.held();
            // What was held and this one, less what is still held, left by the packet or was dropped.
            const auto left = static_cast<std::uint32_t>(before + 1 - after);
            if (joined == nullptr) {
                add_refused(Refusal::Fragment, left);
                return;
            }
            add_refused(Refusal::Fragment, left - joined->nb_segs);
            frame.fragments = joined->nb_segs;
            continue;
        }
        frame.packet = frame.packet.first(total_length);
        packet.payload = frame.packet.subspan(read.length);
        take_packet(frame, packet);
        return;
    }
}

void FrameInput::take_packet(Frame& frame, const Packet& packet) noexcept {
    // Duplicate address detection has no source; everything else needs one.
    const bool is_discovery = packet.protocol == wire::kProtocolIcmpv6;
    if (!is_discovery && !routes_.is_acceptable_source(packet.source)) {
        refuse(frame, Refusal::Source);
        return;
    }
    const bool is_ours = routes_.is_ours(packet.destination);
    if (packet.protocol == wire::kProtocolTcp) {
        // RFC 9293 3.9.2.3: nothing to a group is a segment.
        if (is_ours && !frame.to_group)
            take_tcp(frame, packet);
        else
            refuse(frame, Refusal::ForeignAddress);
    } else if (packet.protocol == wire::kProtocolUdp) {
        if (is_ours && !frame.to_group)
            take_udp(frame, packet);
        else
            refuse(frame, Refusal::ForeignAddress);
    } else if (packet.protocol ==
               (packet.source.version == 4 ? wire::kProtocolIcmp : wire::kProtocolIcmpv6)) {
        take_icmp(frame, packet);
    } else {
        refuse(frame, Refusal::Protocol);
        report(net::OwnError::ProtocolUnreachable, frame);
    }
}

void FrameInput::take_tcp(Frame& frame, const Packet& packet) noexcept {
    IncomingSegment& segment = segments_[segment_count_];
    segment.header = wire::TcpHeader{};
    const wire::HeaderRead read = wire::read_header(packet.payload, segment.header);
    if (!read) {
        refuse(frame, Refusal::Malformed);
        return;
    }
    if (!has_right_checksum(packet.source, packet.destination, wire::kProtocolTcp, packet.payload)) {
        refuse(frame, Refusal::Checksum);
        return;
    }
    segment.tuple = {packet.destination, packet.source, segment.header.destination_port,
                     segment.header.source_port};
    segment.payload = packet.payload.subspan(read.length);
    segment_frames_[segment_count_] = frame.mbuf;
    segment_fragments_[segment_count_] = frame.fragments;
    ++segment_count_;
    // The scratch memory holds one packet.
    if (frame.mbuf->nb_segs > 1)
        pass_segments();
    frame.mbuf = nullptr;
}

void FrameInput::take_udp(const Frame& frame, const Packet& packet) noexcept {
    wire::UdpHeader header;
    const wire::HeaderRead read = wire::read_header(packet.payload, header);
    if (!read || header.total_length > packet.payload.size()) {
        refuse(frame, Refusal::Malformed);
        return;
    }
    const auto datagram = packet.payload.first(header.total_length);
    const wire::Sum sum =
        wire::pseudo_header_sum(packet.source, packet.destination, wire::kProtocolUdp, header.total_length) +
        wire::sum_of(datagram);
    if (!wire::checksum_holds(header, packet.source.version, sum)) {
        refuse(frame, Refusal::Checksum);
        return;
    }
    const auto payload = datagram.subspan(wire::kUdpHeaderLength);
    const UdpOutcome outcome =
        stack_.udp().receive({.header = {.peer = {packet.source, header.source_port},
                                         .local = packet.destination,
                                         .length = static_cast<std::uint16_t>(payload.size()),
                                         .hop_limit = packet.hop_limit,
                                         .traffic_class = packet.traffic_class,
                                         .received_at = since_1970_},
                              .local_port = header.destination_port,
                              .payload = payload});
    switch (outcome) {
        case UdpOutcome::Delivered:
            counts_.delivered += frame.fragments;
            break;
        case UdpOutcome::NoSpace:
            refuse(frame, Refusal::NoSpace);
            break;
        case UdpOutcome::NoEndpoint:
            refuse(frame, Refusal::NoEndpoint);
            report(net::OwnError::PortUnreachable, frame);
            break;
    }
}

void FrameInput::report(net::OwnError error, const Frame& frame) noexcept {
    std::array<std::byte, net::kMaxIpv6ErrorLength> message;
    const std::uint32_t length = net::write_error(
        error, {.packet = frame.packet, .to_link_group = frame.to_group}, routes_, message.data());
    if (length == 0)
        return;
    if (!errors_.allow(now_)) {
        ++counts_.errors_limited;
        return;
    }
    ++counts_.errors_sent;
    const std::byte* const ip = frame.packet.data();
    output_.send_copy(std::to_integer<unsigned>(ip[0]) >> 4 == 4 ? wire::IpAddress::from_ipv4(ip + 12)
                                                                 : wire::IpAddress::from_ipv6(ip + 8),
                      std::span(message).first(length));
}

void FrameInput::take_icmp(Frame& frame, const Packet& packet) noexcept {
    wire::IcmpHeader header;
    if (!wire::read_header(packet.payload, header)) {
        refuse(frame, Refusal::Malformed);
        return;
    }
    if (!wire::icmp_checksum_is_right(packet.source, packet.destination, packet.payload)) {
        refuse(frame, Refusal::Checksum);
        return;
    }
    const bool is_v4 = packet.source.version == 4;
    if (!is_v4 && (header.type == wire::icmpv6::kNeighborSolicitation ||
                   header.type == wire::icmpv6::kNeighborAdvertisement)) {
        wire::Ipv6Header ip;
        (void)wire::read_header(frame.packet, ip);
        if (header.type == wire::icmpv6::kNeighborSolicitation)
            take_solicitation(frame, ip, packet.payload);
        else
            take_advertisement(frame, ip, packet.payload);
        return;
    }
    if (!routes_.is_acceptable_source(packet.source)) {
        refuse(frame, Refusal::Source);
        return;
    }
    if (header.type == (is_v4 ? wire::icmpv4::kEchoRequest : wire::icmpv6::kEchoRequest) &&
        header.code == 0 && routes_.is_ours(packet.destination) && !frame.to_group) {
        answer_echo(frame, packet);
    } else if (wire::reports_error(packet.source.version, header.type) && take_error(packet)) {
        counts_.delivered += frame.fragments;
    } else {
        refuse(frame, Refusal::Message);
    }
}

/// True if the error is about a packet that an address of ours sent.
bool FrameInput::take_error(const Packet& packet) noexcept {
    const auto error = net::read_error(packet.source, packet.destination, packet.payload);
    if (!error || !routes_.is_ours(error->source))
        return false;
    if (error->protocol == wire::kProtocolTcp && error->has_transport)
        stack_.tcp().on_icmp(
            {error->source, error->destination, error->source_port, error->destination_port},
            {.kind = kind_of(error->kind), .sequence = tcp::Sequence(error->sequence), .mtu = error->mtu},
            now_);
    return true;
}

/// RFC 1122 3.2.2.6, RFC 4443 4.2: the same bytes back. In place, so that it may be of several mbufs.
void FrameInput::answer_echo(Frame& frame, const Packet& packet) noexcept {
    const bool is_v4 = packet.source.version == 4;
    const std::uint32_t ip_length = ip_header_length(packet.source);
    const std::uint16_t link_length = output_.link_length();
    // Options and extension headers ask for things that an answer would have to do.
    if (frame.packet.size() - packet.payload.size() != ip_length ||
        frame.mbuf->data_len < link_length + ip_length + wire::kIcmpHeaderLength) {
        refuse(frame, Refusal::Message);
        return;
    }
    const std::uint32_t total = ip_length + static_cast<std::uint32_t>(packet.payload.size());
    // The sums of request and answer differ by the type alone (RFC 1624).
    wire::Sum sum = 0;
    auto* const ip = rte_pktmbuf_mtod_offset(frame.mbuf, std::byte*, link_length);
    std::byte* const message = ip + ip_length;
    std::uint16_t word;
    std::memcpy(&word, message, sizeof word);
    std::uint16_t checksum;
    std::memcpy(&checksum, message + wire::kIcmpChecksumOffset, sizeof checksum);
    message[0] = std::byte{is_v4 ? wire::icmpv4::kEchoReply : wire::icmpv6::kEchoReply};
    std::uint16_t changed;
    std::memcpy(&changed, message, sizeof changed);
    sum = static_cast<std::uint16_t>(~checksum) + static_cast<std::uint16_t>(~word) + wire::Sum{changed};
    checksum = static_cast<std::uint16_t>(~wire::fold(sum));
    std::memcpy(message + wire::kIcmpChecksumOffset, &checksum, sizeof checksum);

    write_ip_header({.source = packet.destination,
                     .destination = packet.source,
                     .payload_length = static_cast<std::uint32_t>(packet.payload.size()),
                     .protocol = packet.protocol,
                     .traffic_class = packet.traffic_class},
                    ip);
    // Padding of the link is not part of the packet.
    const std::uint32_t excess = frame.mbuf->pkt_len - link_length - total;
    if (excess > 0 && rte_pktmbuf_trim(frame.mbuf, static_cast<std::uint16_t>(excess)) != 0) {
        refuse(frame, Refusal::Malformed);
        return;
    }
    frame.mbuf->ol_flags = 0;
    counts_.answered += frame.fragments;
    output_.send_packet(packet.source, frame.mbuf);
    frame.mbuf = nullptr;
}

void FrameInput::take_arp(const Frame& frame) noexcept {
    wire::ArpPacket packet;
    if (!wire::read_header(frame.packet, packet)) {
        refuse(frame, Refusal::Malformed);
        return;
    }
    const bool is_probe = packet.sender == wire::IpAddress{.bytes = {}, .version = 4};
    const bool is_neighbour =
        routes_.is_acceptable_source(packet.sender) && routes_.is_on_link(packet.sender);
    // An answer goes to this address, which must be unicast.
    if (wire::is_group(packet.sender_mac) || !(is_probe || is_neighbour)) {
        refuse(frame, Refusal::Source);
        return;
    }
    if (packet.operation == wire::ArpOperation::Request && routes_.is_ours(packet.target)) {
        if (!is_probe && neighbours_.learn_from_request(packet.sender, packet.sender_mac, now_))
            output_.release_held(packet.sender);
        std::array<std::byte, wire::kArpLength> reply;
        wire::write_header({.operation = wire::ArpOperation::Reply,
                            .sender_mac = link_.mac,
                            .sender = packet.target,
                            .target_mac = packet.sender_mac,
                            .target = packet.sender},
                           reply.data());
        counts_.answered += frame.fragments;
        output_.send_payload(packet.sender_mac, wire::kEtherTypeArp, reply);
        return;
    }
    // A reply to us, or a gratuitous request or reply: it changes an entry that exists.
    const bool is_reply = packet.operation == wire::ArpOperation::Reply;
    const bool is_to_us = is_reply && routes_.is_ours(packet.target);
    if (is_probe || !(is_to_us || packet.sender == packet.target)) {
        refuse(frame, Refusal::ForeignAddress);
        return;
    }
    if (neighbours_.learn_from_advertisement(
            {.address = packet.sender, .mac = packet.sender_mac, .solicited = is_to_us, .overrides = true},
            now_))
        output_.release_held(packet.sender);
    counts_.delivered += frame.fragments;
}

void FrameInput::take_solicitation(const Frame& frame, const wire::Ipv6Header& header,
                                   std::span<const std::byte> message) noexcept {
    wire::NeighborSolicitation solicitation;
    if (!wire::read_header(message, solicitation) || !wire::is_valid(solicitation, header)) {
        refuse(frame, Refusal::Malformed);
        return;
    }
    if (!routes_.is_ours(solicitation.target)) {
        refuse(frame, Refusal::ForeignAddress);
        return;
    }
    // The unspecified address detects duplicates: the answer goes to all nodes (RFC 4861 7.2.4).
    const bool is_detection = header.source == wire::IpAddress{.bytes = {}, .version = 6};
    if (!is_detection &&
        (!routes_.is_acceptable_source(header.source) || !routes_.is_on_link(header.source))) {
        refuse(frame, Refusal::Source);
        return;
    }
    wire::MacAddress to_mac = frame.source_mac;
    if (wire::is_group(solicitation.source_mac.value_or(to_mac))) {
        refuse(frame, Refusal::Source);
        return;
    }
    if (!is_detection && solicitation.source_mac) {
        to_mac = *solicitation.source_mac;
        if (neighbours_.learn_from_request(header.source, to_mac, now_))
            output_.release_held(header.source);
    }
    const wire::IpAddress to = is_detection ? wire::all_nodes_address() : header.source;
    const wire::NeighborAdvertisement advertisement{.target = solicitation.target,
                                                    .from_router = false,
                                                    .solicited = !is_detection,
                                                    .overrides = true,
                                                    .target_mac = link_.mac};
    std::array<std::byte, wire::kIpv6HeaderLength + wire::kMaxNeighborMessageLength> packet;
    std::byte* const at = packet.data() + wire::kIpv6HeaderLength;
    const std::uint32_t length = wire::write_header(advertisement, at);
    wire::store_icmp_checksum(solicitation.target, to, {at, length});
    write_ip_header({.source = solicitation.target,
                     .destination = to,
                     .payload_length = length,
                     .protocol = wire::kProtocolIcmpv6,
                     .hop_limit = wire::kNeighborHopLimit},
                    packet.data());
    counts_.answered += frame.fragments;
    output_.send_payload(is_detection ? wire::multicast_mac(to) : to_mac, wire::kEtherTypeIpv6,
                         std::span(packet).first(wire::kIpv6HeaderLength + length));
}

void FrameInput::take_advertisement(const Frame& frame, const wire::Ipv6Header& header,
                                    std::span<const std::byte> message) noexcept {
    wire::NeighborAdvertisement advertisement;
    if (!wire::read_header(message, advertisement) || !wire::is_valid(advertisement, header)) {
        refuse(frame, Refusal::Malformed);
        return;
    }
    if (neighbours_.learn_from_advertisement({.address = advertisement.target,
                                              .mac = advertisement.target_mac,
                                              .solicited = advertisement.solicited,
                                              .overrides = advertisement.overrides},
                                             now_))
        output_.release_held(advertisement.target);
    counts_.delivered += frame.fragments;
}

void FrameInput::expire(net::Micros now) noexcept {
    now_ = now;
    const std::uint64_t before = reassembly_.held();
    reassembly_.expire(now);
    add_refused(Refusal::Fragment, before - reassembly_.held());
    while (rte_mbuf* const first = reassembly_.take_expired()) {
        const std::uint16_t link_length = first->l2_len;
        report(net::OwnError::ReassemblyTimeout,
               {first,
                1,
                0,
                false,
                {rte_pktmbuf_mtod_offset(first, const std::byte*, link_length),
                 std::size_t{first->data_len} - link_length}});
        rte_pktmbuf_free(first);
    }
}

}  // namespace l2echo::stack
