#include "l2echo/probe/run/lcore_plan.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "l2echo/dpdk/lcore.hpp"
#include "l2echo/process/error.hpp"

namespace l2echo::probe {

std::uint16_t plan_queue_pairs(std::size_t workers, std::optional<std::uint16_t> asked, std::uint16_t flows) {
    if (!asked) {
        const std::size_t by_lcores = std::max<std::size_t>(workers / 2, 1);
        return static_cast<std::uint16_t>(std::min<std::size_t>(by_lcores, flows));
    }
    const std::size_t max = std::max<std::size_t>(workers, 1);
    if (*asked > max)
        throw process::UsageError(fmt::format(
            "--queues {}: a queue pair takes an lcore or two beside the main one, and there {} {}; "
            "give for example -l 0-{}",
            *asked, workers == 1 ? "is" : "are", workers, *asked));
    if (*asked > flows)
        throw process::UsageError(
            fmt::format("--queues {}: each queue pair sends streams of its own; give --flows {} or more",
                        *asked, *asked));
    return *asked;
}

std::vector<QueuePairLcores> plan_lcores(const dpdk::Lcore& main, const std::vector<dpdk::Lcore>& workers,
                                         std::uint16_t queue_pairs) {
    if (workers.empty())
        return {{main.id, main.id}};
    const std::size_t each = workers.size() >= std::size_t{2} * queue_pairs ? 2 : 1;
    std::vector<QueuePairLcores> plan;
    for (std::size_t queue = 0; queue < queue_pairs; ++queue)
        plan.push_back({workers.at(each * queue).id, workers.at(each * queue + each - 1).id});
    return plan;
}

std::string describe(const QueuePairLcores& lcores) {
    return lcores.sender == lcores.checker
               ? fmt::format("lcore {} sends and checks", lcores.sender)
               : fmt::format("lcore {} sends, lcore {} checks", lcores.sender, lcores.checker);
}

}  // namespace l2echo::probe
