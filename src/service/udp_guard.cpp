#include "service/datapath/udp_guard.hpp"

namespace l2echo::service {
namespace {

constexpr unsigned kFirstUserPort = 1024;
constexpr std::size_t kLimits = 4096;  // 24 bytes each; a power of two

}  // namespace

UdpGuard::UdpGuard(const Settings& settings) : key_(settings.key) {
    if (!settings.allow_any_source) {
        for (unsigned port = 0; port < kFirstUserPort; ++port)
            refused_ports_.set(port);
        for (const std::uint16_t port : settings.own_ports)
            refused_ports_.set(port);
    }
    if (settings.answers_per_second > 0)
        limits_.assign(kLimits, stream::TokenBucket(settings.answers_per_second));
}

}  // namespace l2echo::service
