// Slow is found as well as wrong: the throughput under random loss agrees with the response functions.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>

#include "schedule.hpp"
#include "simulation.hpp"

namespace l2echo::sim {
namespace {

struct Case {
    bool cubic;
    std::int64_t loss;        // parts per million
    std::int64_t round_trip;  // milliseconds
};

/// Average window in segments. NewReno: RFC 9438 5.1 quotes sqrt(3/2) / sqrt(p) (Mathis et al., 1997). CUBIC:
/// figure 3 of RFC 9438 with C = 0.4 and beta = 0.7, and its Reno-friendly region, which takes over where it
/// is faster.
double response_function(const Case& parameters) {
    const double p = static_cast<double>(parameters.loss) / 1e6;
    const double reno = std::sqrt(1.5 / p);
    const double cubic =
        1.054 * std::pow(static_cast<double>(parameters.round_trip) / 1e3, 0.75) / std::pow(p, 0.75);
    return parameters.cubic ? std::max(reno, cubic) : reno;
}

constexpr std::int64_t kMss = 100;  // small, because the response function counts segments, not bytes
constexpr std::int64_t kPayload = kMss - 12;  // without timestamps

class Goodput : public testing::TestWithParam<Case> {};

TEST_P(Goodput, AgreesWithTheResponseFunction) {
    const Case& parameters = GetParam();
    constexpr std::int64_t kLosses = 1'100;
    Schedule schedule;
    schedule.set(Key::Seed, 1);
    for (const Side side : {Client, Server}) {
        schedule.set(Key::Algorithm, side, parameters.cubic ? 1 : 0);
        schedule.set(Key::Delay, side, parameters.round_trip * 500);
        schedule.set(Key::MaxMss, side, kMss);
    }
    schedule.set(Key::Loss, parameters.loss);
    schedule.set(Key::Service, Discard);
    schedule.set(Key::Bytes, kLosses * 1'000'000 / parameters.loss * kPayload);
    const SimulationResult result = simulate(schedule);
    ASSERT_EQ(result.finding, "");
    EXPECT_GE(result.wires[Client].lost, 1'000);
    const double round_trips =
        static_cast<double>(result.transfer) / 1e3 / static_cast<double>(parameters.round_trip);
    const double window = static_cast<double>(result.received) / kPayload / round_trips;
    const double expected = response_function(parameters);
    RecordProperty("ratio", fmt::format("{:.2f}", window / expected));
    EXPECT_NEAR(window / expected, 1.0, 0.3) << fmt::format(
        "{:.1f} segments per round trip; {} lost, {} retransmitted, {} recoveries, {} timeouts", window,
        result.wires[Client].lost, result.retransmitted, result.recoveries, result.timeouts);
}

INSTANTIATE_TEST_SUITE_P(LossAndRoundTrip, Goodput,
                         testing::Values(Case{false, 1'000, 10}, Case{false, 1'000, 100},
                                         Case{false, 10'000, 10}, Case{false, 10'000, 100},
                                         Case{true, 1'000, 10}, Case{true, 1'000, 100},
                                         Case{true, 10'000, 10}, Case{true, 10'000, 100}),
                         [](const testing::TestParamInfo<Case>& tested) {
                             return fmt::format("{}{}PerMillionIn{}Milliseconds",
                                                tested.param.cubic ? "Cubic" : "NewReno", tested.param.loss,
                                                tested.param.round_trip);
                         });

}  // namespace
}  // namespace l2echo::sim
