#include "l2echo/process/output.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <stdexcept>

#include "l2echo/process/file_descriptor.hpp"
#include "l2echo/process/log.hpp"

namespace l2echo::process {
namespace {

constexpr std::chrono::milliseconds kLogPause{1000};

bool may_stall(int descriptor) noexcept {
    struct stat status {};
    return fstat(descriptor, &status) == 0 && (S_ISFIFO(status.st_mode) || isatty(descriptor) == 1);
}

/// O_NONBLOCK belongs to the open file description, which a shell or the other side of a `2>&1` may share, so
/// it is set on a private one. Without permission to reopen (a pipe created by another user), the old one is
/// kept, and only poll() keeps us from blocking.
void reopen(int descriptor) noexcept {
    std::array<char, sizeof "/proc/self/fd/2"> path{"/proc/self/fd/0"};
    path[path.size() - 2] = static_cast<char>('0' + descriptor);
    const int flags = fcntl(descriptor, F_GETFL) & (O_ACCMODE | O_APPEND);
    const FileDescriptor own(open(path.data(), flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    if (own.valid())
        dup2(own.get(), descriptor);
}

/// Drivers, and the libraries that they use, write there without a severity.
ssize_t write_to_stderr(void*, const char* text, std::size_t length) {
    static LogStream* const stream = std::make_unique<LogStream>().release();  // used until the process ends
    stream->write({text, length}, Severity::Notice);
    return static_cast<ssize_t>(length);
}

[[noreturn]] void throw_write_error(int error) {
    throw std::runtime_error(
        fmt::format("the result could not be written to stdout: {}", describe_write_error(error)));
}

using Clock = std::chrono::steady_clock;

/// True if writing one chunk does not block. An error that poll() sees also counts as true: the write then
/// reports it.
bool has_room_before(int descriptor, Clock::time_point deadline) noexcept {
    pollfd reader{descriptor, POLLOUT, 0};
    for (;;) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
        const int ready = poll(&reader, 1, static_cast<int>(std::max<std::int64_t>(left, 0)));
        if (ready >= 0 || errno != EINTR)
            return ready != 0;
    }
}

}  // namespace

void prepare_standard_descriptors() noexcept {
    // Stdout is opened read-only, so that a write still fails with EBADF, as on the closed descriptor.
    constexpr std::array<int, 3> kModes{O_RDONLY, O_RDONLY, O_WRONLY};
    for (int descriptor = 0; descriptor < 3; ++descriptor)
        if (fcntl(descriptor, F_GETFD) < 0)
            open("/dev/null", kModes[static_cast<std::size_t>(descriptor)]);  // gets the lowest free number
    for (const int descriptor : {STDOUT_FILENO, STDERR_FILENO})
        if (may_stall(descriptor))
            reopen(descriptor);
    // glibc allows assignment to stderr. The old stream is never closed: another thread may be using it.
    if (std::FILE* const log = fopencookie(nullptr, "w", {nullptr, write_to_stderr, nullptr, nullptr});
        log != nullptr) {
        std::setvbuf(log, nullptr, _IONBF, 0);
        stderr = log;
    }
}

int write_some(int descriptor, std::string_view& text, std::chrono::milliseconds pause) noexcept {
    constexpr std::size_t kChunk = PIPE_BUF;  // the room in a pipe that POLLOUT guarantees
    auto deadline = Clock::now() + pause;
    while (!text.empty()) {
        if (!has_room_before(descriptor, deadline))
            return ETIMEDOUT;
        const ssize_t written = write(descriptor, text.data(), std::min(text.size(), kChunk));
        if (written >= 0) {
            text.remove_prefix(static_cast<std::size_t>(written));
            deadline = Clock::now() + pause;
        } else if (errno == EAGAIN) {  // a terminal with room for one byte has no room for a line end
            if (Clock::now() >= deadline)
                return ETIMEDOUT;
            poll(nullptr, 0, 1);
        } else if (errno != EINTR) {
            return errno;
        }
    }
    return 0;
}

int write_all(int descriptor, std::string_view text) noexcept {
    return write_some(descriptor, text, kReaderPause);
}

std::string describe_write_error(int error) {
    return error == ETIMEDOUT || error == EAGAIN
               ? fmt::format("its reader took nothing for {} s; write to a file", kReaderPause.count())
               : std::strerror(error);
}

void print(std::string_view text) {
    if (const int error = write_all(STDOUT_FILENO, text); error != 0)
        throw_write_error(error);
}

void print_text(std::string_view text) {
    const int error = write_all(STDOUT_FILENO, text);
    if (error == EPIPE) {
        std::signal(SIGPIPE, SIG_DFL);  // run_program() ignores it
        std::raise(SIGPIPE);
    }
    if (error != 0)
        throw_write_error(error);
}

void print_error(std::string_view text) noexcept {
    static std::atomic<bool> stalled{false};  // written by any thread that logs
    const auto pause = stalled ? std::chrono::milliseconds(0) : kLogPause;
    stalled = write_some(STDERR_FILENO, text, pause) == ETIMEDOUT;
}

int ReportOutput::write(std::string_view report) {
    constexpr std::chrono::milliseconds kNone{0};
    dropped_last_ = true;
    std::string_view rest = unsent_;
    int error = write_some(STDOUT_FILENO, rest, kNone);
    unsent_.erase(0, unsent_.size() - rest.size());
    if (error == ETIMEDOUT)
        return EAGAIN;
    if (error != 0)
        return error;
    rest = report;
    error = write_some(STDOUT_FILENO, rest, kNone);
    if (error == ETIMEDOUT ||
        rest.size() < report.size())  // a line that has begun is completed, come what may
        unsent_ = rest;
    dropped_last_ = error != 0 && unsent_.empty();
    return error == ETIMEDOUT ? 0 : error;
}

void ReportOutput::finish(std::string_view report) {
    unsent_ += report;
    print(unsent_);
}

}  // namespace l2echo::process
