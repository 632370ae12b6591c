#include "service/datapath/tcp_services.hpp"

namespace l2echo::service {

using stream::Event;

void TcpEcho::on_events(stream::Streams& streams, stream::StreamId id, stream::Events events,
                        std::chrono::microseconds /*now*/) noexcept {
    if (events.has(Event::Accepted)) {
        ++counters_.accepted;
        (void)streams.echo(id);  // nothing was written before
    }
    if (events.has(Event::Ended))
        ++counters_.ended;
    else if (events.has(Event::PeerClosed))
        streams.shut_down(id);
}

void TcpDiscard::on_events(stream::Streams& streams, stream::StreamId id, stream::Events events,
                           std::chrono::microseconds /*now*/) noexcept {
    if (events.has(Event::Accepted))
        ++counters_.accepted;
    const std::size_t count = streams.readable(id).size();
    counters_.received_bytes += count;
    streams.consume(id, count);
    if (events.has(Event::PeerClosed) && !events.has(Event::Ended))
        streams.close(id);
    counters_.ended += events.has(Event::Ended) || events.has(Event::PeerClosed) ? 1 : 0;
}

}  // namespace l2echo::service
