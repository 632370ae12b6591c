#include "l2echo/stack/stack.hpp"

namespace l2echo::stack {

Stack::Stack(const std::string& name, const StackSettings& settings, std::span<std::byte> memory,
             const hash::SipKey& key, int numa_node, tcp::Micros now)
    : arena_(memory),
      tcp_(name, settings.tcp, arena_, key, numa_node, now),
      udp_(settings.udp, arena_, settings.tcp.max_connections),
      now_(now) {}

// Here, and not in the data path, which frees nothing.
Stack::~Stack() = default;

}  // namespace l2echo::stack
