// A port made ready once, on which runs follow each other: what a single run, a search and the like share.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "l2echo/probe/probe_options.hpp"
#include "l2echo/probe/result/probe_result.hpp"
#include "l2echo/probe/run/exchange.hpp"

namespace l2echo::probe {

/// Main lcore only. All that it is given must outlive it.
class Bench {
  public:
    /// `lcores` and `pools` have an element for each queue pair.
    Bench(const Traffic& traffic, const dpdk::Port& port,
          const std::vector<std::unique_ptr<dpdk::Mempool>>& pools,
          const std::vector<QueuePairLcores>& lcores, const ProbeOptions& options,
          const process::StopSignal& stop)
        : traffic_(traffic), port_(port), pools_(pools), lcores_(lcores), options_(options), stop_(stop) {}

    /// Returns when the frames are back or the wait for them is over. Throws StartupError when the port took
    /// no frame at all.
    std::unique_ptr<ProbeResult> run(const SendPlan& plan) const;

    bool stopped() const { return stop_.requested(); }

  private:
    std::unique_ptr<ProbeResult> collect(const Exchange& exchange, const SendPlan& plan) const;
    void add(const Exchange& exchange, std::size_t queue, ProbeResult& result) const;

    const Traffic& traffic_;
    const dpdk::Port& port_;
    const std::vector<std::unique_ptr<dpdk::Mempool>>& pools_;
    const std::vector<QueuePairLcores>& lcores_;
    const ProbeOptions& options_;
    const process::StopSignal& stop_;
};

/// What a reader of a result must know of the machine it comes from: names and values.
std::vector<std::pair<std::string, std::string>> describe_environment(const dpdk::Port& port,
                                                                      const ProbeOptions& options);

}  // namespace l2echo::probe
