#include "l2echo/echo/arming.hpp"

#include <rte_cycles.h>

namespace l2echo::echo {

Arming::Arming(std::vector<Gate*> gates, bool disarmed, std::optional<std::chrono::milliseconds> expire)
    : gates_(std::move(gates)), expire_(expire) {
    if (disarmed)
        disarm();
    else
        arm();
}

void Arming::arm(std::optional<std::chrono::milliseconds> expire) noexcept {
    const auto hz = static_cast<double>(rte_get_tsc_hz());
    const std::uint64_t end =
        expire ? rte_rdtsc() + static_cast<std::uint64_t>(std::chrono::duration<double>(*expire).count() * hz)
               : Gate::kNever;
    for (Gate* gate : gates_)
        gate->arm(end);
}

void Arming::disarm() noexcept {
    for (Gate* gate : gates_)
        gate->disarm();
}

verdict::ArmingState Arming::state(std::size_t port) const noexcept {
    const Gate& gate = *gates_[port];
    const std::uint64_t now = rte_rdtsc();
    verdict::ArmingState state{gate.closed_by(now), gate.facing(), std::nullopt};
    const std::uint64_t end = gate.expires_at();  // read once: another thread may arm it again
    if (end != Gate::kNever && end > now && state.closed_by != verdict::Reason::Disarmed)
        state.remaining_seconds = static_cast<double>(end - now) / static_cast<double>(rte_get_tsc_hz());
    return state;
}

}  // namespace l2echo::echo
