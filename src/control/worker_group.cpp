#include "l2echo/control/worker_group.hpp"

#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_malloc.h>

#include <chrono>
#include <new>
#include <thread>

#include "l2echo/control/port_rules.hpp"
#include "l2echo/error.hpp"

namespace l2echo {
namespace {

/// What an lcore is launched with.
struct Launch {
    Worker& worker;
    const std::atomic<bool>& stop;
};

int run_on_lcore(void* argument) {
    const std::unique_ptr<Launch> launch(static_cast<Launch*>(argument));
    run_worker(launch->worker, launch->stop);
    return 0;
}

}  // namespace

WorkerPlan plan_workers(const Lcore& main, const std::vector<Lcore>& others) {
    return others.empty() ? WorkerPlan{{main}, true} : WorkerPlan{others, false};
}

void WorkerGroup::QueuePairDeleter::operator()(QueuePair* pair) const noexcept {
    pair->~QueuePair();
    rte_free(pair);
}

WorkerGroup::QueuePairPointer WorkerGroup::make_queue_pair(int numa_node) {
    void* memory = rte_malloc_socket("queue_pair", sizeof(QueuePair), alignof(QueuePair), numa_node);
    if (memory == nullptr)
        memory = rte_malloc("queue_pair", sizeof(QueuePair), alignof(QueuePair));
    if (memory == nullptr)
        throw StartupError("no memory for a queue pair's counters; reserve hugepages or raise -m");
    return QueuePairPointer(new (memory) QueuePair);
}

WorkerGroup::WorkerGroup(const WorkerPlan& plan, const std::vector<std::unique_ptr<Port>>& ports,
                         const EchoSettings& settings, StopSignal& stop)
    : stop_(stop) {
    std::vector<MacAddress> own_macs;
    for (const auto& port : ports)
        own_macs.push_back(port->mac());
    for (std::uint16_t index = 0; index < plan.lcores.size(); ++index) {
        const Lcore& lcore = plan.lcores[index];
        auto worker = std::make_unique<Worker>();
        worker->lcore = lcore.id;
        worker->numa_node = lcore.numa_node;
        for (const auto& port : ports) {
            if (index >= port->plan().queue_pairs)
                continue;
            queue_pairs_.push_back(make_queue_pair(lcore.numa_node));
            QueuePair& pair = *queue_pairs_.back();
            pair.port = port->id();
            pair.queue = index;
            pair.burst = settings.burst;
            pair.tx_retries = settings.tx_retries;
            pair.rules = rules_for(*port, own_macs, settings.raw);
            worker->queue_pairs.push_back(&pair);
        }
        workers_.push_back(std::move(worker));
    }
}

WorkerGroup::~WorkerGroup() {
    stop_.request();
    join();
}

void WorkerGroup::launch() {
    for (const auto& worker : workers_) {
        auto launch = std::make_unique<Launch>(Launch{*worker, stop_.flag()});
        throw_if_failed(rte_eal_remote_launch(run_on_lcore, launch.get(), worker->lcore),
                        fmt::format("launching the worker on lcore {}", worker->lcore));
        (void)launch.release();  // the lcore owns it now
    }
    for (const auto& worker : workers_)
        while (!worker->running.load(std::memory_order_acquire) && !stop_.requested())
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

void WorkerGroup::run_on_main_lcore() {
    run_worker(*workers_.at(0), stop_.flag());
}

void WorkerGroup::join() {
    for (const auto& worker : workers_)
        if (worker->lcore != rte_get_main_lcore())
            rte_eal_wait_lcore(worker->lcore);
}

}  // namespace l2echo
