#include "l2echo/echo/echo_pair.hpp"

#include <rte_cycles.h>

#include "echo/datapath/swap_burst.hpp"
#include "l2echo/echo/run_echo.hpp"
#include "l2echo/engine/poll_loop.hpp"
#include "l2echo/wire/loop_check.hpp"

namespace l2echo::echo {

using verdict::Count;

std::uint32_t EchoPair::poll(std::uint64_t now) noexcept {
    engine::BurstArray frames;
    const std::uint16_t received = queues.receive(frames);
    if (received == 0)
        return 0;

    engine::BurstArray answers;
    const KeptFrames kept = swap_burst({frames.data(), received}, answers, *this, now);
    if (kept.echoes > 0) [[likely]] {
        const engine::Sent sent = queues.send_or_drop({frames.data(), kept.echoes});
        queues.counters.add(Count::Echoed, sent.frames);
        queues.counters.add(Count::EchoedBytes, kept.echoed_bytes - sent.dropped_bytes);
    }
    if (kept.answers > 0) [[unlikely]]
        queues.counters.add(Count::Answered, queues.send_or_drop({answers.data(), kept.answers}).frames);
    return received;
}

bool EchoPair::send_loop_check() noexcept {
    rte_mbuf* check = rte_pktmbuf_alloc(loop_check.pool);
    if (check == nullptr)
        return false;
    char* data = rte_pktmbuf_append(check, wire::kLoopCheckLength);
    if (data != nullptr) {
        wire::write_loop_check(reinterpret_cast<std::byte*>(data), port.rules().own_mac, loop_check.sender);
        if (rte_eth_tx_burst(queues.port(), queues.queue(), &check, 1) == 1) {
            queues.counters.add(Count::ChecksSent, 1);
            return true;
        }
    }
    rte_pktmbuf_free(check);
    return false;
}

/// Retries soon if a check could not be sent: the link may be coming up.
std::uint64_t EchoPair::run_timer(std::uint64_t now) noexcept {
    constexpr std::uint64_t kTriesPerSecond = 100;
    if (!loop_check.on || queues.queue() != 0)
        return engine::kNeverDue;
    if (now < check_due_)
        return check_due_;
    const bool done = !port.gate.may_send_checks(now) || send_loop_check();
    check_due_ = now + (done ? rte_get_tsc_hz() : rte_get_tsc_hz() / kTriesPerSecond);
    return check_due_;
}

void run_echo(engine::Worker& worker, std::span<EchoPair* const> pairs, const engine::IdleSettings& idle,
              const std::atomic<bool>& stop) noexcept {
    engine::run_worker(worker, pairs, idle, stop);
}

}  // namespace l2echo::echo
