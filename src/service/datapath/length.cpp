#include "service/datapath/length.hpp"

#include <algorithm>
#include <array>

namespace l2echo::service {
namespace {

using stream::Event;

constexpr std::uint8_t kLengthBytes = 4;
constexpr std::size_t kAnswerBytes = 8;

}  // namespace

void TcpLength::on_events(stream::Streams& streams, stream::StreamId id, stream::Events events,
                          std::chrono::microseconds /*now*/) noexcept {
    Request& request = requests_[id.index];
    if (events.has(Event::Accepted)) {
        ++counters_.accepted;
        request = {};
    }
    if (events.has(Event::Ended)) {
        ++counters_.ended;
        return;
    }
    request.peer_closed |= events.has(Event::PeerClosed);
    while (answer_next(streams, id, request)) {
    }
    if (request.peer_closed && streams.readable(id).size() == 0 && streams.writable(id) >= kAnswerBytes) {
        counters_.malformed += request.length_bytes != 0 ? 1 : 0;
        streams.close(id);
        ++counters_.ended;
    }
}

bool TcpLength::answer_next(stream::Streams& streams, stream::StreamId id, Request& request) noexcept {
    if (streams.writable(id) < kAnswerBytes)
        return false;
    if (framing_ == Framing::None) {
        const std::size_t count = streams.readable(id).size();
        if (count == 0)
            return false;
        streams.consume(id, count);
        counters_.received_bytes += count;
        answer(streams, id, count);
        return true;
    }
    if (!read_request(streams, id, request))
        return false;
    answer(streams, id, request.length);
    request.length = 0;
    request.length_bytes = 0;
    return true;
}

bool TcpLength::read_request(stream::Streams& streams, stream::StreamId id, Request& request) noexcept {
    const fifo::Bytes bytes = streams.readable(id);
    std::size_t taken = 0;
    while (request.length_bytes < kLengthBytes && taken < bytes.size()) {
        const std::byte next =
            taken < bytes.first.size() ? bytes.first[taken] : bytes.second[taken - bytes.first.size()];
        request.length = request.length << 8 | static_cast<std::uint32_t>(next);
        ++taken;
        if (++request.length_bytes == kLengthBytes)
            request.missing = request.length;
    }
    if (request.length_bytes == kLengthBytes) {
        const auto skipped =
            static_cast<std::uint32_t>(std::min<std::size_t>(bytes.size() - taken, request.missing));
        request.missing -= skipped;
        taken += skipped;
    }
    streams.consume(id, taken);
    counters_.received_bytes += taken;
    return request.length_bytes == kLengthBytes && request.missing == 0;
}

void TcpLength::answer(stream::Streams& streams, stream::StreamId id, std::uint64_t length) noexcept {
    std::array<std::byte, kAnswerBytes> bytes;
    for (std::size_t i = 0; i < bytes.size(); ++i)
        bytes[i] = static_cast<std::byte>(length >> (8 * (kAnswerBytes - 1 - i)));
    counters_.sent_bytes += streams.write(id, bytes);
    ++counters_.requests;
}

}  // namespace l2echo::service
