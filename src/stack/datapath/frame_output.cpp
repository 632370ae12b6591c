#include "l2echo/stack/frame_output.hpp"

#include <rte_ethdev.h>

#include <algorithm>
#include <cstring>

#include "l2echo/wire/arp.hpp"
#include "l2echo/wire/checksum.hpp"
#include "l2echo/wire/frame_headers.hpp"
#include "l2echo/wire/icmp.hpp"
#include "l2echo/wire/neighbor_discovery.hpp"
#include "l2echo/wire/tcp.hpp"
#include "l2echo/wire/udp.hpp"
#include "stack/datapath/ip_header.hpp"

namespace l2echo::stack {
namespace {

/// Writes a payload into a frame, piece by piece, and sums it.
class PayloadWriter {
  public:
    /// The payload begins `offset` bytes into the first mbuf.
    PayloadWriter(rte_mbuf& frame, std::uint32_t offset) noexcept : segment_(&frame), offset_(offset) {}

    void append(std::span<const std::byte> bytes) noexcept {
        while (!bytes.empty()) {
            if (offset_ == segment_->data_len) [[unlikely]] {
                segment_ = segment_->next;
                offset_ = 0;
            }
            const std::size_t count = std::min<std::size_t>(bytes.size(), segment_->data_len - offset_);
            auto* const to = rte_pktmbuf_mtod_offset(segment_, std::byte*, offset_);
            sum_ += wire::at_offset(wire::copy_and_sum(to, bytes.first(count)), written_);
            written_ += count;
            offset_ += static_cast<std::uint32_t>(count);
            bytes = bytes.subspan(count);
        }
    }
    wire::Sum sum() const noexcept { return sum_; }

  private:
    rte_mbuf* segment_;
    std::uint32_t offset_;
    std::size_t written_ = 0;
    wire::Sum sum_ = 0;
};

}  // namespace

FrameOutput::FrameOutput(const LinkSettings& settings, const net::FragmentPools& pools,
                         const net::Routes& routes, net::Neighbours& neighbours,
                         std::uint32_t random) noexcept
    : settings_(settings), pools_(pools), routes_(routes), neighbours_(neighbours), identification_(random) {}

FrameOutput::~FrameOutput() {
    rte_pktmbuf_free_bulk(burst_.data(), count_);
}

void FrameOutput::drop(rte_mbuf* frame, std::uint64_t& reason) noexcept {
    ++reason;
    rte_pktmbuf_free(frame);
}

/// A frame with room for link header and packet, in as many mbufs as it needs; nullptr if the pool is empty.
/// The headers fit into the first one.
rte_mbuf* FrameOutput::frame_of(std::uint32_t packet_length) noexcept {
    rte_mbuf* head = nullptr;
    std::uint32_t missing = link_length() + packet_length;
    do {
        rte_mbuf* const segment = rte_pktmbuf_alloc(pools_.headers);
        if (segment == nullptr || (head != nullptr && rte_pktmbuf_chain(head, segment) != 0)) {
            ++counts_.no_mbuf;
            rte_pktmbuf_free(segment);
            rte_pktmbuf_free(head);
            return nullptr;
        }
        head = head == nullptr ? segment : head;
        const auto length =
            static_cast<std::uint16_t>(std::min<std::uint32_t>(missing, rte_pktmbuf_tailroom(segment)));
        rte_pktmbuf_append(head, length);
        missing -= length;
    } while (missing > 0);
    return head;
}

void FrameOutput::send(const tcp::Tuple& tuple, const tcp::OutgoingSegment& segment) noexcept {
    const std::uint32_t header_length = wire::header_length(segment.header);
    const auto transport_length = static_cast<std::uint32_t>(header_length + segment.payload_length());
    const std::uint32_t ip_length = ip_header_length(tuple.local);
    rte_mbuf* const frame = frame_of(ip_length + transport_length);
    if (frame == nullptr)
        return;
    auto* const ip = rte_pktmbuf_mtod_offset(frame, std::byte*, link_length());
    std::byte* const transport = ip + ip_length;
    write_ip_header({.source = tuple.local,
                     .destination = tuple.remote,
                     .payload_length = transport_length,
                     .protocol = wire::kProtocolTcp,
                     .dont_fragment = true},
                    ip);
    wire::write_header(segment.header, transport);
    wire::Sum sum = wire::pseudo_header_sum(tuple.local, tuple.remote, wire::kProtocolTcp, transport_length);
    sum += wire::sum_of({transport, header_length});
    PayloadWriter payload(*frame, link_length() + ip_length + header_length);
    payload.append(segment.first);
    payload.append(segment.second);
    sum += payload.sum();
    wire::store_checksum(transport + wire::kTcpChecksumOffset, sum);
    resolve(tuple.remote, frame);
}

void FrameOutput::send(std::uint16_t local_port, const stream::DatagramHeader& header,
                       const fifo::Bytes& bytes) noexcept {
    const std::uint32_t length = wire::kUdpHeaderLength + header.length;
    const std::uint32_t ip_length = ip_header_length(header.local);
    rte_mbuf* const frame = frame_of(ip_length + length);
    if (frame == nullptr)
        return;
    auto* const ip = rte_pktmbuf_mtod_offset(frame, std::byte*, link_length());
    std::byte* const transport = ip + ip_length;
    write_ip_header({.source = header.local,
                     .destination = header.peer.address,
                     .payload_length = length,
                     .protocol = wire::kProtocolUdp,
                     .hop_limit = header.hop_limit != 0 ? header.hop_limit : std::uint8_t{64},
                     .traffic_class = header.traffic_class},
                    ip);
    wire::write_header({.source_port = local_port,
                        .destination_port = header.peer.port,
                        .total_length = static_cast<std::uint16_t>(length)},
                       transport);
    wire::Sum sum = wire::pseudo_header_sum(header.local, header.peer.address, wire::kProtocolUdp, length);
    sum += wire::sum_of({transport, wire::kUdpHeaderLength});
    PayloadWriter payload(*frame, link_length() + ip_length + wire::kUdpHeaderLength);
    payload.append(bytes.first);
    payload.append(bytes.second);
    sum += payload.sum();
    wire::store_udp_checksum(transport, sum);
    send_packet(header.peer.address, frame);
}

void FrameOutput::send_copy(const wire::IpAddress& to, std::span<const std::byte> packet) noexcept {
    if (rte_mbuf* const frame = frame_of(static_cast<std::uint32_t>(packet.size())); frame != nullptr) {
        std::memcpy(rte_pktmbuf_mtod_offset(frame, std::byte*, link_length()), packet.data(), packet.size());
        send_packet(to, frame);
    }
}

void FrameOutput::send_payload(wire::MacAddress to, std::uint16_t ether_type,
                               std::span<const std::byte> payload) noexcept {
    if (rte_mbuf* const frame = frame_of(static_cast<std::uint32_t>(payload.size())); frame != nullptr) {
        std::memcpy(rte_pktmbuf_mtod_offset(frame, std::byte*, link_length()), payload.data(),
                    payload.size());
        send_to(to, ether_type, frame);
    }
}

void FrameOutput::send_packet(const wire::IpAddress& to, rte_mbuf* frame) noexcept {
    if (frame->pkt_len <= std::uint32_t{link_length()} + settings_.mtu) [[likely]] {
        resolve(to, frame);
        return;
    }
    std::array<rte_mbuf*, 64> fragments;  // 65,535 bytes at an MTU of 1280 are 53
    const std::uint16_t count =
        net::split(frame, link_length(), settings_.mtu, identification_++, pools_, fragments);
    if (count == 0)
        ++counts_.too_long;
    for (std::uint16_t i = 0; i < count; ++i)
        resolve(to, fragments[i]);
}

void FrameOutput::resolve(const wire::IpAddress& to, rte_mbuf* frame) noexcept {
    const auto hop = routes_.next_hop(to);
    if (!hop) {
        drop(frame, counts_.no_route);
        return;
    }
    const net::Neighbours::Resolution found = neighbours_.resolve(*hop, now_);
    if (found.has_mac()) [[likely]] {
        send_to(found.mac, ether_type_of(to), frame);
    } else if (found.state == net::NeighbourState::Incomplete) {
        write_link(0, ether_type_of(to), *frame);
        if (void* const gives_way = neighbours_.hold(*hop, frame); gives_way != nullptr)
            drop(static_cast<rte_mbuf*>(gives_way), counts_.unreachable);
    } else {
        drop(frame, counts_.unreachable);
    }
}

void FrameOutput::write_link(wire::MacAddress to, std::uint16_t ether_type, rte_mbuf& frame) noexcept {
    wire::write_header(
        {.destination = to, .source = settings_.mac, .type = ether_type, .tag = settings_.vlan},
        rte_pktmbuf_mtod(&frame, std::byte*));
}

void FrameOutput::send_to(wire::MacAddress to, std::uint16_t ether_type, rte_mbuf* frame) noexcept {
    write_link(to, ether_type, *frame);
    append(frame);
}

void FrameOutput::append(rte_mbuf* frame) noexcept {
    if (count_ == burst_.size())
        flush();
    if (count_ == burst_.size()) {
        // Layers ask for room first; this is an answer or a fragment, which its sender repeats.
        drop(frame, counts_.no_room);
        return;
    }
    burst_[count_++] = frame;
}

void FrameOutput::flush() noexcept {
    const std::uint16_t sent =
        rte_eth_tx_burst(settings_.port, settings_.queue, burst_.data(), static_cast<std::uint16_t>(count_));
    counts_.sent += sent;
    std::copy(burst_.begin() + sent, burst_.begin() + count_, burst_.begin());
    count_ -= sent;
}

void FrameOutput::release_held(const wire::IpAddress& neighbour) noexcept {
    const net::Neighbours::Resolution found = neighbours_.resolve(neighbour, now_);
    if (!found.has_mac())
        return;
    while (void* const held = neighbours_.take_held(neighbour)) {
        auto* const frame = static_cast<rte_mbuf*>(held);
        wire::store_mac(rte_pktmbuf_mtod(frame, std::byte*), found.mac);
        append(frame);
    }
}

void FrameOutput::ask_neighbours() noexcept {
    while (const auto request = neighbours_.next_request(now_)) {
        const auto source = routes_.source_for(request->target);
        if (!source)
            continue;
        if (request->target.version == 4) {
            rte_mbuf* const frame = frame_of(wire::kArpLength);
            if (frame == nullptr)
                continue;
            wire::write_header({.operation = wire::ArpOperation::Request,
                                .sender_mac = settings_.mac,
                                .sender = *source,
                                .target_mac = 0,
                                .target = request->target},
                               rte_pktmbuf_mtod_offset(frame, std::byte*, link_length()));
            send_to(request->unicast.value_or(wire::kBroadcastMac), wire::kEtherTypeArp, frame);
            continue;
        }
        const wire::IpAddress group = wire::solicited_node_address(request->target);
        const wire::NeighborSolicitation solicitation{
            .target = request->target, .source_mac = settings_.mac, .nonce = std::nullopt};
        std::array<std::byte, wire::kMaxNeighborMessageLength> message;
        const std::uint32_t length = wire::write_header(solicitation, message.data());
        const wire::IpAddress& to = request->unicast ? request->target : group;
        rte_mbuf* const frame = frame_of(wire::kIpv6HeaderLength + length);
        if (frame == nullptr)
            continue;
        wire::store_icmp_checksum(*source, to, std::span(message).first(length));
        auto* const ip = rte_pktmbuf_mtod_offset(frame, std::byte*, link_length());
        write_ip_header({.source = *source,
                         .destination = to,
                         .payload_length = length,
                         .protocol = wire::kProtocolIcmpv6,
                         .hop_limit = wire::kNeighborHopLimit},
                        ip);
        std::memcpy(ip + wire::kIpv6HeaderLength, message.data(), length);
        send_to(request->unicast.value_or(wire::multicast_mac(group)), wire::kEtherTypeIpv6, frame);
    }
    while (void* const dropped = neighbours_.take_dropped())
        drop(static_cast<rte_mbuf*>(dropped), counts_.unreachable);
}

}  // namespace l2echo::stack
