#include "service/datapath/udp_guard.hpp"

namespace l2echo::service {

bool UdpGuard::admits(const stream::Endpoint& peer, std::chrono::microseconds now,
                      UdpCounters& counters) noexcept {
    if (refused_ports_[peer.port]) {
        ++counters.refused_port;
        return false;
    }
    if (limits_.empty())
        return true;
    const std::span<const std::byte> address(peer.address.bytes.data(), peer.address.length());
    if (!limits_[hash::siphash(key_, address) & (limits_.size() - 1)].take(now)) {
        ++counters.refused_rate;
        return false;
    }
    return true;
}

}  // namespace l2echo::service
