#include "probe/search/sweep_folder.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <system_error>

#include "l2echo/dpdk/log.hpp"
#include "l2echo/process/error.hpp"
#include "l2echo/process/file_descriptor.hpp"
#include "l2echo/process/output_file.hpp"

namespace l2echo::probe {
namespace {

constexpr const char* kJsonFile = "sweep.json";
constexpr const char* kMarkdownFile = "sweep.md";

[[noreturn]] void fail(const std::filesystem::path& path, int error) {
    throw process::StartupError(fmt::format("--sweep: {}: {}; name a folder that can be written to",
                                            path.string(), std::strerror(error)));
}

void write_file(const std::filesystem::path& path, const std::string& text) {
    if (const int error = process::replace_file(path, text); error != 0)
        throw std::runtime_error(
            fmt::format("--sweep: {} cannot be written: {}", path.string(), std::strerror(error)));
}

/// Runs the script and waits for its end. Returns 0, or the errno value if it could not be started.
int run_plot_script(std::string script, std::string folder) {
    const std::array<char*, 3> arguments{script.data(), folder.data(), nullptr};
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    // Our stdout is only for the result.
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    pid_t pid = 0;
    const int error = posix_spawn(&pid, script.c_str(), &actions, nullptr, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    if (error != 0)
        return error;
    while (waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
    }
    return 0;
}

}  // namespace

void make_sweep_folder(const std::string& folder) {
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    if (error)
        fail(folder, error.value());
    const auto json = std::filesystem::path(folder) / kJsonFile;
    // Only creating a file tests permissions, read-only mounts and quotas at once.
    const process::FileDescriptor file(open(json.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
    if (!file.valid() && errno == EEXIST)
        throw process::StartupError(
            fmt::format("--sweep: {} is the result of another sweep; name another folder", json.string()));
    if (!file.valid())
        fail(json, errno);
    std::filesystem::remove(json, error);
}

void write_sweep(const std::string& folder, const SweepResult& result) {
    const std::filesystem::path path(folder);
    for (const SweepSize& size : result.sizes)
        for (const LoadedRoundTrip& loaded : size.round_trips)
            if (const std::string file = histogram_file(size, loaded); !file.empty())
                write_file(path / file, loaded.round_trip.percentile_text(loaded.tsc_hz / 1e6));
    write_file(path / kMarkdownFile, render_markdown(result));
    write_file(path / kJsonFile, render_json(result));  // last, because it refers to the others
}

std::filesystem::path find_plot_script(const std::filesystem::path& program) {
    if (!program.is_absolute())  // never run a script relative to the current folder
        return {};
    const std::filesystem::path parent = program.parent_path().parent_path();
    for (const char* place : {"scripts/plot", "libexec/l2echo/plot"})
        if (std::error_code error; std::filesystem::exists(parent / place, error))
            return parent / place;
    return {};
}

void draw_sweep(const std::string& folder) {
    std::error_code ignored;
    const auto script = find_plot_script(std::filesystem::read_symlink("/proc/self/exe", ignored));
    if (script.empty())
        dpdk::log_warning(
            fmt::format("no plots: the script that draws them is not beside this program; "
                        "type in the source tree of l2echo: scripts/plot '{}'",
                        std::filesystem::absolute(folder, ignored).string()));
    else if (const int error = run_plot_script(script, folder); error != 0)
        dpdk::log_warning(
            fmt::format("no plots: {} cannot be started: {}; install Python 3, then type: {} '{}'",
                        script.string(), std::strerror(error), script.string(), folder));
}

}  // namespace l2echo::probe
