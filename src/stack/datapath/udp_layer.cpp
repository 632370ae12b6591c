#include "l2echo/stack/udp_layer.hpp"

#include <array>
#include <cstring>
#include <type_traits>

namespace l2echo::stack {
namespace {

using stream::DatagramHeader;

static_assert(std::is_trivially_copyable_v<DatagramHeader>);  // its bytes are in the FIFO

}  // namespace

UdpLayer::BoundEndpoint* UdpLayer::find(stream::StreamId id) const noexcept {
    const std::uint32_t number = id.index - first_index_;
    return number < endpoints_.size() && id.generation == 0 ? endpoints_[number].get() : nullptr;
}

UdpLayer::BoundEndpoint* UdpLayer::bound_to(const wire::IpAddress& address,
                                            std::uint16_t port) const noexcept {
    BoundEndpoint* any = nullptr;
    for (const auto& endpoint : endpoints_) {
        if (endpoint->local.port != port)
            continue;
        if (endpoint->local.address == address)
            return endpoint.get();
        if (endpoint->local.address.version == 0)
            any = endpoint.get();
    }
    return any;
}

bool UdpLayer::append(fifo::ByteFifo& fifo, const DatagramHeader& header, const fifo::Bytes& bytes) noexcept {
    if (fifo.space() < sizeof header + header.length)
        return false;
    (void)fifo.write(std::as_bytes(std::span(&header, 1)));
    (void)fifo.write(bytes.first);
    (void)fifo.write(bytes.second);
    return true;
}

std::optional<stream::Datagram> UdpLayer::first(const fifo::ByteFifo& fifo) noexcept {
    if (fifo.empty())
        return std::nullopt;
    std::array<std::byte, sizeof(DatagramHeader)> copy;
    const fifo::Bytes held = fifo.peek(0, copy.size());
    std::memcpy(copy.data(), held.first.data(), held.first.size());
    if (!held.second.empty())
        std::memcpy(copy.data() + held.first.size(), held.second.data(), held.second.size());
    stream::Datagram datagram;
    std::memcpy(&datagram.header, copy.data(), copy.size());
    datagram.payload = fifo.peek(copy.size(), datagram.header.length);
    return datagram;
}

void UdpLayer::drop(fifo::ByteFifo& fifo) noexcept {
    if (const auto datagram = first(fifo))
        fifo.consume(static_cast<std::uint32_t>(sizeof(DatagramHeader) + datagram->header.length));
}

UdpOutcome UdpLayer::receive(const IncomingDatagram& datagram) noexcept {
    BoundEndpoint* const endpoint = bound_to(datagram.header.local, datagram.local_port);
    if (endpoint == nullptr)
        return UdpOutcome::NoEndpoint;
    if (!append(endpoint->received, datagram.header, {datagram.payload, {}})) {
        ++no_space_;
        return UdpOutcome::NoSpace;
    }
    ++received_;
    endpoint->events |= stream::Event::Readable;
    return UdpOutcome::Delivered;
}

void UdpLayer::run_services(stream::Streams& streams, std::chrono::microseconds now) noexcept {
    for (std::uint32_t number = 0; number < endpoints_.size(); ++number)
        if (const stream::Events events = std::exchange(endpoints_[number]->events, {}); events.any())
            endpoints_[number]->service->on_events(streams, {first_index_ + number, 0}, events, now);
}

std::optional<stream::Datagram> UdpLayer::first_datagram(stream::StreamId id) const noexcept {
    const BoundEndpoint* const endpoint = find(id);
    return endpoint != nullptr ? first(endpoint->received) : std::nullopt;
}

void UdpLayer::drop(stream::StreamId id) noexcept {
    if (BoundEndpoint* const endpoint = find(id); endpoint != nullptr)
        drop(endpoint->received);
}

bool UdpLayer::send(stream::StreamId id, const DatagramHeader& header, const fifo::Bytes& bytes) noexcept {
    BoundEndpoint* const endpoint = find(id);
    if (endpoint == nullptr || header.length != bytes.size() || header.length > stream::kMaxUdpPayload)
        return false;
    const bool fits = append(endpoint->sending, header, bytes);
    endpoint->wants_space = endpoint->wants_space || !fits;
    return fits;
}

}  // namespace l2echo::stack
