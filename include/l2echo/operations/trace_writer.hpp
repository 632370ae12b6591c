// Writes the workers' traces: one log line per frame, and optionally a pcapng file.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "l2echo/dpdk/ports.hpp"
#include "l2echo/engine/trace.hpp"
#include "l2echo/process/file_descriptor.hpp"

namespace l2echo::operations {

using Traces = std::vector<std::unique_ptr<engine::FrameTrace>>;  ///< one per queue pair

/// Used by one thread. Never waits for the reader of the file: frames that a pipe does not accept are left
/// out and counted.
class TraceWriter {
  public:
    /// `file` may be empty. Throws StartupError if it cannot be written, is a FIFO without a reader, or is
    /// another program's trace.
    TraceWriter(const Traces& traces, const dpdk::Ports& ports, std::string file);

    ~TraceWriter();
    TraceWriter(const TraceWriter&) = delete;
    TraceWriter& operator=(const TraceWriter&) = delete;

    /// Writes everything traced since the last call.
    void write_new();

    /// Throws std::runtime_error if the file took not all of it.
    void throw_if_cut_short() const;

  private:
    void write(const verdict::TraceRecord& record);
    /// Returns 0 or an errno value. First writes the rest of a block that a pipe accepted only in part: an
    /// incomplete block would corrupt everything after it.
    int write_to_file(const std::string& block);

    const Traces& traces_;
    std::vector<std::uint16_t> port_ids_;  ///< the file's interfaces, in order
    std::string path_;
    process::FileDescriptor file_;
    int error_ = 0;               ///< errno value of the write that failed
    std::string rest_;            ///< unwritten part of a block
    std::uint64_t left_out_ = 0;  ///< number of frames
    std::uint64_t start_tsc_;
    std::uint64_t start_nanoseconds_;  ///< time since 1970 at start_tsc_
};

}  // namespace l2echo::operations
