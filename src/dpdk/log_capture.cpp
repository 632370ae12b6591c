#include "dpdk/log_capture.hpp"

#include <fmt/format.h>
#include <rte_log.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <mutex>

#include "l2echo/process/error.hpp"
#include "l2echo/process/log.hpp"

namespace l2echo::dpdk {
namespace {

/// DPDK's levels are the severities of RFC 5424 plus one.
process::Severity severity_of(int level) noexcept {
    constexpr int kLast = static_cast<int>(process::Severity::Debug);
    return static_cast<process::Severity>(std::clamp(level - 1, 0, kLast));
}

/// Receives DPDK's log stream.
class Sink {
  public:
    void begin() {
        const std::lock_guard guard(lock_);
        kept_.clear();
        kept_.reserve(kMaxBytes);
        keeps_ = true;
    }

    void end() {
        const std::lock_guard guard(lock_);
        keeps_ = false;
    }

    std::string text() {
        const std::lock_guard guard(lock_);
        return kept_;
    }

    void take(std::string_view piece) noexcept {
        const int level = rte_log_cur_msg_loglevel();
        log_.write(piece, severity_of(level));
        if (level > static_cast<int>(RTE_LOG_WARNING) || piece.size() > kMaxBytes / 2)
            return;
        const std::lock_guard guard(lock_);
        if (!keeps_)
            return;
        if (kept_.size() + piece.size() > kMaxBytes)
            kept_.erase(0, kMaxBytes / 2);
        kept_ += piece;  // reserved above, so this does not allocate
    }

  private:
    static constexpr std::size_t kMaxBytes = std::size_t{64} * 1024;
    process::LogStream log_;
    std::mutex lock_;
    std::string kept_;
    bool keeps_ = false;
};

/// DPDK has one log stream, and any of its threads may be writing to it, even while the process ends, so the
/// sink is never destroyed.
Sink& sink() {
    static Sink* const only = std::make_unique<Sink>().release();
    return *only;
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
    sink().end();
}

std::string LogCapture::text() const {
    return sink().text();
}

}  // namespace l2echo::dpdk
