// What happens to a port whose NIC is taken away while the program runs: the other ports go on.
#pragma once

#include "l2echo/dpdk/ports.hpp"
#include "l2echo/engine/worker_group.hpp"
#include "l2echo/process/stop_signal.hpp"

namespace l2echo::server {

/// Gives removed ports up: their workers leave them alone first, then the device goes back. Stops the program
/// when no port is left. To be called now and then, by one thread at a time.
void give_up_removed_ports(dpdk::Ports& ports, engine::WorkerGroup& workers, process::StopSignal& stop);

/// Called at the end, for the exit status. Throws std::runtime_error, naming the ports.
void throw_if_removed(const dpdk::Ports& ports);

}  // namespace l2echo::server
