// Which lcore sends and which checks on which queue pair. Pure functions of their arguments.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "l2echo/dpdk/lcore.hpp"

namespace l2echo::probe {

/// Equal: one lcore does both in turn.
struct QueuePairLcores {
    unsigned sender = 0;
    unsigned checker = 0;
};

/// How many queue pairs to ask the port for: what --queues says, else one for every two lcores beside the
/// main one, but no more than there are streams. Throws UsageError when the lcores or the streams are too few
/// for what --queues says.
std::uint16_t plan_queue_pairs(std::size_t workers, std::optional<std::uint16_t> asked, std::uint16_t flows);

/// Two lcores a queue pair where there are enough, else one; the main one when there is no other. In order,
/// so lcores may be left over.
std::vector<QueuePairLcores> plan_lcores(const dpdk::Lcore& main, const std::vector<dpdk::Lcore>& workers,
                                         std::uint16_t queue_pairs);

/// "lcore 1 sends, lcore 2 checks"
std::string describe(const QueuePairLcores& lcores);

}  // namespace l2echo::probe
