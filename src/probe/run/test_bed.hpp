// A port prepared once for successive runs: a single run, the trials of a search, a sweep.
#pragma once

#include <memory>
#include <vector>

#include "l2echo/probe/result/probe_result.hpp"
#include "probe/run/probe_run.hpp"

namespace l2echo::probe {

/// Main lcore only. The port, the pools and the signals must outlive it.
class TestBed {
  public:
    /// `lcores` and `pools` have one element per queue pair. `drain_seconds` is the wait for returning frames
    /// after the last one was sent.
    TestBed(const dpdk::Port& port, const std::vector<std::unique_ptr<dpdk::Mempool>>& pools,
            std::vector<QueuePairLcores> lcores, std::uint16_t burst, double drain_seconds,
            const process::StopSignal& stop, process::ReportSignal& report_signal)
        : port_(port),
          pools_(pools),
          lcores_(std::move(lcores)),
          burst_(burst),
          drain_seconds_(drain_seconds),
          stop_(stop),
          report_signal_(report_signal) {}

    /// Returns once all frames are back or the drain time is over. Throws StartupError if the port accepted
    /// no frame at all.
    std::unique_ptr<ProbeResult> run(const Traffic& traffic, const SendPlan& plan) const;

    const dpdk::Port& port() const noexcept { return port_; }

  private:
    RunEnd end_of(const ProbeRun& probe_run, const SendPlan& plan, std::uint64_t sent) const;
    void add(const ProbeRun& probe_run, std::size_t queue, ProbeResult& result) const;

    const dpdk::Port& port_;
    const std::vector<std::unique_ptr<dpdk::Mempool>>& pools_;
    std::vector<QueuePairLcores> lcores_;
    std::uint16_t burst_;
    double drain_seconds_;
    const process::StopSignal& stop_;
    process::ReportSignal& report_signal_;
};

}  // namespace l2echo::probe
