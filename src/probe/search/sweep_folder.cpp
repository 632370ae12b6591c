#include "l2echo/probe/search/sweep_folder.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <system_error>

#include "l2echo/dpdk/log.hpp"
#include "l2echo/probe/search/sweep_plot.hpp"
#include "l2echo/process/error.hpp"

namespace l2echo::probe {
namespace {

constexpr const char* kJsonFile = "sweep.json";
constexpr const char* kMarkdownFile = "sweep.md";

[[noreturn]] void fail(const std::filesystem::path& path, int error) {
    throw process::StartupError(fmt::format("--sweep: {}: {}; name a folder that can be written to",
                                            path.string(), std::strerror(error)));
}

void write_file(const std::filesystem::path& path, const std::string& text) {
    errno = 0;
    std::ofstream file(path, std::ios::trunc);
    file << text << std::flush;
    if (!file)
        throw std::runtime_error(
            fmt::format("--sweep: {} cannot be written: {}", path.string(), std::strerror(errno)));
}

/// Exit status of gnuplot, 127 when there is none.
int run_gnuplot(const std::string& folder, const std::vector<std::string>& scripts) {
    std::vector<char*> arguments{const_cast<char*>("gnuplot")};
    for (const std::string& script : scripts)
        arguments.push_back(const_cast<char*>(script.c_str()));
    arguments.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addchdir_np(&actions, folder.c_str());
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);  // ours is for results alone
    pid_t pid = 0;
    const int error = posix_spawnp(&pid, arguments[0], &actions, nullptr, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    constexpr int kNotFound = 127;
    int status = 0;
    if (error != 0 || waitpid(pid, &status, 0) != pid)
        return kNotFound;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

}  // namespace

void make_sweep_folder(const std::string& folder) {
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    if (error)
        fail(folder, error.value());
    const auto json = std::filesystem::path(folder) / kJsonFile;
    // Creating a file is the one test that knows of permissions, read-only mounts and quotas alike.
    const int file = open(json.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (file < 0 && errno == EEXIST)
        throw process::StartupError(
            fmt::format("--sweep: {} is the result of another sweep; name another folder", json.string()));
    if (file < 0)
        fail(json, errno);
    close(file);
    std::filesystem::remove(json, error);
}

void write_sweep(const std::string& folder, const SweepResult& result) {
    const std::filesystem::path path(folder);
    write_file(path / kJsonFile, render_json(result));
    write_file(path / kMarkdownFile, render_markdown(result));
    for (const Plot& plot : plots_of(result)) {
        write_file(path / plot.script_file(), plot.script);
        for (const TextFile& data : plot.data)
            write_file(path / data.name, data.text);
    }
}

void draw_sweep(const std::string& folder, const SweepResult& result) {
    std::vector<std::string> scripts;
    std::vector<std::string> images;
    for (const Plot& plot : plots_of(result)) {
        scripts.push_back(plot.script_file());
        images.push_back(plot.image_file());
    }
    if (scripts.empty())
        return;
    const int status = run_gnuplot(folder, scripts);
    if (status == 0)
        write_file(std::filesystem::path(folder) / kMarkdownFile, render_markdown(result, images));
    else if (status == 127)
        dpdk::log_warning(
            fmt::format("no plots: gnuplot is not installed; type: sudo apt-get install gnuplot-nox, "
                        "then: cd '{}' && gnuplot *.gp",
                        folder));
    else
        dpdk::log_warning(
            fmt::format("no plots: gnuplot failed with status {}; what it said is above; to try "
                        "again: cd '{}' && gnuplot *.gp",
                        status, folder));
}

}  // namespace l2echo::probe
