#include "service/datapath/chargen.hpp"

#include <span>

namespace l2echo::service {

using stream::Event;

void TcpChargen::on_events(stream::Streams& streams, stream::StreamId id, stream::Events events,
                           std::chrono::microseconds /*now*/) noexcept {
    std::uint16_t& position = position_[id.index];
    if (events.has(Event::Accepted)) {
        ++counters_.accepted;
        position = 0;
    }
    const std::size_t count = streams.readable(id).size();
    counters_.received_bytes += count;
    streams.consume(id, count);
    if (events.has(Event::Ended)) {
        ++counters_.ended;
        return;
    }
    const std::span<const std::byte> lines = lines_;
    while (const std::size_t written = streams.write(id, lines.subspan(position))) {
        counters_.sent_bytes += written;
        position = static_cast<std::uint16_t>((position + written) % lines.size());
    }
}

}  // namespace l2echo::service
