#include "l2echo/engine/worker_group.hpp"

#include <rte_cycles.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_malloc.h>
#include <rte_random.h>

#include <algorithm>
#include <chrono>
#include <new>
#include <thread>

#include "l2echo/cli/rate.hpp"
#include "l2echo/dpdk/lcore.hpp"
#include "l2echo/dpdk/result.hpp"
#include "l2echo/process/error.hpp"
#include "l2echo/server/port_rules.hpp"

namespace l2echo::engine {
namespace {

/// What an lcore is launched with.
struct Launch {
    Worker& worker;
    const std::atomic<bool>& stop;
};

/// Share-nothing: every queue pair has its own equal part.
echo::RateLimit rate_limit_for(const cli::RateRequest& port, std::uint16_t queue_pairs) {
    if (port.frames_per_second + port.bits_per_second == 0)
        return {};
    return {port.frames_per_second / queue_pairs, port.bits_per_second / queue_pairs,
            static_cast<double>(rte_get_tsc_hz())};
}

int run_on_lcore(void* argument) {
    const std::unique_ptr<Launch> launch(static_cast<Launch*>(argument));
    run_worker(launch->worker, launch->stop);
    return 0;
}

}  // namespace

WorkerPlan plan_workers(const dpdk::Lcore& main, const std::vector<dpdk::Lcore>& others) {
    return others.empty() ? WorkerPlan{{main}, true} : WorkerPlan{others, false};
}

void WorkerGroup::QueuePairDeleter::operator()(QueuePair* pair) const noexcept {
    pair->~QueuePair();
    rte_free(pair);
}

WorkerGroup::QueuePairPointer WorkerGroup::make_queue_pair(int numa_node, echo::PortGate& gate) {
    void* memory = rte_malloc_socket("queue_pair", sizeof(QueuePair), alignof(QueuePair), numa_node);
    if (memory == nullptr)
        memory = rte_malloc("queue_pair", sizeof(QueuePair), alignof(QueuePair));
    if (memory == nullptr)
        throw process::StartupError("no memory for a queue pair's counters; reserve hugepages or raise -m");
    return QueuePairPointer(new (memory) QueuePair(gate));
}

WorkerGroup::WorkerGroup(const WorkerPlan& plan, const std::vector<std::unique_ptr<dpdk::Port>>& ports,
                         const EchoSettings& settings, echo::Session& session, process::StopSignal& stop)
    : stop_(stop) {
    std::vector<wire::MacAddress> own_macs;
    for (const auto& port : ports)
        own_macs.push_back(port->mac());
    const std::uint64_t nonce = rte_rand();
    for (std::uint16_t index = 0; index < plan.lcores.size(); ++index) {
        const dpdk::Lcore& lcore = plan.lcores[index];
        auto worker = std::make_unique<Worker>();
        worker->lcore = lcore.id;
        worker->numa_node = lcore.numa_node;
        worker->idle = settings.idle;
        for (std::size_t which = 0; which < ports.size(); ++which) {
            const auto& port = ports[which];
            if (index >= port->plan().queue_pairs)
                continue;
            queue_pairs_.push_back(make_queue_pair(lcore.numa_node, session.gate(which)));
            QueuePair& pair = *queue_pairs_.back();
            pair.port = port->id();
            pair.queue = index;
            pair.burst = settings.burst;
            pair.tx_retries = settings.tx_retries;
            pair.rules = server::rules_for(*port, own_macs, settings.rules);
            pair.rate = rate_limit_for(settings.max_rate, port->plan().queue_pairs);
            pair.pool = settings.loop_check && server::has_loop_check(*port) ? port->mempool(index) : nullptr;
            pair.check_nonce = nonce;
            if (settings.may_trace) {
                traces_.push_back(std::make_unique<FrameTrace>(session.trace_budget(), pair.port, pair.queue,
                                                               lcore.numa_node));
                pair.trace = traces_.back().get();
            }
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
        dpdk::throw_if_failed(rte_eal_remote_launch(run_on_lcore, launch.get(), worker->lcore),
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

bool WorkerGroup::stop_polling(std::uint16_t port, std::chrono::milliseconds limit) {
    const auto has_ended = [port](const QueuePairPointer& pair) {
        return pair->port != port || pair->polling.load(std::memory_order_acquire) == Polling::Ended;
    };
    for (const QueuePairPointer& pair : queue_pairs_)
        if (Polling on = Polling::On; pair->port == port)
            pair->polling.compare_exchange_strong(on, Polling::Ending, std::memory_order_relaxed);
    const auto deadline = std::chrono::steady_clock::now() + limit;
    while (!std::ranges::all_of(queue_pairs_, has_ended)) {
        if (std::chrono::steady_clock::now() >= deadline)
            return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return true;
}

void WorkerGroup::join() {
    for (const auto& worker : workers_)
        if (worker->lcore != rte_get_main_lcore())
            rte_eal_wait_lcore(worker->lcore);
}

}  // namespace l2echo::engine
