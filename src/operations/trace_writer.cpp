#include "l2echo/operations/trace_writer.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <rte_cycles.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "l2echo/dpdk/log.hpp"
#include "l2echo/dpdk/version.hpp"
#include "l2echo/process/error.hpp"
#include "l2echo/report/table.hpp"
#include "l2echo/report/trace_text.hpp"
#include "l2echo/wire/pcapng.hpp"

namespace l2echo::operations {

namespace {

[[noreturn]] void fail(const std::string& path, const std::string& why) {
    throw process::StartupError(fmt::format("--trace-file {}: {}", path, why));
}

process::FileDescriptor open_trace(const std::string& path) {
    process::FileDescriptor file(
        open(path.c_str(), O_WRONLY | O_CREAT | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0666));
    if (!file.valid() && errno == ENXIO)
        fail(path, "nobody reads this FIFO; start its reader first");
    if (!file.valid())
        fail(path, std::strerror(errno));
    struct stat status {};
    if (fstat(file.get(), &status) != 0)
        fail(path, std::strerror(errno));
    if (!S_ISREG(status.st_mode) && !S_ISFIFO(status.st_mode))
        return file;
    // Some file systems do not support locks; tracing works on them anyway.
    if (flock(file.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
        fail(path, "another program writes its trace there; name another file");
    // Truncate only with the lock held, so that another program's trace is not destroyed.
    if (S_ISREG(status.st_mode) && ftruncate(file.get(), 0) != 0)
        fail(path, std::strerror(errno));
    return file;
}

}  // namespace

TraceWriter::TraceWriter(const Traces& traces, const dpdk::Ports& ports, std::string file)
    : traces_(traces),
      path_(std::move(file)),
      start_tsc_(rte_rdtsc()),
      start_nanoseconds_(static_cast<std::uint64_t>(
          std::chrono::nanoseconds(std::chrono::system_clock::now().time_since_epoch()).count())) {
    std::vector<std::string> names;
    for (const dpdk::Port& port : ports) {
        port_ids_.push_back(port.id());
        names.push_back(port.name());
    }
    if (path_.empty())
        return;
    file_ = open_trace(path_);
    const int error = write_to_file(wire::pcapng_header(names, dpdk::version_text()));
    if (error != 0)
        fail(path_, std::strerror(error));
}

TraceWriter::~TraceWriter() {
    if (left_out_ > 0)
        dpdk::log_warning(fmt::format("--trace-file {}: its reader was too slow: {} left out", path_,
                                      report::format_count(left_out_, "frame")));
}

void TraceWriter::write_new() {
    verdict::TraceRecord record;
    for (const auto& trace : traces_)
        while (trace->read(record))
            write(record);
    if (!rest_.empty())
        write_to_file({});  // an error is reported with the next frame
}

void TraceWriter::write(const verdict::TraceRecord& record) {
    dpdk::log_info("trace: {}", report::describe_trace(record));
    if (!file_.valid())
        return;
    const double seconds =
        static_cast<double>(record.tsc - start_tsc_) / static_cast<double>(rte_get_tsc_hz());
    const auto interface = std::ranges::find(port_ids_, record.port) - port_ids_.begin();
    const int error = write_to_file(wire::pcapng_packet(
        static_cast<std::uint32_t>(interface), start_nanoseconds_ + static_cast<std::uint64_t>(seconds * 1e9),
        {record.bytes.data(), record.captured}, record.length, report::describe_verdict(record)));
    if (error == EAGAIN) {
        if (++left_out_ == 1)
            dpdk::log_warning(fmt::format(
                "--trace-file {}: its reader is too slow: frames are left out and counted", path_));
    } else if (error != 0) {
        dpdk::log_warning(
            fmt::format("--trace-file {} cannot be written any more: {}", path_, std::strerror(error)));
        error_ = error;
        file_ = {};
    }
}

void TraceWriter::throw_if_cut_short() const {
    if (error_ != 0)
        throw std::runtime_error(
            fmt::format("--trace-file {}: the trace is cut short: {}", path_, std::strerror(error_)));
}

int TraceWriter::write_to_file(const std::string& block) {
    const std::size_t before = rest_.size();
    rest_ += block;
    ssize_t written = 0;
    do
        written = ::write(file_.get(), rest_.data(), rest_.size());
    while (written < 0 && errno == EINTR);
    const int error = written < 0 ? errno : 0;
    rest_.erase(0, static_cast<std::size_t>(std::max<ssize_t>(written, 0)));
    if (static_cast<std::size_t>(std::max<ssize_t>(written, 0)) > before || block.empty())
        return 0;
    if (error != 0 && error != EAGAIN)
        return error;
    rest_.resize(rest_.size() - block.size());
    return EAGAIN;
}

}  // namespace l2echo::operations
