#include "l2echo/process/program.hpp"

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "l2echo/process/error.hpp"

namespace l2echo::process {
namespace {

/// One line, whatever the message quotes.
int fail(const std::string& program, std::string message, int status) {
    std::ranges::replace(message, '\n', ' ');
    fmt::print(stderr, "{}: error: {}\n", program, message);
    return status;
}

}  // namespace

int run_program(const char* argv0, const std::function<void(const std::string& program)>& body) noexcept {
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
