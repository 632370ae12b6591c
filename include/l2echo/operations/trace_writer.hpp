// Tells what the workers traced: a log line for each frame, and a pcapng file if one is wanted.
#pragma once

#include <cstdint>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "l2echo/dpdk/port.hpp"
#include "l2echo/engine/frame_trace.hpp"

namespace l2echo::operations {

/// One thread.
class TraceWriter {
  public:
    /// `file` may be empty. Throws StartupError when it cannot be written.
    TraceWriter(const std::vector<std::unique_ptr<engine::FrameTrace>>& traces,
                const std::vector<std::unique_ptr<dpdk::Port>>& ports, const std::string& file);

    /// All that was traced since the last call.
    void write_new();

  private:
    void write(const engine::TraceRecord& record);

    const std::vector<std::unique_ptr<engine::FrameTrace>>& traces_;
    std::vector<std::uint16_t> port_ids_;  ///< the file's interfaces, in order
    std::string path_;
    std::ofstream file_;
    std::uint64_t start_tsc_;
    std::uint64_t start_nanoseconds_;  ///< since 1970, at start_tsc_
};

}  // namespace l2echo::operations
