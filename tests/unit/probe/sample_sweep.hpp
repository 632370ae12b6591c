// A sweep of two sizes. One has both rates and two loads; the other passed at no rate.
#pragma once

#include "probe/search/sweep_result.hpp"

namespace l2echo {

inline probe::LoadedRoundTrip sample_round_trip(double share, std::uint64_t frames) {
    probe::LoadedRoundTrip loaded;
    loaded.share = share;
    loaded.frames_per_second = share * 1e6;
    loaded.tsc_hz = 1e9;
    for (std::uint64_t i = 0; i < frames; ++i)
        loaded.round_trip.add(2007);
    loaded.round_trip.add(90'000);
    return loaded;
}

inline probe::SweepResult sample_sweep() {
    probe::SweepSize small{
        "64",
        64,
        {{probe::kPdr, probe::RateSearch(1.5e6, 0.005)}, {probe::kNdr, probe::RateSearch(1.5e6, 0)}},
        {}};
    const probe::Trial trials[]{{1.5e6, 1, 1'500'000, 400'000, true},
                                {1e6, 1, 1'000'000, 1000, false},
                                {1.004e6, 1, 1'004'000, 20'000, false},
                                {0.8e6, 1, 800'000, 0, false}};
    for (const probe::Trial& trial : {trials[0], trials[1], trials[2]})
        small.searches[0].search.record(trial);
    for (const probe::Trial& trial : trials)
        small.searches[1].search.record(trial);
    small.round_trips = {sample_round_trip(0, 9), sample_round_trip(0.5, 9999)};

    probe::SweepSize nothing{
        "imix",
        361.8,
        {{probe::kPdr, probe::RateSearch(1e6, 0.005)}, {probe::kNdr, probe::RateSearch(1e6, 0)}},
        {}};
    for (probe::GoalSearch& entry : nothing.searches)
        entry.search.record({100, 1, 100, 100, false});

    probe::SweepResult result;
    result.command = "l2_probe -- --sweep results";
    result.started = "2026-01-02 03:04:05 UTC";
    result.asked = {"64", "imix", "1518"};
    result.link_mbps = 1000;
    result.sizes = {small, nothing};
    result.environment = {{"version", "l2echo 0.1.0"}, {"port", "net_pipe|0"}};
    return result;
}

}  // namespace l2echo
