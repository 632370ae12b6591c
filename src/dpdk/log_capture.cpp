#include "dpdk/log_capture.hpp"

#include <fmt/format.h>
#include <rte_log.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <mutex>

#include "l2echo/process/error.hpp"
#include "l2echo/process/output.hpp"

namespace l2echo::dpdk {
namespace {

/// Receives DPDK's log stream.
class Sink {
  public:
    void begin() {
        const std::lock_guard guard(lock_);
        kept_.clear();
        kept_.reserve(kMaxBytes);
    }

    std::string text() {
        const std::lock_guard guard(lock_);
        return kept_;
    }

    void take(std::string_view piece) noexcept {
        process::print_error(piece);
        if (rte_log_cur_msg_loglevel() > static_cast<int>(RTE_LOG_WARNING) || piece.size() > kMaxBytes / 2)
            return;
        const std::lock_guard guard(lock_);
        if (kept_.size() + piece.size() > kMaxBytes)
            kept_.erase(0, kMaxBytes / 2);
        kept_ += piece;  // reserved above, so this does not allocate
    }

  private:
    static constexpr std::size_t kMaxBytes = std::size_t{64} * 1024;
    std::mutex lock_;
    std::string kept_;
};

/// DPDK has one log stream, and any of its threads may be writing to it, so the sink is never destroyed while
/// DPDK runs.
Sink& sink() {
    static Sink only;
    return only;
}

ssize_t write_to_sink(void*, const char* text, std::size_t length) {
    sink().take({text, length});
    return static_cast<ssize_t>(length);
}

std::FILE* stream() {
    static std::FILE* const only = fopencookie(nullptr, "w", {nullptr, write_to_sink, nullptr, nullptr});
    return only;
}

}  // namespace

LogCapture::LogCapture() {
    if (stream() == nullptr)
        throw process::StartupError(fmt::format("fopencookie: {}", std::strerror(errno)));
    sink().begin();
    rte_openlog_stream(stream());
}

LogCapture::~LogCapture() {
    rte_openlog_stream(nullptr);
}

std::string LogCapture::text() const {
    return sink().text();
}

}  // namespace l2echo::dpdk
