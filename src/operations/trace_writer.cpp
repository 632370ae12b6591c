#include "l2echo/operations/trace_writer.hpp"

#include <fmt/format.h>
#include <rte_cycles.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>

#include "l2echo/dpdk/log.hpp"
#include "l2echo/dpdk/version.hpp"
#include "l2echo/process/error.hpp"
#include "l2echo/report/trace_text.hpp"
#include "l2echo/wire/pcapng.hpp"

namespace l2echo::operations {

TraceWriter::TraceWriter(const Traces& traces, const dpdk::Ports& ports, const std::string& file)
    : traces_(traces),
      path_(file),
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
    file_.open(path_, std::ios::binary | std::ios::trunc);
    file_ << wire::pcapng_header(names, dpdk::version_text()) << std::flush;
    if (!file_)
        throw process::StartupError(fmt::format("--trace-file {}: {}", path_, std::strerror(errno)));
}

void TraceWriter::write_new() {
    verdict::TraceRecord record;
    bool any = false;
    for (const auto& trace : traces_)
        while (trace->read(record)) {
            write(record);
            any = true;
        }
    if (!any || !file_.is_open())
        return;
    file_.flush();
    if (!file_) {
        dpdk::log_warning(fmt::format("--trace-file {} takes no more: {}", path_, std::strerror(errno)));
        file_.close();
    }
}

void TraceWriter::write(const verdict::TraceRecord& record) {
    dpdk::log_info("trace: {}", report::describe_trace(record));
    if (!file_.is_open())
        return;
    const double seconds =
        static_cast<double>(record.tsc - start_tsc_) / static_cast<double>(rte_get_tsc_hz());
    const auto interface = std::ranges::find(port_ids_, record.port) - port_ids_.begin();
    file_ << wire::pcapng_packet(
        static_cast<std::uint32_t>(interface), start_nanoseconds_ + static_cast<std::uint64_t>(seconds * 1e9),
        {record.bytes.data(), record.captured}, record.length, report::describe_verdict(record));
}

}  // namespace l2echo::operations
