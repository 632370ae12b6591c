// Two connections through a wire that loses, delays and reorders, in virtual time.
#include "two_ends.hpp"

namespace l2echo::tcp {
namespace {

std::string pattern(std::size_t length, unsigned seed) {
    std::mt19937 random(seed);
    std::string text(length, '\0');
    for (char& c : text)
        c = static_cast<char>(random());
    return text;
}

void expect_complete(const TwoEnds& ends) {
    EXPECT_TRUE(ends.ends[0].received == ends.ends[1].to_send) << ends.ends[0].received.size();
    EXPECT_TRUE(ends.ends[1].received == ends.ends[0].to_send) << ends.ends[1].received.size();
}

TEST(Transfer, OpensCarriesBothWaysAndCloses) {
    TwoEnds ends;
    ends.ends[0].to_send = pattern(100'000, 1);
    ends.ends[1].to_send = pattern(70'000, 2);
    ends.open_actively(0);
    EXPECT_TRUE(ends.run(minutes(3)));
    expect_complete(ends);
    EXPECT_EQ(ends.ends[0].connection->info().segments_retransmitted, 0U);
    EXPECT_EQ(ends.ends[1].connection->info().segments_retransmitted, 0U);
}

TEST(Transfer, SimultaneousOpenConnects) {
    TwoEnds ends;
    ends.ends[0].to_send = pattern(5000, 1);
    ends.ends[1].to_send = pattern(7000, 2);
    ends.open_both();
    EXPECT_TRUE(ends.run(minutes(3)));
    expect_complete(ends);
}

class LossyTransfer
    : public testing::TestWithParam<std::tuple<double, bool, bool, bool, CongestionAlgorithm>> {};

TEST_P(LossyTransfer, DeliversAllBytesAndCloses) {
    const auto [loss, sack, timestamps, reorders, congestion] = GetParam();
    for (unsigned seed = 1; seed <= 3; ++seed) {
        TwoEnds ends;
        for (Settings& settings : ends.settings) {
            settings.sack = sack;
            settings.timestamps = timestamps;
            settings.congestion = congestion;
        }
        ends.jitter = reorders ? milliseconds(3) : Micros(0);
        ends.random.seed(seed);
        ends.ends[0].to_send = pattern(300'000, seed);
        ends.ends[1].to_send = pattern(200'000, seed + 100);
        std::bernoulli_distribution is_lost(loss);
        ends.loss = [&](std::size_t, int, const Sent&) { return is_lost(ends.random); };
        ends.open_actively(0);
        EXPECT_TRUE(ends.run(minutes(60))) << "seed " << seed;
        expect_complete(ends);
        if (HasFailure())
            break;
    }
}

INSTANTIATE_TEST_SUITE_P(
    Wires, LossyTransfer,
    testing::Combine(testing::Values(0.001, 0.02, 0.2), testing::Bool(), testing::Bool(), testing::Bool(),
                     testing::Values(CongestionAlgorithm::NewReno, CongestionAlgorithm::Cubic)));

}  // namespace
}  // namespace l2echo::tcp
