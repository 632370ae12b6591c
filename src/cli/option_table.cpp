#include "l2echo/cli/option_table.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <rte_mempool.h>

#include <algorithm>
#include <filesystem>
#include <map>

#include "l2echo/dpdk/version.hpp"
#include "l2echo/echo/echo_burst.hpp"
#include "l2echo/process/error.hpp"

namespace l2echo::cli {
namespace {

/// "3", "3s", "500ms", "2min" as seconds.
CLI::Validator time_units() {
    const std::map<std::string, double> units{
        {"us", 1e-6}, {"ms", 0.001}, {"s", 1.0}, {"min", 60.0}, {"h", 3600.0}};
    return CLI::AsNumberWithUnit(units).description("");
}

/// "INI was not able to parse KEY" is CLI11's word for a key that is no option.
std::string explain_config_error(const std::string& message) {
    constexpr std::string_view kUnknown = "INI was not able to parse ";
    if (!message.starts_with(kUnknown))
        return message;
    return fmt::format(
        "unknown key {}; the keys are the option names without --, and a list stands on one line",
        message.substr(kUnknown.size()));
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

constexpr const char* kPortGroup = "Ports";
constexpr double kLongestTime = 1e9;  // seconds; three decades

CLI::Validator range(int least, int most) {
    return CLI::Range(least, most).description(fmt::format("{}..{}", least, most));
}

void describe_time(CLI::Option* option, const char* group) {
    option->transform(time_units())
        ->check(CLI::Range(0.0, kLongestTime).description(""))
        ->type_name("TIME")
        ->group(group);
}

}  // namespace

SplitArguments split_arguments(const std::vector<std::string>& arguments) {
    const auto first = arguments.begin() + (arguments.empty() ? 0 : 1);
    const auto separator = std::find(first, arguments.end(), "--");
    SplitArguments split;
    split.eal.assign(first, separator);
    if (separator != arguments.end())
        split.ours.assign(separator + 1, arguments.end());
    return split;
}

bool asks_for(const std::vector<std::string>& arguments, std::initializer_list<std::string_view> names) {
    return std::find_first_of(arguments.begin(), arguments.end(), names.begin(), names.end()) !=
           arguments.end();
}

OptionTable::OptionTable(const std::string& program, const std::string& description)
    : app_(description, program + " [EAL options] --") {
    app_.set_help_flag("-h,--help", "Print this help and exit");
    app_.set_config("--config", "", "Read options from this TOML file")->type_name("FILE");
    app_.allow_config_extras(CLI::config_extras_mode::error);
    app_.config_formatter(std::make_shared<TomlWriter>());
    app_.add_flag("--version", version_, "Print the version and exit")->configurable(false);
    app_.add_flag("--print-config", print_config_, "Print what is in force, as a file for --config, and exit")
        ->configurable(false);
    app_.add_option("--eal", eal_,
                    "EAL arguments, for the file; those before -- on the command line replace them")
        ->type_name("ARGUMENT");
}

std::optional<std::string> OptionTable::parse(const std::vector<std::string>& arguments) {
    SplitArguments split = split_arguments(arguments);
    if (asks_for(split.eal, {"-h", "--help"}))
        split = {{}, {"--help"}};
    else if (asks_for(split.eal, {"--version"}))
        split = {{}, {"--version"}};
    // An option of ours among EAL's would only earn a page of EAL's usage.
    for (const std::string& argument : split.eal)
        if (knows(argument))
            throw process::UsageError(fmt::format("{} is not an EAL option: put it after --", argument));
    parse_ours(split);
    if (help_)
        return app_.help();
    if (version_)
        return dpdk::version_text() + "\n";
    if (print_config_)
        return app_.config_to_str(true, true);
    return std::nullopt;
}

void OptionTable::parse_ours(const SplitArguments& arguments) {
    std::vector<std::string> ours = arguments.ours;
    for (const std::string& argument : arguments.eal)
        ours.push_back("--eal=" + argument);
    std::reverse(ours.begin(), ours.end());  // CLI11 takes a vector from its end
    try {
        app_.parse(ours);
    } catch (const CLI::CallForHelp&) {
        help_ = true;
    } catch (const CLI::ConfigError& error) {
        throw process::UsageError(fmt::format("{}: {}", app_.get_config_ptr()->as<std::string>(),
                                              explain_config_error(error.what())));
    } catch (const CLI::ParseError& error) {
        throw process::UsageError(fmt::format("{}; see --help", error.what()));
    }
}

bool OptionTable::knows(const std::string& argument) const {
    return argument.starts_with("--") &&
           app_.get_option_no_throw(argument.substr(0, argument.find('='))) != nullptr;
}

void OptionTable::add_flag(const char* name, bool& value, const char* help, const char* group) {
    app_.add_flag(name, value, help)->group(group);
}

void OptionTable::add_text(const char* name, std::string& value, const char* type, const char* help,
                           const char* group) {
    app_.add_option(name, value, help)->type_name(type)->capture_default_str()->group(group);
}

void OptionTable::add_text(const char* name, std::optional<std::string>& value, const char* type,
                           const char* help, const char* group) {
    app_.add_option(name, value, help)->type_name(type)->group(group);
}

void OptionTable::add_list(const char* name, std::vector<std::string>& values, const char* help,
                           const char* group) {
    app_.add_option(name, values, help)->delimiter(',')->type_name("LIST")->group(group);
}

void OptionTable::add_repeated(const char* name, std::vector<std::string>& values, const char* type,
                               const char* help, const char* group) {
    app_.add_option(name, values, help)->allow_extra_args(false)->type_name(type)->group(group);
}

void OptionTable::add_number(const char* name, std::uint16_t& value, int least, int most, const char* help,
                             const char* group) {
    app_.add_option(name, value, help)
        ->check(range(least, most))
        ->type_name("N")
        ->capture_default_str()
        ->group(group);
}

void OptionTable::add_number(const char* name, std::optional<std::uint16_t>& value, int least, int most,
                             const char* help, const char* group) {
    app_.add_option(name, value, help)->check(range(least, most))->type_name("N")->group(group);
}

void OptionTable::add_number(const char* name, std::optional<std::uint64_t>& value, const char* help,
                             const char* group) {
    app_.add_option(name, value, help)->type_name("N")->group(group);
}

void OptionTable::add_choice(const char* name, std::string& value, const std::vector<std::string>& choices,
                             const char* help, const char* group) {
    app_.add_option(name, value, help)
        ->check(CLI::IsMember(choices).description(""))
        ->type_name(fmt::format("{}", fmt::join(choices, "|")))
        ->capture_default_str()
        ->group(group);
}

void OptionTable::add_time(const char* name, double& seconds, const char* help, const char* group) {
    describe_time(app_.add_option(name, seconds, help)->capture_default_str(), group);
}

void OptionTable::add_time(const char* name, std::optional<double>& seconds, const char* help,
                           const char* group) {
    describe_time(app_.add_option(name, seconds, help), group);
}

void OptionTable::add_port_options() {
    add_number("--rx-descriptors", port_.rx_descriptors, 1, 32768, "Size of each RX ring", kPortGroup);
    add_number("--tx-descriptors", port_.tx_descriptors, 1, 32768, "Size of each TX ring", kPortGroup);
    add_number("--burst", port_.burst, 1, echo::kMaxBurst, "Frames taken or given in one call", kPortGroup);
    add_number("--mempool-cache", port_.mempool_cache, 0, RTE_MEMPOOL_CACHE_MAX_SIZE,
               "Mbufs that an lcore keeps for itself", kPortGroup);
    add_number("--mbuf-data-room", port_.mbuf_data_room, 192, 65535,
               "Bytes of an mbuf, headroom included; fits the MTU when left out", kPortGroup);
    add_number("--mtu", port_.mtu, 68, 65000,
               "Largest layer 3 length; longer frames are refused; 1500 when left out", kPortGroup);
    add_text("--rss", rss_, "FUNCTIONS",
             "Hash functions: none, or some of ip,ipv4,ipv6,tcp,udp,sctp,l2-payload,eth,vlan", kPortGroup);
    add_text("--rss-key", rss_key_, "HEX", "Hash key; the driver's when left out", kPortGroup);
    add_choice("--promiscuous", promiscuous_, {"on", "off"}, "Receive frames to any MAC", kPortGroup);
    add_choice("--flow-control", flow_control_, {"off", "on", "keep"}, "PAUSE frames of the NIC", kPortGroup);
    add_time("--link-wait", link_wait_, "Wait so long at most for links to come up", kPortGroup);
}

dpdk::PortRequest OptionTable::port_request() const {
    dpdk::PortRequest port = port_;
    if (rss_)
        port.rss_functions = dpdk::parse_rss_functions(*rss_);
    if (rss_key_)
        port.rss_key = dpdk::parse_rss_key(*rss_key_);
    port.promiscuous = promiscuous_ == "on";
    port.flow_control = flow_control_ == "on"    ? dpdk::FlowControl::On
                        : flow_control_ == "off" ? dpdk::FlowControl::Off
                                                 : dpdk::FlowControl::Keep;
    return port;
}

}  // namespace l2echo::cli
