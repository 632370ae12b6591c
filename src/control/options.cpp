#include "l2echo/control/options.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <rte_version.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <filesystem>
#include <map>

#include "l2echo/dataplane/echo_burst.hpp"
#include "l2echo/error.hpp"

namespace l2echo {
namespace {

using std::chrono::milliseconds;

/// Rounded up, so that a very short time does not become 0, which means never.
milliseconds to_milliseconds(double seconds) {
    return std::chrono::ceil<milliseconds>(std::chrono::duration<double>(seconds));
}

/// "3", "3s", "500ms", "2min" as seconds.
CLI::Validator time_units() {
    const std::map<std::string, double> units{{"ms", 0.001}, {"s", 1.0}, {"min", 60.0}, {"h", 3600.0}};
    return CLI::AsNumberWithUnit(units).description("");
}

/// CLI11's only complaint about a file that it can read: "INI was not able to parse KEY".
std::string unknown_key(const std::string& message) {
    return message.substr(message.rfind(' ') + 1);
}

/// "drop" is 0 tries more, "retry=N" is N. The bound keeps a worker from hanging on a link that is down.
constexpr std::uint32_t kMaxTxRetries = 1'000'000;

std::uint32_t parse_tx_full(const std::string& text) {
    constexpr std::string_view kRetry = "retry=";
    if (text == "drop")
        return 0;
    std::uint32_t retries = 0;
    const char* end = text.data() + text.size();
    const bool parsed = text.starts_with(kRetry) &&
                        std::from_chars(text.data() + kRetry.size(), end, retries).ptr == end && retries > 0;
    if (!parsed || retries > kMaxTxRetries)
        throw UsageError(fmt::format("--tx-full: '{}' is neither drop nor retry=N with N from 1 to {}", text,
                                     kMaxTxRetries));
    return retries;
}

/// CLI11's own writer prints whatever reads as a number without quotes, a key of zeros too, which is not
/// TOML.
class TomlWriter : public CLI::ConfigTOML {
  public:
    std::string to_config(const CLI::App* app, bool, bool, std::string) const override {
        std::string text;
        for (const CLI::Option* option : app->get_options())
            if (option->get_configurable())
                text += entry(*option);
        return text;
    }

  private:
    static std::string entry(const CLI::Option& option) {
        const std::string value = value_of(option);
        if (value.empty())
            return {};
        return fmt::format("# {}\n{} = {}\n\n", option.get_description(), option.get_single_name(), value);
    }

    static std::string value_of(const CLI::Option& option) {
        const bool is_flag = option.get_expected_max() == 0;
        if (is_flag)
            return option.count() > 0 && option.as<bool>() ? "true" : "false";
        if (option.count() == 0)
            return option.get_default_str().empty() ? "" : quoted(option.get_default_str());
        std::vector<std::string> values;
        for (const std::string& value : option.reduced_results())
            values.push_back(quoted(value));
        const bool is_list = option.get_expected_max() > 1;
        return is_list ? fmt::format("[{}]", fmt::join(values, ", ")) : values.at(0);
    }

    /// A number stays one; everything else becomes a string, which takes either kind of quote but not both.
    static std::string quoted(const std::string& value) {
        const bool is_number = value == "0" || (!value.empty() && value.front() != '0' &&
                                                value.find_first_not_of("0123456789") == std::string::npos);
        const char quote = value.find('"') == std::string::npos ? '"' : '\'';
        return is_number ? value : fmt::format("{0}{1}{0}", quote, value);
    }
};

/// The options as a table: parser, file, help and --print-config all come from it. Fills `options` when
/// parsed.
class OptionTable {
  public:
    OptionTable(const std::string& program, Options& options) : options_(options) {
        app_.name(program + " [EAL options] --");
        app_.set_help_flag("-h,--help", "Print this help and exit");
        app_.set_config("--config", "", "Read options from this TOML file")->type_name("FILE");
        app_.allow_config_extras(CLI::config_extras_mode::error);
        app_.config_formatter(std::make_shared<TomlWriter>());
        app_.add_flag("--version", version_, "Print the version and exit")->configurable(false);
        app_.add_flag("--print-config", print_config_,
                      "Print what is in force, as a file for --config, and exit")
            ->configurable(false);
        app_.add_option("--eal", options_.eal,
                        "EAL arguments, for the file; those before -- on the command line replace them")
            ->type_name("ARGUMENT")
            ->run_callback_for_default(false);
        add_port_options();
        add_echo_options();
        add_report_options();
    }

    void parse(const SplitArguments& arguments) {
        std::vector<std::string> ours = arguments.ours;
        for (const std::string& argument : arguments.eal)
            ours.push_back("--eal=" + argument);
        std::reverse(ours.begin(), ours.end());  // CLI11 takes a vector from its end
        try {
            app_.parse(ours);
        } catch (const CLI::CallForHelp&) {
            help_ = true;
        } catch (const CLI::ConfigError& error) {
            throw UsageError(fmt::format("{}: unknown key {}; the keys are the option names without --",
                                         config_file(), unknown_key(error.what())));
        } catch (const CLI::ParseError& error) {
            throw UsageError(fmt::format("{}; see --help", error.what()));
        }
        if (!help_)
            convert();
    }

    bool knows(const std::string& argument) const {
        return argument.starts_with("--") &&
               app_.get_option_no_throw(argument.substr(0, argument.find('='))) != nullptr;
    }

    std::optional<std::string> text_to_print() const {
        if (help_)
            return app_.help();
        if (version_)
            return version_text();
        if (print_config_)
            return app_.config_to_str(true, true);
        return std::nullopt;
    }

  private:
    void add_port_options() {
        app_.add_option("--ports", options_.ports, "Ports to echo on: ids or device names; all when left out")
            ->delimiter(',')
            ->run_callback_for_default(false)
            ->type_name("LIST")
            ->group("Ports");
        app_.add_flag("--take-kernel-interface", options_.take_kernel_interface,
                      "Take the ports named in --ports even if the kernel uses their interface")
            ->group("Ports");
        add_number("--rx-descriptors", options_.port.rx_descriptors, 1, 32768, "Size of each RX ring");
        add_number("--tx-descriptors", options_.port.tx_descriptors, 1, 32768, "Size of each TX ring");
        add_number("--mempool-cache", options_.port.mempool_cache, 0, RTE_MEMPOOL_CACHE_MAX_SIZE,
                   "Mbufs that an lcore keeps for itself");
        add_optional_number("--mbuf-data-room", options_.port.mbuf_data_room, 192, 65535,
                            "Bytes of an mbuf, headroom included; fits the MTU when left out");
        add_optional_number("--mtu", options_.port.mtu, 68, 65000,
                            "Largest layer 3 length; longer frames are refused; 1500 when left out");
        app_.add_option("--rss", rss_,
                        "Hash functions: none, or some of ip,ipv4,ipv6,tcp,udp,sctp,l2-payload,eth,vlan")
            ->type_name("FUNCTIONS")
            ->run_callback_for_default(false)
            ->group("Ports");
        app_.add_option("--rss-key", rss_key_, "Hash key; the driver's when left out")
            ->type_name("HEX")
            ->run_callback_for_default(false)
            ->group("Ports");
        add_choice("--promiscuous", promiscuous_, {"on", "off"}, "Receive frames to any MAC", "Ports");
        add_choice("--flow-control", flow_control_, {"off", "on", "keep"}, "PAUSE frames of the NIC",
                   "Ports");
        add_time("--link-wait", link_wait_, "Wait so long at most for links to come up", "Ports")
            ->capture_default_str();
    }

    void add_echo_options() {
        add_number("--burst", options_.port.burst, 1, kMaxBurst, "Frames asked for in one poll", "Echo");
        app_.add_option("--tx-full", tx_full_,
                        "When the TX queue is full: drop, or retry=N times and then drop")
            ->type_name("drop|retry=N")
            ->capture_default_str()
            ->group("Echo");
        app_.add_flag("--raw", options_.raw, "Swap every frame of at least 14 bytes: no wire rules")
            ->group("Echo");
    }

    void add_report_options() {
        add_time(
            "--stats-interval", stats_interval_,
            "Report so often, 0 for never; 1 s when left out, but off for a table that is not on a terminal",
            "Report");
        add_choice("--stats-format", stats_format_, {"table", "json"}, "For people or for programs (NDJSON)",
                   "Report");
        add_time("--duration", duration_, "Stop by itself after this time", "Report");
    }

    void add_number(const char* name, std::uint16_t& value, int least, int most, const char* help,
                    const char* group = "Ports") {
        app_.add_option(name, value, help)
            ->check(CLI::Range(least, most).description(fmt::format("{}..{}", least, most)))
            ->type_name("N")
            ->capture_default_str()
            ->group(group);
    }

    void add_optional_number(const char* name, std::optional<std::uint16_t>& value, int least, int most,
                             const char* help) {
        app_.add_option(name, value, help)
            ->check(CLI::Range(least, most).description(fmt::format("{}..{}", least, most)))
            ->type_name("N")
            ->run_callback_for_default(false)  // keeps it out of --print-config while it is not given
            ->group("Ports");
    }

    void add_choice(const char* name, std::string& value, std::vector<std::string> choices, const char* help,
                    const char* group) {
        const std::string names = fmt::format("{}", fmt::join(choices, "|"));
        app_.add_option(name, value, help)
            ->check(CLI::IsMember(std::move(choices)).description(""))
            ->type_name(names)
            ->capture_default_str()
            ->group(group);
    }

    template <typename Seconds>
    CLI::Option* add_time(const char* name, Seconds& seconds, const char* help, const char* group) {
        constexpr double kLongest = 1e9;  // three decades
        return app_.add_option(name, seconds, help)
            ->transform(time_units())
            ->check(CLI::Range(0.0, kLongest).description(""))
            ->type_name("TIME")
            ->run_callback_for_default(false)
            ->group(group);
    }

    void convert() {
        PortRequest& port = options_.port;
        if (rss_)
            port.rss_functions = parse_rss_functions(*rss_);
        if (rss_key_)
            port.rss_key = parse_rss_key(*rss_key_);
        port.promiscuous = promiscuous_ == "on";
        port.flow_control = flow_control_ == "on"    ? FlowControl::On
                            : flow_control_ == "off" ? FlowControl::Off
                                                     : FlowControl::Keep;
        options_.tx_retries = parse_tx_full(tx_full_);
        options_.stats_format = stats_format_ == "json" ? StatsFormat::Json : StatsFormat::Table;
        options_.link_wait = to_milliseconds(link_wait_);
        if (stats_interval_)
            options_.stats_interval = to_milliseconds(*stats_interval_);
        if (duration_)
            options_.duration = to_milliseconds(*duration_);
    }

    std::string config_file() const { return app_.get_config_ptr()->as<std::string>(); }

    Options& options_;
    CLI::App app_{"Ethernet echo server: swaps source and destination MAC and sends every frame back"};
    bool help_ = false;
    bool version_ = false;
    bool print_config_ = false;
    std::optional<std::string> rss_;
    std::optional<std::string> rss_key_;
    std::string promiscuous_ = "on";
    std::string flow_control_ = "off";
    std::string tx_full_ = "drop";
    std::string stats_format_ = "table";
    double link_wait_ = 9;
    std::optional<double> stats_interval_;
    std::optional<double> duration_;
};

/// An option of ours among EAL's would only earn a page of EAL's usage.
void check_eal_arguments(const OptionTable& table, const std::vector<std::string>& eal_arguments) {
    for (const std::string& argument : eal_arguments)
        if (table.knows(argument))
            throw UsageError(fmt::format("{} is not an EAL option: put it after --", argument));
}

bool asks_for(const std::vector<std::string>& arguments, std::initializer_list<std::string_view> names) {
    return std::find_first_of(arguments.begin(), arguments.end(), names.begin(), names.end()) !=
           arguments.end();
}

}  // namespace

CommandLine parse_command_line(const std::vector<std::string>& arguments) {
    CommandLine line;
    SplitArguments split = split_arguments(arguments);
    OptionTable table(std::filesystem::path(arguments.at(0)).filename(), line.options);
    if (asks_for(split.eal, {"-h", "--help"}))
        split = {{}, {"--help"}};
    else if (asks_for(split.eal, {"--version"}))
        split = {{}, {"--version"}};
    check_eal_arguments(table, split.eal);
    table.parse(split);
    line.print = table.text_to_print();
    return line;
}

CommandLine parse_eal_command_line(const std::vector<std::string>& arguments) {
    CommandLine line;
    const SplitArguments split = split_arguments(arguments);
    const std::string program = std::filesystem::path(arguments.at(0)).filename();
    if (asks_for(split.eal, {"-h", "--help"}) || asks_for(split.ours, {"-h", "--help"}))
        line.print = fmt::format(
            "Usage: {} [EAL options]\n\nEchoes on the first port, on the main lcore, until SIGINT or "
            "SIGTERM. For more, see l2_multi_echo --help.\n",
            program);
    else if (asks_for(split.eal, {"--version"}) || asks_for(split.ours, {"--version"}))
        line.print = version_text();
    else if (!split.ours.empty())
        throw UsageError(fmt::format("{} takes EAL options only, not {}; l2_multi_echo takes more", program,
                                     split.ours.front()));
    line.options.eal = split.eal;
    return line;
}

std::string version_text() {
    return fmt::format("l2echo {}, {}\n", L2ECHO_VERSION, rte_version());
}

SplitArguments split_arguments(const std::vector<std::string>& arguments) {
    const auto first = arguments.begin() + (arguments.empty() ? 0 : 1);
    const auto separator = std::find(first, arguments.end(), "--");
    SplitArguments split;
    split.eal.assign(first, separator);
    if (separator != arguments.end())
        split.ours.assign(separator + 1, arguments.end());
    return split;
}

}  // namespace l2echo
