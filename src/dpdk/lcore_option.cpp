#include "dpdk/lcore_option.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "l2echo/process/error.hpp"

namespace l2echo::dpdk {
namespace {

/// Parses an lcore list from left to right. The grammar is that of EAL's --lcores; -l is its simple case.
class LcoreListReader {
  public:
    explicit LcoreListReader(std::string_view list) : rest_(list) {}

    /// group ['@' group] {',' group ['@' group]}
    std::optional<machine::CpuSet> read() {
        machine::CpuSet cpus;
        do {
            std::optional<machine::CpuSet> group = read_group();
            if (group && take('@'))
                group = read_group();
            if (!group)
                return std::nullopt;
            cpus.merge(*group);
        } while (take(','));
        return rest_.empty() ? std::optional(cpus) : std::nullopt;
    }

  private:
    /// range | '(' range {',' range} ')'
    std::optional<machine::CpuSet> read_group() {
        if (!take('('))
            return read_range();
        machine::CpuSet group;
        do {
            std::optional<machine::CpuSet> range = read_range();
            if (!range)
                return std::nullopt;
            group.merge(*range);
        } while (take(','));
        return take(')') ? std::optional(group) : std::nullopt;
    }

    /// number ['-' number]
    std::optional<machine::CpuSet> read_range() {
        const std::optional<int> first = read_number();
        const std::optional<int> last = first && take('-') ? read_number() : first;
        if (!first || !last)
            return std::nullopt;
        machine::CpuSet range;
        for (int cpu = std::min(*first, *last); cpu <= std::max(*first, *last); ++cpu)
            range.insert(cpu);
        return range;
    }

    std::optional<int> read_number() {
        unsigned short number = 0;  // EAL has far fewer lcores than 65 536
        const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), number);
        if (error != std::errc{})
            return std::nullopt;
        rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
        return number;
    }

    bool take(char expected) {
        if (rest_.empty() || rest_.front() != expected)
            return false;
        rest_.remove_prefix(1);
        return true;
    }

    std::string_view rest_;
};

/// Returns the value of an option given as "NAME VALUE", "NAMEVALUE" (short) or "NAME=VALUE" (long).
std::optional<std::string> option_value(const std::vector<std::string>& arguments, std::size_t at,
                                        std::string_view name) {
    const std::string& argument = arguments[at];
    if (argument == name)
        return at + 1 < arguments.size() ? std::optional(arguments[at + 1]) : std::nullopt;
    const bool is_long = name.starts_with("--");
    const std::string prefix = is_long ? std::string(name) + "=" : std::string(name);
    const bool other_long = !is_long && argument.starts_with("--");
    if (!other_long && argument.starts_with(prefix))
        return argument.substr(prefix.size());
    return std::nullopt;
}

}  // namespace

std::optional<machine::CpuSet> parse_lcore_list(std::string_view list) {
    return LcoreListReader(list).read();
}

std::optional<machine::CpuSet> parse_core_mask(std::string_view mask) {
    if (mask.starts_with("0x") || mask.starts_with("0X"))
        mask.remove_prefix(2);
    machine::CpuSet cpus;
    for (std::size_t i = 0; i < mask.size(); ++i) {
        unsigned digit = 0;
        const char* character = &mask[mask.size() - 1 - i];
        if (std::from_chars(character, character + 1, digit, 16).ec != std::errc{})
            return std::nullopt;
        for (unsigned bit = 0; bit < 4; ++bit)
            if ((digit >> bit & 1) != 0)
                cpus.insert(static_cast<int>(4 * i + bit));
    }
    return mask.empty() ? std::nullopt : std::optional(cpus);
}

std::optional<LcoreOption> find_lcore_option(const std::vector<std::string>& eal_arguments) {
    for (std::size_t at = 0; at < eal_arguments.size(); ++at) {
        for (const std::string_view name : {"--lcores", "-l", "-c"}) {
            const auto value = option_value(eal_arguments, at, name);
            if (!value)
                continue;
            const auto cpus = name == "-c" ? parse_core_mask(*value) : parse_lcore_list(*value);
            if (cpus)
                return LcoreOption{fmt::format("{} {}", name, *value), *cpus};
        }
    }
    return std::nullopt;
}

void check_cpus(const std::vector<std::string>& eal_arguments, const machine::CpuSet& allowed) {
    const auto option = find_lcore_option(eal_arguments);
    if (!option || std::includes(allowed.begin(), allowed.end(), option->cpus.begin(), option->cpus.end()))
        return;
    machine::CpuSet usable;
    for (const int cpu : allowed)
        if (usable.size() < option->cpus.size())
            usable.insert(cpu);
    throw process::StartupError(
        fmt::format("EAL option {} uses CPUs {}, "
                    "but this process may run on CPUs {} only (its cpuset or affinity); "
                    "type -l {} instead, or widen the cpuset",
                    option->typed, machine::format_cpus(option->cpus), machine::format_cpus(allowed),
                    machine::format_cpus(usable)));
}

}  // namespace l2echo::dpdk
