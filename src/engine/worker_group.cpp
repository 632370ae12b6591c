#include "l2echo/engine/worker_group.hpp"

#include <fmt/format.h>
#include <rte_launch.h>
#include <rte_lcore.h>

#include <algorithm>
#include <memory>
#include <thread>

#include "l2echo/dpdk/result.hpp"

namespace l2echo::engine {
namespace {

/// Argument of a launched lcore.
struct Launch {
    WorkerGroup* group;
    std::size_t index;
};

}  // namespace

WorkerPlan plan_workers(const dpdk::Lcore& main, const std::vector<dpdk::Lcore>& others) {
    return others.empty() ? WorkerPlan{{main}, true} : WorkerPlan{others, false};
}

WorkerGroup::WorkerGroup(Workers workers, Loop loop, process::StopSignal& stop)
    : workers_(std::move(workers)), loop_(std::move(loop)), stop_(stop) {}

WorkerGroup::~WorkerGroup() {
    stop_.request();
    join();
}

int WorkerGroup::run_on_lcore(void* launch) {
    const std::unique_ptr<Launch> what(static_cast<Launch*>(launch));
    WorkerGroup& group = *what->group;
    group.loop_(what->index, *group.workers_.at(what->index), group.stop_.flag());
    return 0;
}

void WorkerGroup::launch() {
    for (std::size_t index = 0; index < workers_.size(); ++index) {
        const unsigned lcore = workers_[index]->lcore.id;
        auto launch = std::make_unique<Launch>(Launch{this, index});
        dpdk::throw_if_failed(rte_eal_remote_launch(run_on_lcore, launch.get(), lcore),
                              fmt::format("launching the worker on lcore {}", lcore));
        (void)launch.release();  // the lcore owns it now
    }
    for (const auto& worker : workers_)
        while (!worker->running.load(std::memory_order_acquire) && !stop_.requested())
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

void WorkerGroup::run_on_main_lcore() {
    loop_(0, *workers_.front(), stop_.flag());
}

bool WorkerGroup::stop_polling(std::uint16_t port, std::chrono::milliseconds limit) {
    std::vector<QueuePair*> pairs;
    for (const auto& worker : workers_)
        std::ranges::copy_if(worker->queue_pairs, std::back_inserter(pairs),
                             [port](const QueuePair* pair) { return pair->port() == port; });
    std::ranges::for_each(pairs, &QueuePair::ask_to_end);
    const auto deadline = std::chrono::steady_clock::now() + limit;
    while (!std::ranges::all_of(pairs, &QueuePair::ended)) {
        if (std::chrono::steady_clock::now() >= deadline)
            return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return true;
}

void WorkerGroup::join() {
    for (const auto& worker : workers_)
        if (worker->lcore.id != rte_get_main_lcore())
            rte_eal_wait_lcore(worker->lcore.id);
}

}  // namespace l2echo::engine
