// Whom a service of UDP answers.
#pragma once

#include <bitset>
#include <chrono>
#include <cstdint>
#include <span>
#include <vector>

#include "l2echo/hash/siphash.hpp"
#include "l2echo/stream/streams.hpp"
#include "l2echo/stream/token_bucket.hpp"
#include "service/datapath/counters.hpp"

namespace l2echo::service {

/// Keeps two services from answering each other endlessly, and an invented source address from being flooded.
/// Used by one worker.
class UdpGuard {
  public:
    struct Settings {
        std::span<const std::uint16_t> own_ports{};  ///< of UDP services; datagrams from them are refused
        bool allow_any_source = false;               ///< refuse no port
        std::uint32_t answers_per_second = 0;        ///< to one source address; 0: no limit
        hash::SipKey key{};                          ///< random, secret
    };

    /// Throws std::bad_alloc.
    explicit UdpGuard(const Settings& settings);

    /// True if this peer is answered now; otherwise the reason is counted. Few sources share a limit: which
    /// ones depends on the key.
    bool admits(const stream::Endpoint& peer, std::chrono::microseconds now, UdpCounters& counters) noexcept;

  private:
    hash::SipKey key_;
    std::bitset<65536> refused_ports_;
    std::vector<stream::TokenBucket> limits_;  // by hash of the source; empty: no limit
};

}  // namespace l2echo::service
