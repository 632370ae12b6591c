#include "server/reload.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <string_view>

#include "l2echo/process/error.hpp"

namespace l2echo::server {
namespace {

/// `path` is that of the file: the line of a key that was taken out of it is gone.
std::string refusal(const cli::ValueInForce& value, const std::string& path) {
    const std::string key = value.name.substr(std::string_view("--").size());
    return value.where.empty() ? fmt::format("{}: to leave out {} needs a restart", path, key)
                               : fmt::format("{}: {} needs a restart", value.where, key);
}

}  // namespace

Reload::Reload(CommandLine line, std::function<void(const Options&)> apply)
    : line_(std::move(line)), apply_(std::move(apply)), last_success_(std::chrono::system_clock::now()) {}

std::vector<std::string> Reload::run() {
    const auto config = std::ranges::find(line_.values, "--config", &cli::ValueInForce::name);
    if (config == line_.values.end() || config->text.empty())
        throw process::UsageError("there is no file to read again: the program runs without --config");
    succeeded_.store(false, std::memory_order_relaxed);
    std::vector<std::string> changed = read_and_apply(config->text);
    last_success_.store(std::chrono::system_clock::now(), std::memory_order_relaxed);
    succeeded_.store(true, std::memory_order_relaxed);
    return changed;
}

std::vector<std::string> Reload::read_and_apply(const std::string& path) {
    CommandLine next = parse_command_line(line_.arguments);
    std::vector<std::string> changed;
    std::vector<std::string> refused;
    for (std::size_t i = 0; i < next.values.size(); ++i) {
        const cli::ValueInForce& value = next.values[i];
        if (value.text == line_.values[i].text)
            continue;
        if (value.reloads)
            changed.push_back(value.name);
        else
            refused.push_back(refusal(value, path));
    }
    if (!refused.empty())
        throw process::UsageError(fmt::format("{}", fmt::join(refused, "; ")));
    if (!changed.empty())
        apply_(next.options);
    line_ = std::move(next);
    return changed;
}

}  // namespace l2echo::server
