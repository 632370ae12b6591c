#include "l2echo/process/output.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace l2echo::process {

void open_standard_descriptors() noexcept {
    // Stdout for reading: a write then fails with EBADF, as it would have.
    constexpr std::array<int, 3> kModes{O_RDONLY, O_RDONLY, O_WRONLY};
    for (int descriptor = 0; descriptor < 3; ++descriptor)
        if (fcntl(descriptor, F_GETFD) < 0)
            open("/dev/null", kModes[static_cast<std::size_t>(descriptor)]);  // takes the lowest that is free
}

int write_all(int descriptor, std::string_view text) noexcept {
    while (!text.empty()) {
        const ssize_t written = write(descriptor, text.data(), text.size());
        if (written >= 0) {
            text.remove_prefix(static_cast<std::size_t>(written));
        } else if (errno == EAGAIN) {
            pollfd reader{descriptor, POLLOUT, 0};
            poll(&reader, 1, -1);
        } else if (errno != EINTR) {
            return errno;
        }
    }
    return 0;
}

void print(std::string_view text) {
    if (const int error = write_all(STDOUT_FILENO, text); error != 0)
        throw std::runtime_error(
            fmt::format("the result could not be written to stdout: {}", std::strerror(error)));
}

void print_error(std::string_view text) noexcept {
    write_all(STDERR_FILENO, text);
}

}  // namespace l2echo::process
