#include "l2echo/stack/udp_layer.hpp"

namespace l2echo::stack {

UdpLayer::UdpLayer(const UdpLayerSettings& settings, fifo::Arena& arena, std::uint32_t first_index)
    : settings_(settings), arena_(arena), first_index_(first_index) {}

UdpLayer::~UdpLayer() {
    for (const auto& endpoint : endpoints_) {
        endpoint->received.release(arena_);
        endpoint->sending.release(arena_);
    }
}

std::optional<stream::StreamId> UdpLayer::bind(const stream::Endpoint& local, stream::Service& service) {
    for (const auto& endpoint : endpoints_)
        if (endpoint->local == local)
            return std::nullopt;
    auto endpoint = std::make_unique<BoundEndpoint>();
    endpoint->local = local;
    endpoint->service = &service;
    if (!endpoint->received.grow(arena_, settings_.receive_buffer) ||
        !endpoint->sending.grow(arena_, settings_.send_buffer)) {
        endpoint->received.release(arena_);
        return std::nullopt;
    }
    endpoints_.push_back(std::move(endpoint));
    return stream::StreamId{first_index_ + static_cast<std::uint32_t>(endpoints_.size() - 1), 0};
}

}  // namespace l2echo::stack
