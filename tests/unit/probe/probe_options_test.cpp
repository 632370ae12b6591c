#include "l2echo/probe/probe_options.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "l2echo/process/error.hpp"

namespace l2echo::probe {
namespace {

ProbeOptions parse(std::vector<std::string> ours) {
    ours.insert(ours.begin(), {"l2_probe", "--"});
    return parse_probe_command_line(ours).options;
}

TEST(ProbeOptions, ParseEveryOption) {
    const ProbeOptions options =
        parse({"--size",         "128,256", "--network",     "ipv6",  "--vlan",         "100,7",
               "--flows",        "64",      "--queues",      "4",     "--destination",  "02:11:22:33:44:55",
               "--swap",         "mac+ip",  "--rate",        "1Mpps", "--count",        "5000",
               "--drain",        "250ms",   "--format",      "json",  "--histogram",    "h.txt",
               "--require-loss", "0",       "--require-p99", "20us",  "--require-rate", "900kpps"});
    EXPECT_EQ(options.sizes, std::vector<std::string>{"128,256"});
    EXPECT_EQ(options.shape.network, Network::Ipv6);
    EXPECT_EQ(options.shape.vlan_ids, (std::vector<std::uint16_t>{100, 7}));
    EXPECT_EQ(options.shape.flows, 64);
    EXPECT_EQ(options.queue_pairs, 4);
    EXPECT_EQ(options.shape.destination, 0x5544'3322'1102u);
    EXPECT_EQ(options.swap_level, wire::SwapLevel::MacIp);
    EXPECT_DOUBLE_EQ(options.rate.frames_per_second, 1e6);
    EXPECT_EQ(options.plan.frames, 5000u);
    EXPECT_TRUE(std::isinf(options.plan.seconds));
    EXPECT_DOUBLE_EQ(options.drain_seconds, 0.25);
    EXPECT_EQ(parse({"--warm-up", "300"}).warm_up_frames, 300u);
    EXPECT_EQ(options.format, ResultFormat::Json);
    EXPECT_EQ(options.histogram_file, "h.txt");
    EXPECT_EQ(options.gates.loss, 0u);
    EXPECT_DOUBLE_EQ(options.gates.p99_seconds.value(), 20e-6);
    EXPECT_DOUBLE_EQ(options.gates.frames_per_second.value(), 900e3);
}

TEST(ProbeOptions, RunAgainAtAnIntervalAndServeTheSums) {
    const ProbeOptions options = parse({"--interval", "10s", "--metrics", "127.0.0.1:9465"});
    EXPECT_EQ(options.interval, std::chrono::seconds(10));
    EXPECT_EQ(options.metrics.port, 9465);
    EXPECT_EQ(parse({}).interval, std::nullopt);
    EXPECT_THROW(parse({"--interval", "0"}), process::UsageError);
    EXPECT_THROW(parse({"--metrics", "127.0.0.1:9465"}), process::UsageError) << "without --interval";
    EXPECT_THROW(parse({"--interval", "1s", "--search", "ndr"}), process::UsageError);
}

TEST(ProbeOptions, MetricsOfOneRunAreAFormat) {
    EXPECT_EQ(parse({"--format", "openmetrics"}).format, ResultFormat::OpenMetrics);
    EXPECT_EQ(parse({"--format", "prometheus"}).format, ResultFormat::Prometheus);
    EXPECT_THROW(parse({"--format", "openmetrics", "--interval", "1s"}), process::UsageError);
    EXPECT_THROW(parse({"--format", "prometheus", "--search", "ndr"}), process::UsageError);
    EXPECT_THROW(parse({"--format", "openmetrics", "--sweep", "folder"}), process::UsageError);
}

TEST(ProbeOptions, SendForTenSecondsByDefault) {
    EXPECT_DOUBLE_EQ(parse({}).plan.seconds, 10);
    EXPECT_DOUBLE_EQ(parse({"--duration", "2s"}).plan.seconds, 2);
    EXPECT_TRUE(std::isinf(parse({"--count", "10"}).plan.seconds));
    EXPECT_DOUBLE_EQ(parse({"--count", "10", "--duration", "3"}).plan.seconds, 3);
}

TEST(ProbeOptions, SearchHasItsKindAndTrialLength) {
    EXPECT_EQ(parse({}).search, "");
    const ProbeOptions options = parse({"--search", "pdr", "--trial", "200ms"});
    EXPECT_EQ(options.search, "pdr");
    EXPECT_DOUBLE_EQ(options.trial_seconds, 0.2);
    EXPECT_THROW(parse({"--search", "best"}), process::UsageError);
}

TEST(ProbeOptions, SweepRunsTheSizesOneByOne) {
    EXPECT_EQ(parse({}).sizes, std::vector<std::string>{"64"});
    const ProbeOptions all = parse({"--sweep", "results"});
    EXPECT_EQ(all.sweep_folder, "results");
    EXPECT_EQ(all.sizes,
              (std::vector<std::string>{"64", "128", "256", "512", "1024", "1280", "1518", "imix"}));
    EXPECT_EQ(parse({"--sweep", "results", "--size", "64,imix,512-1024"}).sizes,
              (std::vector<std::string>{"64", "imix", "512-1024"}));
    for (const char* sizes : {"64,64", "64,,128", "small", ""})
        EXPECT_THROW(parse({"--sweep", "results", "--size", sizes}), process::UsageError) << sizes;
}

TEST(ProbeOptions, DefaultSizeGrowsWithTheHeaders) {
    EXPECT_FALSE(parse({"--vlan", "100", "--network", "none"}).grown);
    const ProbeOptions tagged = parse({"--vlan", "100"});
    EXPECT_EQ(tagged.sizes, std::vector<std::string>{"68"});
    EXPECT_TRUE(tagged.grown);
    EXPECT_EQ(parse({"--vlan", "100,7", "--network", "ipv6"}).sizes, std::vector<std::string>{"92"});
    const ProbeOptions sweep = parse({"--sweep", "results", "--network", "ipv6"});
    EXPECT_EQ(sweep.sizes,
              (std::vector<std::string>{"84", "128", "256", "512", "1024", "1280", "1518", "imix"}));
    EXPECT_TRUE(sweep.grown);
    EXPECT_TRUE(parse({"--vlan", "100", "--size", "imix"}).grown)
        << "64 is part of the mix and was not typed";
    EXPECT_FALSE(parse({"--vlan", "100", "--size", "512"}).grown);
}

TEST(ProbeOptions, TypedSizeThatIsTooSmallIsAnError) {
    for (const char* sizes : {"64", "512,64", "64-512", "67"})
        EXPECT_THROW(parse({"--vlan", "100", "--size", sizes}), process::UsageError) << sizes;
    EXPECT_NO_THROW(parse({"--vlan", "100", "--size", "68"}));
    EXPECT_THROW(parse({"--sweep", "results", "--network", "ipv6", "--size", "64,imix"}),
                 process::UsageError);
}

TEST(ProbeOptions, SingleRunOptionsAreRejectedForSearchAndSweep) {
    const std::vector<std::vector<std::string>> single{{"--count", "5"},         {"--duration", "5"},
                                                       {"--histogram", "h.txt"}, {"--require-loss", "0"},
                                                       {"--require-p99", "1"},   {"--require-rate", "1Mpps"}};
    for (const auto& ours : single) {
        EXPECT_NO_THROW(parse({ours[0], ours[1]}));
        EXPECT_THROW(parse({"--search", "ndr", ours[0], ours[1]}), process::UsageError) << ours[0];
        EXPECT_THROW(parse({"--sweep", "results", ours[0], ours[1]}), process::UsageError) << ours[0];
    }
}

TEST(ProbeOptions, CommandCanBeTypedAgain) {
    EXPECT_EQ(parse({"--sweep", "my $results", "--rate", "50%"}).command,
              "l2_probe -- --sweep 'my $results' --rate 50%");
    EXPECT_EQ(parse({"--sweep", "it's", "--rate", "max"}).command,
              "l2_probe -- --sweep 'it'\\''s' --rate max");
    EXPECT_EQ(parse({"--sweep", "a*"}).command, "l2_probe -- --sweep 'a*'");
}

TEST(ProbeOptions, InvalidValuesAreUsageErrors) {
    const std::vector<std::vector<std::string>> wrong{{"--vlan", "4095"},
                                                      {"--vlan", "65536"},
                                                      {"--vlan", ""},
                                                      {"--vlan", "1,2,3"},
                                                      {"--destination", "02:11"},
                                                      {"--destination", "02-11-22-33-44-55"},
                                                      {"--flows", "0"},
                                                      {"--swap", "ip"},
                                                      {"--network", "ipx"},
                                                      {"--require-rate", "50%"},
                                                      {"--size", "64x"},
                                                      {"--count", "many"},
                                                      {"--require-p99", "fast"},
                                                      {"--require-loss", "-1"},
                                                      {"--require-loss", "99999999999999999999"},
                                                      {"--count", "-1"},
                                                      {"--warm-up", "-1"},
                                                      {"--warm-up", "1e3"},
                                                      {"--drain", "-1"},
                                                      {"--drain", "inf"},
                                                      {"--drain", "nan"},
                                                      {"--rate", "-1"},
                                                      {"--rate", "inf"},
                                                      {"--rate", "0x10"},
                                                      {"--size", "64,"},
                                                      {"--size", "-64"},
                                                      {"--size", "64-"},
                                                      {"--flows", "65536"},
                                                      {"--vlan", "1,"},
                                                      {"--vlan", "+1"},
                                                      {"--ports", "0,1"},
                                                      {"--count", "281474976710657"}};
    for (const auto& ours : wrong)
        EXPECT_THROW(parse(ours), process::UsageError) << ours[0] << " " << ours[1];
}

}  // namespace
}  // namespace l2echo::probe
