#include "l2echo/engine/counter_set.hpp"

#include <numeric>

namespace l2echo::engine {

std::uint64_t QueuePairCounts::refused() const noexcept {
    return std::accumulate(refused_by.begin(), refused_by.end(), std::uint64_t{0});
}

QueuePairCounts& QueuePairCounts::operator+=(const QueuePairCounts& other) noexcept {
    bursts += other.bursts;
    received += other.received;
    received_bytes += other.received_bytes;
    echoed += other.echoed;
    echoed_bytes += other.echoed_bytes;
    answered += other.answered;
    dropped += other.dropped;
    tx_retries += other.tx_retries;
    checks_sent += other.checks_sent;
    for (std::size_t reason = 0; reason < echo::kRefusalReasons; ++reason)
        refused_by[reason] += other.refused_by[reason];
    return *this;
}

QueuePairCounts QueuePairCounters::read() const noexcept {
    QueuePairCounts counts;
    counts.bursts = bursts.read();
    counts.received = received.read();
    counts.received_bytes = received_bytes.read();
    counts.echoed = echoed.read();
    counts.echoed_bytes = echoed_bytes.read();
    counts.answered = answered.read();
    counts.dropped = dropped.read();
    counts.tx_retries = tx_retries.read();
    counts.checks_sent = checks_sent.read();
    for (std::size_t reason = 0; reason < echo::kRefusalReasons; ++reason)
        counts.refused_by[reason] = refused_by[reason].read();
    return counts;
}

}  // namespace l2echo::engine
