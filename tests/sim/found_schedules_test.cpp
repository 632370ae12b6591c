// Schedules that found a fault, each simplified by the simulator. They run again with every build.

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "schedule.hpp"
#include "simulation.hpp"

namespace l2echo::sim {
namespace {

struct Found {
    std::string_view name;  // of the outcome that was missing
    std::string_view schedule;
};

class FoundSchedule : public testing::TestWithParam<Found> {};

TEST_P(FoundSchedule, HasNoFinding) {
    EXPECT_EQ(simulate(Schedule::from_text(GetParam().schedule)).finding, "");
}

// Each line says what was missing before.
INSTANTIATE_TEST_SUITE_P(
    Simulator, FoundSchedule,
    testing::Values(
        Found{"SplitsSegmentsForASmallerMtuInAFullRing",
              "seed=389 mtu_change_for=4001 mtu_changed=1005 icmp=2 bytes_back=3850"},
        Found{"KeepsACookieConnectionWhoseFirstSegmentIsLost",
              "seed=13629 connections=9 rate=20000 queue=40000 half_open=8 bytes=6882"},
        Found{"OffersNoMoreThanTheMssInACookie",
              "seed=362 connections=3 max_mss=214 half_open=2 service=1 bytes=458"},
        Found{"DoesNotGiveUpWithinAMinuteOnAShortRoundTrip",
              R"(seed=11356 delay=276 delay_back=106 blackhole_at=277 blackhole_for=45293383 blackhole_sides=2
                 min_rto=1000)"},
        Found{
            "KeepsTheFlightInRecoveryWithinTheWindow",
            R"(seed=42987 loss=131556 delay=659 delay_back=6 heal_at=1000859 bytes=8735 write_chunk=1 write_pause=1
                 no_delay=1)"},
        Found{
            "OpensByTheCookieOfAnEarlierSynThanThatOfTheEntry",
            "seed=419276 connections=4 rate=20000 queue=144000 mtu=9000 half_open=2 spacing=5001 bytes=14396"},
        Found{
            "RetransmitsOnlyOneSegmentAtTheStartOfARecovery",
            R"(seed=216422 loss=89684 duplicate=170252 heal_at=1002088 bytes=7282 write_chunk=1 write_pause=1
                 no_delay=1)"},
        Found{
            "AddsNoNewSegmentToTheFlightInEachRecovery",
            "seed=186827 reorder=60379 reorder_delay=11 bytes=19601 write_chunk=18 write_pause=1 no_delay=1"},
        Found{"KnowsWhichSynAckTheClientTakes",  // the witness took the last one
              R"(seed=284753 connections=8 delay_back=31 rate_back=20000 queue_back=48000 half_open=4
                 spacing=1672 bytes_back=7338)"},
        Found{"AllowsForLossOfTheFirstSegmentAfterAnOutage",  // the bound of the simulator was too low
              R"(seed=1103323 loss=3749 delay=139 delay_back=39 blackhole_at=179 blackhole_for=51056594
                 blackhole_sides=1)"},
        Found{"CountsNoPauseOfTheReaderAsAStall",  // nor did the simulator leave it out
              "seed=2384353 service=2 bytes=1537 read_chunk_back=1 read_pause_back=240811"},
        // The simulator did not allow for these four.
        Found{"ForgetsAHalfOpenEntryWhoseSynAcksAnOutageAndLossTook",
              R"(seed=20094568 duplicate_back=1 corrupt_back=13278 rate=417663 queue=835326
                 blackhole_for=15002194 blackhole_sides=2)"},
        Found{"LosesWhatAReaderLeftUntilAShortTimeWaitWasOver",
              R"(seed=20114348 connections=3 rate=31869 queue=63738 time_wait=1319765 bytes=9720
                 stall_for=1379706 ending=2)"},
        Found{"GivesUpAfterAnOutageThatMetEachSegment",
              R"(seed=20506016 delay=17 delay_back=24 mtu_change_for=50403886 mtu_changed=1499 icmp=0
                 min_rto=1497 bytes=1448)"},
        Found{"GivesUpThoughThePeerIsHeard",
              R"(seed=20933882 ipv6=1 delay=191 delay_back=25 rate=645271 mtu_change_at=351
                 mtu_change_for=52249842 mtu_changed=1499 icmp=0 min_rto=1194 service=1 bytes=3433
                 write_chunk=321 write_pause=2)"},
        Found{"GivesUpThoughKeepaliveProbesArrive",  // which bring no ACK: the simulator did not allow it
              R"(seed=2515030 delay=38 delay_back=21 blackhole_at=98 blackhole_for=58343613 min_rto=1721
                 keepalive=1 bytes_back=14481)"},
        Found{"GivesUpOnAPeerWithoutMemory",  // which the simulator did not allow
              "seed=6350003 delay_back=117 min_rto=1938 arena_back=17 bytes=32774 stall_for=100227073"}),
    [](const testing::TestParamInfo<Found>& tested) { return std::string(tested.param.name); });

}  // namespace
}  // namespace l2echo::sim
