#include "l2echo/echo/arming.hpp"

#include <rte_cycles.h>

namespace l2echo::echo {

Session::Session(std::size_t ports, bool disarmed, std::optional<std::chrono::milliseconds> expire)
    : ports_(ports), gates_(std::make_unique<PortGate[]>(ports)), expire_(expire) {
    if (disarmed)
        disarm();
    else
        arm();
}

void Session::arm(std::optional<std::chrono::milliseconds> expire) noexcept {
    const double hz = static_cast<double>(rte_get_tsc_hz());
    const std::uint64_t end =
        expire ? rte_rdtsc() + static_cast<std::uint64_t>(std::chrono::duration<double>(*expire).count() * hz)
               : PortGate::kNever;
    for (std::size_t port = 0; port < ports_; ++port)
        gates_[port].arm(end);
}

void Session::disarm() noexcept {
    for (std::size_t port = 0; port < ports_; ++port)
        gates_[port].disarm();
}

report::SessionState Session::state(std::size_t port) const noexcept {
    const PortGate& gate = gates_[port];
    const std::uint64_t now = rte_rdtsc();
    report::SessionState state{gate.closed_by(now), gate.facing(), std::nullopt};
    const std::uint64_t end = gate.expires_at();  // once: another thread may arm anew
    if (end != PortGate::kNever && end > now && state.closed_by != Refusal::Disarmed)
        state.remaining_seconds = static_cast<double>(end - now) / static_cast<double>(rte_get_tsc_hz());
    return state;
}

}  // namespace l2echo::echo
