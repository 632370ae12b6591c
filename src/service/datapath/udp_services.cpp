#include "service/datapath/udp_services.hpp"

namespace l2echo::service {

void UdpEcho::on_events(stream::Streams& streams, stream::StreamId id, stream::Events /*events*/,
                        std::chrono::microseconds now) noexcept {
    while (const auto datagram = streams.first_datagram(id)) {
        const stream::DatagramHeader& received = datagram->header;
        if (received.length > stream::kMaxUdpPayload) {
            ++counters_.no_room;
        } else if (admitted_ || guard_.admits(received.peer, now, counters_)) {
            const stream::DatagramHeader reply{
                .peer = received.peer, .local = received.local, .length = received.length};
            admitted_ = !streams.send(id, reply, datagram->payload);
            if (admitted_)
                return;  // until there is space
            ++counters_.answered;
            counters_.sent_bytes += received.length;
        }
        ++counters_.received;
        counters_.received_bytes += received.length;
        streams.drop(id);
    }
}

void UdpDiscard::on_events(stream::Streams& streams, stream::StreamId id, stream::Events /*events*/,
                           std::chrono::microseconds /*now*/) noexcept {
    while (const auto datagram = streams.first_datagram(id)) {
        ++counters_.received;
        ++counters_.discarded;
        counters_.received_bytes += datagram->header.length;
        streams.drop(id);
    }
}

}  // namespace l2echo::service
