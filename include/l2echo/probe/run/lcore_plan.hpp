// Assigns a sending and a checking lcore to each queue pair. Pure functions of their arguments.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "l2echo/dpdk/lcore.hpp"

namespace l2echo::probe {

/// If both are equal, one lcore alternates between sending and checking.
struct QueuePairLcores {
    unsigned sender = 0;
    unsigned checker = 0;
};

/// Returns the number of queue pairs to request from the port: the value of --queues, otherwise one per two
/// worker lcores, but no more than there are streams. Throws UsageError if there are too few lcores or
/// streams for --queues.
std::uint16_t plan_queue_pairs(std::size_t workers, std::optional<std::uint16_t> asked, std::uint16_t flows);

/// Assigns two lcores to each queue pair if there are enough, otherwise one; the main lcore if it is the only
/// one. Assigns in order, so lcores may be left over.
std::vector<QueuePairLcores> plan_lcores(const dpdk::Lcore& main, const std::vector<dpdk::Lcore>& workers,
                                         std::uint16_t queue_pairs);

/// Returns text such as "lcore 1 sends, lcore 2 checks".
std::string describe(const QueuePairLcores& lcores);

}  // namespace l2echo::probe
