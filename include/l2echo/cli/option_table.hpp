// What all programs' command lines have in common: EAL's arguments before "--", options after it, the same
// options in a TOML file, --help, --version and --print-config.
#pragma once

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "l2echo/cli/time.hpp"
#include "l2echo/dpdk/port_plan.hpp"

namespace l2echo::cli {

/// The arguments on either side of the first "--".
struct SplitArguments {
    std::vector<std::string> eal;
    std::vector<std::string> ours;
};
SplitArguments split_arguments(const std::vector<std::string>& arguments);

/// True when one of the names stands among the arguments.
bool asks_for(const std::vector<std::string>& arguments, std::initializer_list<std::string_view> names);

/// A program's options: parser, file, help and --print-config all come from this one table.
class OptionTable {
  public:
    OptionTable(const std::string& program, const std::string& description);
    OptionTable(const OptionTable&) = delete;
    OptionTable& operator=(const OptionTable&) = delete;

    /// `arguments` as main() gets them, program first. Returns the text to print instead of running, if any.
    /// Throws UsageError: one line that names the option or the key and what it takes.
    std::optional<std::string> parse(const std::vector<std::string>& arguments);

    /// EAL's arguments: those of the command line, or if there are none, those of the file.
    const std::vector<std::string>& eal_arguments() const noexcept { return eal_; }

    void add_flag(const char* name, bool& value, const char* help, const char* group);
    void add_text(const char* name, std::string& value, const char* type, const char* help,
                  const char* group);
    void add_text(const char* name, std::optional<std::string>& value, const char* type, const char* help,
                  const char* group);
    void add_list(const char* name, std::vector<std::string>& values, const char* help, const char* group);
    /// A list whose values may have commas: the option is given once for each.
    void add_repeated(const char* name, std::vector<std::string>& values, const char* type, const char* help,
                      const char* group);
    void add_number(const char* name, std::uint16_t& value, int least, int most, const char* help,
                    const char* group);
    void add_number(const char* name, std::optional<std::uint16_t>& value, int least, int most,
                    const char* help, const char* group);
    void add_number(const char* name, std::optional<std::uint64_t>& value, const char* help,
                    const char* group);
    void add_choice(const char* name, std::string& value, const std::vector<std::string>& choices,
                    const char* help, const char* group);
    void add_time(const char* name, double& seconds, const char* help, const char* group);
    void add_time(const char* name, std::optional<double>& seconds, const char* help, const char* group);

    /// The options of every port, and --link-wait.
    void add_port_options();
    /// What they say; only after parse(). Throws UsageError.
    dpdk::PortRequest port_request() const;
    std::chrono::milliseconds link_wait() const { return to_milliseconds(link_wait_); }

  private:
    bool knows(const std::string& argument) const;
    void parse_ours(const SplitArguments& arguments);

    CLI::App app_;
    std::vector<std::string> eal_;
    bool help_ = false;
    bool version_ = false;
    bool print_config_ = false;
    dpdk::PortRequest port_;
    std::optional<std::string> rss_;
    std::optional<std::string> rss_key_;
    std::string promiscuous_ = "on";
    std::string flow_control_ = "off";
    double link_wait_ = 9;  ///< seconds, as long as testpmd waits
};

}  // namespace l2echo::cli
