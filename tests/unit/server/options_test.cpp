#include "l2echo/server/options.hpp"

#include <gtest/gtest.h>

#include "l2echo/cli/option_table.hpp"
#include "l2echo/process/error.hpp"
#include "l2echo/wire/byte_order.hpp"
#include "temporary_file.hpp"
#include "usage_error.hpp"

namespace l2echo::server {
namespace {

using std::chrono::milliseconds;

CommandLine parse(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "/usr/bin/l2_multi_echo");
    return parse_command_line(arguments);
}

Options options_of(std::vector<std::string> ours) {
    ours.insert(ours.begin(), "--");
    return parse(ours).options;
}

std::string error_of(const std::vector<std::string>& arguments) {
    return usage_error_of([&] { parse(arguments); });
}

TEST(Options, EalArgumentsEndAtTheFirstDoubleDash) {
    const cli::SplitArguments split = cli::split_arguments({"program", "-l", "0-3", "--", "--raw", "--"});
    EXPECT_EQ(split.eal, (std::vector<std::string>{"-l", "0-3"}));
    EXPECT_EQ(split.ours, (std::vector<std::string>{"--raw", "--"}));
    EXPECT_EQ(parse({"-l", "0-3", "-n", "4"}).options.eal,
              (std::vector<std::string>{"-l", "0-3", "-n", "4"}));
}

TEST(Options, DefaultsMatchTheHelp) {
    const Options options = options_of({});
    EXPECT_EQ(options.port.burst, 32);
    EXPECT_EQ(options.port.rx_descriptors, 1024);
    EXPECT_TRUE(options.port.promiscuous);
    EXPECT_EQ(options.port.flow_control, dpdk::FlowControl::Off);
    EXPECT_EQ(options.tx_retries, 0u);
    EXPECT_EQ(options.idle.mode, engine::Idle::Poll);
    EXPECT_EQ(options.idle.sleep, std::chrono::microseconds(50));
    EXPECT_EQ(options.link_wait, milliseconds(9000));
    EXPECT_FALSE(options.stats_interval);
    EXPECT_FALSE(options.duration);
    EXPECT_FALSE(options.rules.raw);
    EXPECT_TRUE(options.rules.fast_path_decides()) << "only the default rules";
    EXPECT_FALSE(options.rules.group_own_source);
    EXPECT_TRUE(options.loop_check);
    EXPECT_FALSE(options.disarmed);
    EXPECT_FALSE(options.expire);
    EXPECT_EQ(options.trace, 0u);
    EXPECT_TRUE(options.control_socket.empty() && options.trace_file.empty());
    EXPECT_EQ(options.max_rate.frames_per_second + options.max_rate.bits_per_second, 0);
    EXPECT_TRUE(options.ports.empty());
}

TEST(Options, ParseEveryOption) {
    const Options options = options_of({"--ports",
                                        "0,net_tap1",
                                        "--take-kernel-interface",
                                        "--rx-descriptors",
                                        "256",
                                        "--tx-descriptors",
                                        "512",
                                        "--burst",
                                        "64",
                                        "--mbuf-data-room",
                                        "4096",
                                        "--mempool-cache",
                                        "128",
                                        "--mtu",
                                        "9000",
                                        "--rss",
                                        "udp",
                                        "--rss-key",
                                        "6d5a",
                                        "--promiscuous",
                                        "off",
                                        "--flow-control",
                                        "keep",
                                        "--tx-full",
                                        "retry=5",
                                        "--idle",
                                        "sleep=200us",
                                        "--link-wait",
                                        "2s",
                                        "--stats-interval",
                                        "500ms",
                                        "--format",
                                        "json",
                                        "--duration",
                                        "2min",
                                        "--raw"});
    EXPECT_EQ(options.ports, (std::vector<std::string>{"0", "net_tap1"}));
    EXPECT_TRUE(options.take_kernel_interface);
    EXPECT_EQ(options.port.rx_descriptors, 256);
    EXPECT_EQ(options.port.tx_descriptors, 512);
    EXPECT_EQ(options.port.burst, 64);
    EXPECT_EQ(options.port.mbuf_data_room, 4096);
    EXPECT_EQ(options.port.mempool_cache, 128);
    EXPECT_EQ(options.port.mtu, 9000);
    EXPECT_EQ(options.port.rss_functions, RTE_ETH_RSS_UDP);
    EXPECT_EQ(options.port.rss_key, (std::vector<std::uint8_t>{0x6D, 0x5A}));
    EXPECT_FALSE(options.port.promiscuous);
    EXPECT_EQ(options.port.flow_control, dpdk::FlowControl::Keep);
    EXPECT_EQ(options.tx_retries, 5u);
    EXPECT_EQ(options.idle.mode, engine::Idle::Sleep);
    EXPECT_EQ(options.idle.sleep, std::chrono::microseconds(200));
    EXPECT_EQ(options.link_wait, milliseconds(2000));
    EXPECT_EQ(options.stats_interval, milliseconds(500));
    EXPECT_EQ(options.format, operations::ReportFormat::Json);
    EXPECT_EQ(options.duration, milliseconds(120'000));
    EXPECT_TRUE(options.rules.raw);
}

void expect_all_rules(const Options& options) {
    EXPECT_TRUE(options.rules.accept_own_only);
    EXPECT_TRUE(options.rules.group_own_source);
    EXPECT_EQ(options.rules.level, wire::SwapLevel::MacIpPort);
    EXPECT_FALSE(options.rules.match.empty());
    EXPECT_EQ(options.rules.only_from, 0x0100'005E'0002u);
    EXPECT_DOUBLE_EQ(options.max_rate.bits_per_second, 10e9);
    ASSERT_EQ(options.rules.answers.ipv4.size(), 1u);
    EXPECT_EQ(options.rules.answers.ipv4[0].prefix_length, 24);
    ASSERT_EQ(options.rules.answers.ipv6.size(), 1u);
    EXPECT_EQ(options.rules.answers.ipv6[0].prefix_length, 64);
    EXPECT_TRUE(options.rules.answers.eth_loopback);
    EXPECT_FALSE(options.loop_check);
    EXPECT_EQ(options.expire, milliseconds(60'000));
    EXPECT_TRUE(options.disarmed);
    EXPECT_EQ(options.control_socket, "/run/l2echo.sock");
    EXPECT_EQ(options.trace, 20u);
    EXPECT_EQ(options.trace_file, "/tmp/trace.pcapng");
}

const std::vector<std::string> kAllRules{"--accept",
                                         "own",
                                         "--group",
                                         "own-source",
                                         "--swap",
                                         "mac+ip+port",
                                         "--match",
                                         "vlan=100,udp-dst=5000-5010",
                                         "--match",
                                         "refuse,src-ip=10.0.0.0/8",
                                         "--only-from",
                                         "02:00:5e:00:00:01",
                                         "--max-rate",
                                         "10Gbps",
                                         "--ip",
                                         "192.0.2.1/24,2001:db8::1/64",
                                         "--eth-lb",
                                         "--loop-check",
                                         "off",
                                         "--expire",
                                         "60s",
                                         "--disarmed",
                                         "--control-socket",
                                         "/run/l2echo.sock",
                                         "--trace",
                                         "20",
                                         "--trace-file",
                                         "/tmp/trace.pcapng"};

TEST(Options, ParseEveryRuleFromTheCommandLine) {
    expect_all_rules(options_of(kAllRules));
}

TEST(Options, ParseEveryRuleFromAFile) {
    const TemporaryFile file(R"(accept = "own"
group = "own-source"
swap = "mac+ip+port"
match = ["vlan=100,udp-dst=5000-5010", "refuse,src-ip=10.0.0.0/8"]
only-from = "02:00:5e:00:00:01"
max-rate = "10Gbps"
ip = ["192.0.2.1/24", "2001:db8::1/64"]
eth-lb = true
loop-check = "off"
expire = "60s"
disarmed = true
control-socket = "/run/l2echo.sock"
trace = 20
trace-file = "/tmp/trace.pcapng"
)");
    expect_all_rules(options_of({"--config", file.path()}));
}

/// The verdicts for frames to VLAN 100 and UDP port 5005, from 10/8 and from elsewhere.
std::vector<bool> decisions_of(const echo::MatchRules& rules) {
    std::vector<bool> decisions;
    for (const std::uint16_t vlan : {100, 101})
        for (const std::uint8_t first : {10, 11}) {
            std::array<std::byte, 60> bytes{};
            bytes.at(14 + 12) = std::byte{first};
            wire::store_be16(bytes.data() + 36, 5005);
            wire::FrameHeaders headers;
            headers.tags = 1;
            headers.vlan_id = vlan;
            headers.network = 14;
            headers.ip_version = 4;
            headers.protocol = wire::kProtocolUdp;
            headers.ports = 34;
            decisions.push_back(rules.let_through(bytes.data(), wire::load_mac_pair(bytes.data()), headers));
        }
    return decisions;
}

TEST(Options, MatchRulesKeepTheirOrderAmongOtherOptions) {
    const std::vector<bool> expected{false, true, false, false};
    const std::vector<std::string> refuse_first{"--match", "refuse,src-ip=10.0.0.0/8", "--match",
                                                "vlan=100,udp-dst=5000-5010"};
    EXPECT_EQ(decisions_of(options_of(refuse_first).rules.match), expected);
    const TemporaryFile file("match = [\"refuse,src-ip=10.0.0.0/8\", \"vlan=100,udp-dst=5000-5010\"]\n");
    EXPECT_EQ(decisions_of(options_of({"--config", file.path()}).rules.match), expected);
    const TemporaryFile single("match = \"vlan=100,udp-dst=5000-5010\"\n");
    EXPECT_EQ(decisions_of(options_of({"--config", single.path()}).rules.match),
              (std::vector<bool>{true, true, false, false}));
}

TEST(Options, PrintConfigKeepsEveryRule) {
    std::vector<std::string> ours{"--", "--print-config"};
    ours.insert(ours.end(), kAllRules.begin(), kAllRules.end());
    const std::string printed = parse(ours).print.value();
    const TemporaryFile file(printed);
    const CommandLine again = parse({"--", "--config", file.path(), "--print-config"});
    EXPECT_EQ(again.print, printed);
    expect_all_rules(again.options);
    EXPECT_EQ(decisions_of(again.options.rules.match), decisions_of(options_of(kAllRules).rules.match));
    const std::string single = parse({"--", "--print-config", "--match", "udp-dst=53,vlan=5"}).print.value();
    const TemporaryFile single_file(single);
    EXPECT_EQ(parse({"--", "--config", single_file.path(), "--print-config"}).print, single);
}

TEST(Options, RawAndRulesAreMutuallyExclusive) {
    const std::vector<std::vector<std::string>> rules{{"--accept", "own"},
                                                      {"--group", "own-source"},
                                                      {"--swap", "mac+ip"},
                                                      {"--match", "vlan=1"},
                                                      {"--eth-lb"},
                                                      {"--ip", "192.0.2.1/24"},
                                                      {"--only-from", "02:00:00:00:00:01"}};
    for (const auto& rule : rules) {
        std::vector<std::string> ours{"--", "--raw"};
        ours.insert(ours.end(), rule.begin(), rule.end());
        EXPECT_EQ(error_of(ours),
                  "--raw has no rules, so " + rule[0] + " has no effect: leave out one of them");
    }
    EXPECT_FALSE(options_of({"--raw"}).loop_check) << "raw sends no loop checks";
    EXPECT_DOUBLE_EQ(options_of({"--raw", "--max-rate", "1Mpps"}).max_rate.frames_per_second, 1e6);
}

TEST(Options, UselessArmingIsAUsageError) {
    EXPECT_EQ(error_of({"--", "--disarmed"}), "--disarmed: nothing could arm it; give --control-socket PATH");
    EXPECT_EQ(error_of({"--", "--trace-file", "x"}),
              "--trace-file: nothing would be traced; give --trace N or --control-socket PATH");
    EXPECT_EQ(options_of({"--trace-file", "x", "--control-socket", "y"}).trace_file, "x");
    EXPECT_EQ(error_of({"--", "--trace", "1000000001"}),
              "--trace: '1000000001' is not a number from 0 to 1000000000");
}

TEST(Options, TesterMacMustBeUnicast) {
    for (const std::string mac : {"00:00:00:00:00:00", "01:00:5e:00:00:01", "ff:ff:ff:ff:ff:ff"})
        EXPECT_EQ(error_of({"--", "--only-from", mac}),
                  "--only-from: " + mac + " is not a unicast MAC address");
}

TEST(Options, MaxRateIsAnAbsoluteRate) {
    for (const char* rate : {"max", "50%"})
        EXPECT_EQ(error_of({"--", "--max-rate", rate}),
                  "--max-rate: give frames or bits per second, such as 1Mpps or 10Gbps");
}

TEST(Options, EveryIdleModeHasItsName) {
    for (const engine::Idle idle :
         {engine::Idle::Poll, engine::Idle::Pause, engine::Idle::Umwait, engine::Idle::Sleep}) {
        const std::string name(engine::kIdleNames.at(static_cast<std::size_t>(idle)));
        EXPECT_EQ(options_of({"--idle", name}).idle.mode, idle) << name;
    }
}

TEST(Options, SleepModeTakesItsTime) {
    EXPECT_EQ(options_of({"--idle", "sleep=1ms"}).idle.mode, engine::Idle::Sleep);
    EXPECT_EQ(options_of({"--idle", "sleep=1ms"}).idle.sleep, std::chrono::microseconds(1000));
    EXPECT_EQ(options_of({"--idle", "sleep=10us"}).idle.sleep, std::chrono::microseconds(10));
    for (const std::string time : {"0", "9us", "11ms", "1"})
        EXPECT_EQ(error_of({"--", "--idle", "sleep=" + time}),
                  "--idle sleep=" + time + ": give 10us to 10000us");
    EXPECT_EQ(error_of({"--", "--idle", "sleep="}),
              "--idle sleep: '' is not a time like 3, 3s, 500ms or 2min");
    EXPECT_EQ(error_of({"--", "--idle", "pause=1ms"}),
              "--idle: 'pause=1ms' is none of poll, pause, umwait, sleep, sleep=TIME");
}

TEST(Options, TimesWithoutAUnitAreSecondsAndTinyOnesAreNotZero) {
    EXPECT_EQ(options_of({"--duration", "3"}).duration, milliseconds(3000));
    EXPECT_EQ(options_of({"--duration", "1.5"}).duration, milliseconds(1500));
    EXPECT_EQ(options_of({"--stats-interval", "0"}).stats_interval, milliseconds(0));
    EXPECT_EQ(options_of({"--stats-interval", "0.00001"}).stats_interval, milliseconds(1));
}

TEST(Options, InvalidValuesAreUsageErrorsThatNameTheOption) {
    const std::vector<std::pair<const char*, const char*>> wrong{
        {"--burst", "0"},
        {"--burst", "513"},
        {"--burst", "many"},
        {"--rx-descriptors", "0"},
        {"--mempool-cache", "513"},
        {"--mtu", "67"},
        {"--mtu", "70000"},
        {"--promiscuous", "maybe"},
        {"--flow-control", "yes"},
        {"--tx-full", "retry"},
        {"--tx-full", "retry=0"},
        {"--tx-full", "retry=1x"},
        {"--format", "xml"},
        {"--idle", "doze"},
        {"--duration", "-1"},
        {"--duration", "3 parsecs"},
        {"--link-wait", "soon"},
        {"--rss", "foo"},
        {"--rss-key", "xyz"},
        {"--mbuf-data-room", "100"},
        {"--match", "vlan=5,vlan=6"},
        {"--match", "udp-src=1,tcp-dst=2"},
        {"--match", "src-ip=10.0.0.1,dst-ip=2001:db8::1"},
        {"--match", "udp-dst=1,tcp-dst=2"},
        {"--max-rate", "inf"},
        {"--expire", "0"},
        {"--accept", "mine"},
        {"--group", "echo"},
        {"--swap", "ip"},
        {"--match", "vlan"},
        {"--only-from", "02:11"},
        {"--max-rate", "fast"},
        {"--ip", "192.0.2.1"},
        {"--expire", "never"},
        {"--trace", "-1"},
        {"--trace", "all"}};
    for (const auto& [option, value] : wrong) {
        const std::string error = error_of({"--", option, value});
        EXPECT_NE(error.find(option), std::string::npos) << option << " " << value << ": " << error;
        EXPECT_EQ(error.find('\n'), std::string::npos) << error;
    }
}

TEST(Options, UnknownOptionsAreNamed) {
    EXPECT_NE(error_of({"--", "--no-such-option"}).find("--no-such-option"), std::string::npos);
    EXPECT_NE(error_of({"--", "stray"}).find("stray"), std::string::npos);
}

TEST(Options, OldSpellingsSayTheNewOnes) {
    EXPECT_EQ(error_of({"--", "--stats-format", "json"}), "--stats-format is now --format");
    EXPECT_EQ(error_of({"--", "--no-loop-check"}), "--no-loop-check is now --loop-check off");
    const TemporaryFile format("stats-format = \"json\"\n");
    EXPECT_EQ(error_of({"--", "--config", format.path()}),
              format.path() + ":1:1: stats-format is now format");
    const TemporaryFile check("no-loop-check = true\n");
    EXPECT_EQ(error_of({"--", "--config", check.path()}),
              check.path() + ":1:1: no-loop-check is now loop-check = \"off\"");
}

TEST(Options, OurOptionsAmongEalArgumentsAreSentAfterTheDashes) {
    EXPECT_NE(error_of({"-l", "0", "--burst", "3"}).find("put it after --"), std::string::npos);
    EXPECT_NE(error_of({"--format=json"}).find("put it after --"), std::string::npos);
}

TEST(Options, HelpAndVersionWorkOnEitherSide) {
    for (const std::vector<std::string>& arguments :
         {std::vector<std::string>{"--help"}, {"-h"}, {"--", "--help"}, {"-l", "0", "--", "-h"}}) {
        const auto print = parse(arguments).print;
        ASSERT_TRUE(print);
        EXPECT_NE(print->find("--rx-descriptors"), std::string::npos);
        EXPECT_NE(print->find("l2_multi_echo [EAL options] --"), std::string::npos);
    }
    EXPECT_NE(parse({"--version"}).print.value().find("DPDK"), std::string::npos);
    EXPECT_NE(parse({"--", "--version"}).print.value().find("l2echo"), std::string::npos);
}

TEST(Options, FileProvidesOptionsThatTheCommandLineOmits) {
    const TemporaryFile file(
        "eal = [\"-l\", \"0-1\"]\nburst = 16\nraw = true\nports = [\"0\", \"1\"]\nduration = \"2s\"\n");
    const Options options = parse({"--", "--config", file.path(), "--burst", "8"}).options;
    EXPECT_EQ(options.eal, (std::vector<std::string>{"-l", "0-1"}));
    EXPECT_EQ(options.port.burst, 8);
    EXPECT_TRUE(options.rules.raw);
    EXPECT_EQ(options.ports, (std::vector<std::string>{"0", "1"}));
    EXPECT_EQ(options.duration, milliseconds(2000));
    EXPECT_EQ(parse({"-l", "2", "--", "--config", file.path()}).options.eal,
              (std::vector<std::string>{"-l", "2"}));
}

TEST(Options, LcoreListWithCommasSurvivesTheFile) {
    const TemporaryFile file("eal = [\"--lcores\", \"0@0,1@0,2@1\", \"--vdev\", \"net_tap0,iface=x\"]\n");
    EXPECT_EQ(parse({"--", "--config", file.path()}).options.eal,
              (std::vector<std::string>{"--lcores", "0@0,1@0,2@1", "--vdev", "net_tap0,iface=x"}));
}

TEST(Options, UnknownKeyIsNamedWithItsFile) {
    const TemporaryFile file("burts = 16\n");
    const std::string error = error_of({"--", "--config", file.path()});
    EXPECT_NE(error.find(file.path() + ":1:1: unknown key burts"), std::string::npos) << error;
}

TEST(Options, MissingFileIsNamed) {
    EXPECT_NE(error_of({"--", "--config", "/no/such.toml"}).find("/no/such.toml"), std::string::npos);
}

TEST(Options, PrintedConfigParsesToTheSameOptions) {
    const std::string printed =
        parse({"-l", "0-1", "--vdev=net_null0", "--", "--print-config", "--rss", "ip,udp", "--raw",
               "--duration", "500ms", "--tx-full", "retry=3", "--ports", "0"})
            .print.value();
    const TemporaryFile file(printed);
    const CommandLine again = parse({"--", "--config", file.path(), "--print-config"});
    EXPECT_EQ(again.print, printed);
    EXPECT_EQ(again.options.eal, (std::vector<std::string>{"-l", "0-1", "--vdev=net_null0"}));
    EXPECT_EQ(again.options.duration, milliseconds(500));
    EXPECT_EQ(again.options.tx_retries, 3u);
    EXPECT_TRUE(again.options.rules.raw);
}

TEST(EalOptions, AcceptNoneOfOurs) {
    EXPECT_EQ(parse_eal_command_line({"l2_echo", "-l", "0"}).options.eal,
              (std::vector<std::string>{"-l", "0"}));
    EXPECT_TRUE(parse_eal_command_line({"l2_echo", "--help"}).print);
    EXPECT_TRUE(parse_eal_command_line({"l2_echo", "--", "--version"}).print);
    EXPECT_THROW(parse_eal_command_line({"l2_echo", "--", "--raw"}), process::UsageError);
}

}  // namespace
}  // namespace l2echo::server
