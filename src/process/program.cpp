#include "l2echo/process/program.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <filesystem>

#include "l2echo/process/error.hpp"
#include "l2echo/process/log.hpp"
#include "l2echo/process/output.hpp"

namespace l2echo::process {
namespace {

/// Prints one line, even if the message quotes text with line breaks.
int fail(const std::string& program, std::string message, int status) {
    std::ranges::replace(message, '\n', ' ');
    write_log(fmt::format("{}: error: {}\n", program, message), Severity::Error);
    return status;
}

}  // namespace

int run_program(const char* argv0, const std::function<void(const std::string& program)>& body) noexcept {
    prepare_standard_descriptors();
    // The code that writes reports the failure instead, and the program ends in order.
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGXFSZ, SIG_IGN);
    // SIGUSR1 requests a report. There is none yet, and the default action would end the program.
    std::signal(SIGUSR1, SIG_IGN);
    const std::string program = std::filesystem::path(argv0).filename();
    try {
        body(program);
        return kExitClean;
    } catch (const UsageError& error) {
        return fail(program, error.what(), kExitUsage);
    } catch (const std::exception& error) {
        return fail(program, error.what(), kExitFailure);
    }
}

}  // namespace l2echo::process
