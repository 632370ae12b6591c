// Tells what the workers traced: a log line for each frame, and a pcapng file if one is wanted.
#pragma once

#include <cstdint>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "l2echo/dpdk/ports.hpp"
#include "l2echo/engine/trace.hpp"

namespace l2echo::operations {

using Traces = std::vector<std::unique_ptr<engine::FrameTrace>>;  ///< one for each queue pair

/// One thread.
class TraceWriter {
  public:
    /// `file` may be empty. Throws StartupError when it cannot be written.
    TraceWriter(const Traces& traces, const dpdk::Ports& ports, const std::string& file);

    /// All that was traced since the last call.
    void write_new();

  private:
    void write(const verdict::TraceRecord& record);

    const Traces& traces_;
    std::vector<std::uint16_t> port_ids_;  ///< the file's interfaces, in order
    std::string path_;
    std::ofstream file_;
    std::uint64_t start_tsc_;
    std::uint64_t start_nanoseconds_;  ///< since 1970, at start_tsc_
};

}  // namespace l2echo::operations
