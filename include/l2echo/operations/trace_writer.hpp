// Logs what the workers traced: a log line for each frame, and a pcapng file if one is wanted.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "l2echo/dpdk/ports.hpp"
#include "l2echo/engine/trace.hpp"
#include "l2echo/process/file_descriptor.hpp"

namespace l2echo::operations {

using Traces = std::vector<std::unique_ptr<engine::FrameTrace>>;  ///< one for each queue pair

/// One thread. Never waits for who reads the file: frames that a pipe does not take are left out and counted.
class TraceWriter {
  public:
    /// `file` may be empty. Throws StartupError when it cannot be written, is a FIFO that nobody
    /// reads, or is another program's trace.
    TraceWriter(const Traces& traces, const dpdk::Ports& ports, std::string file);

    ~TraceWriter();
    TraceWriter(const TraceWriter&) = delete;
    TraceWriter& operator=(const TraceWriter&) = delete;

    /// All that was traced since the last call.
    void write_new();

    /// Throws std::runtime_error if the file took not all of it.
    void throw_if_cut_short() const;

  private:
    void write(const verdict::TraceRecord& record);
    /// 0 or an errno value. Begins with what a pipe has not taken yet, of which nothing may be missing: a
    /// half block would spoil all that follow.
    int write_to_file(const std::string& block);

    const Traces& traces_;
    std::vector<std::uint16_t> port_ids_;  ///< the file's interfaces, in order
    std::string path_;
    process::FileDescriptor file_;
    int error_ = 0;               ///< errno value of the write that failed
    std::string rest_;            ///< of a block that is partly written
    std::uint64_t left_out_ = 0;  ///< frames
    std::uint64_t start_tsc_;
    std::uint64_t start_nanoseconds_;  ///< since 1970, at start_tsc_
};

}  // namespace l2echo::operations
