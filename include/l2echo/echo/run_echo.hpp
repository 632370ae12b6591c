// The worker loop that echoes.
#pragma once

#include <atomic>
#include <span>

#include "l2echo/echo/echo_pair.hpp"
#include "l2echo/engine/idle.hpp"
#include "l2echo/engine/worker.hpp"

namespace l2echo::echo {

/// Polls every queue pair once per iteration until any thread sets `stop`, waits according to `idle` while no
/// frames arrive, and sends each port's loop check once per second from its queue pair 0. `pairs` are those
/// of the worker. Runs on the worker's lcore. Defined next to EchoPair::poll(), which is inlined into the
/// loop.
void run_echo(engine::Worker& worker, std::span<EchoPair* const> pairs, const engine::IdleSettings& idle,
              const std::atomic<bool>& stop) noexcept;

}  // namespace l2echo::echo
