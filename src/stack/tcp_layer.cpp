#include "l2echo/stack/tcp_layer.hpp"

#include <fmt/format.h>

#include <new>

#include "l2echo/process/error.hpp"

namespace l2echo::stack {

void TcpLayer::Free::operator()(Slot* slots) const noexcept {
    std::destroy_n(slots, count);
    ::operator delete[](slots, std::align_val_t{alignof(Slot)});
}

TcpLayer::TcpLayer(const std::string& name, const TcpLayerSettings& settings, fifo::Arena& arena,
                   const hash::SipKey& key, int numa_node, tcp::Micros now)
    : settings_(settings),
      arena_(arena),
      key_(key),
      table_(name, settings.max_connections, numa_node, static_cast<std::uint32_t>(key.low)),
      slots_(static_cast<Slot*>(
                 ::operator new[](settings.max_connections * sizeof(Slot), std::align_val_t{alignof(Slot)})),
             Free{settings.max_connections}),
      wheel_(now),
      time_wait_memory_(tcp::TimeWaitTable::memory_for(settings.max_time_wait) + RTE_CACHE_LINE_SIZE),
      ready_(settings.max_connections),
      dirty_(settings.max_connections),
      resets_(settings.resets_per_second) {
    for (std::uint32_t number = settings.max_connections; number-- > 0;) {
        new (&slots_[number]) Slot;
        slots_[number].next_free = first_free_;
        first_free_ = number;
    }
    void* aligned = time_wait_memory_.data();
    std::size_t space = time_wait_memory_.size();
    std::align(RTE_CACHE_LINE_SIZE, tcp::TimeWaitTable::memory_for(settings.max_time_wait), aligned, space);
    time_wait_.emplace(std::span(static_cast<std::byte*>(aligned), space), settings.tcp.time_wait, key);
}

TcpLayer::~TcpLayer() {
    for (std::uint32_t number = 0; number < settings_.max_connections; ++number)
        if (slots_[number].is_used)
            slots_[number].connection().~Connection();
}

bool TcpLayer::listen(const stream::Endpoint& local, stream::Service& service) {
    for (const auto& listening : listeners_)
        if (listening->local == local)
            return false;
    listeners_.push_back(
        std::make_unique<Listening>(local, &service, settings_.tcp, arena_, settings_.mtu, key_));
    return true;
}

}  // namespace l2echo::stack
