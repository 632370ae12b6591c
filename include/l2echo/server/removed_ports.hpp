// Handles ports whose NIC is removed at run time: the other ports continue.
#pragma once

#include "l2echo/dpdk/ports.hpp"
#include "l2echo/engine/worker_group.hpp"
#include "l2echo/process/stop_signal.hpp"

namespace l2echo::server {

/// Gives up removed ports: first the workers stop polling them, then the device is released. Stops the
/// program if no port is left. Call periodically, from one thread at a time.
void give_up_removed_ports(dpdk::Ports& ports, engine::WorkerGroup& workers, process::StopSignal& stop);

/// Called at the end, for the exit status. Throws std::runtime_error with the names of removed ports.
void throw_if_removed(const dpdk::Ports& ports);

}  // namespace l2echo::server
