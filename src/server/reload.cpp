#include "server/reload.hpp"

#include <fmt/ranges.h>

#include <algorithm>

#include "l2echo/process/error.hpp"

namespace l2echo::server {

Reload::Reload(CommandLine line, std::function<void(const Options&)> apply)
    : line_(std::move(line)), apply_(std::move(apply)), last_success_(std::chrono::system_clock::now()) {}

std::vector<std::string> Reload::run() {
    const auto config = std::ranges::find(line_.values, "--config", &cli::ValueInForce::name);
    if (config == line_.values.end() || config->text.empty())
        throw process::UsageError("there is no file to read again: the program runs without --config");
    succeeded_.store(false, std::memory_order_relaxed);
    std::vector<std::string> changed = read_and_apply();
    last_success_.store(std::chrono::system_clock::now(), std::memory_order_relaxed);
    succeeded_.store(true, std::memory_order_relaxed);
    return changed;
}

std::vector<std::string> Reload::read_and_apply() {
    CommandLine next = parse_command_line(line_.arguments);
    std::vector<std::string> changed;
    std::vector<std::string> fixed;
    for (std::size_t i = 0; i < next.values.size(); ++i)
        if (next.values[i].text != line_.values[i].text)
            (next.values[i].reloads ? changed : fixed).push_back(next.values[i].name);
    if (!fixed.empty())
        throw process::UsageError(
            fmt::format("{} {} a restart", fmt::join(fixed, ", "), fixed.size() == 1 ? "needs" : "need"));
    if (!changed.empty())
        apply_(next.options);
    line_ = std::move(next);
    return changed;
}

}  // namespace l2echo::server
