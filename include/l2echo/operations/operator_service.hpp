// Serves the control socket and the trace on their own thread, separate from the report.
#pragma once

#include <optional>
#include <string>

#include "l2echo/dpdk/control_thread.hpp"
#include "l2echo/operations/command_table.hpp"
#include "l2echo/operations/control_socket.hpp"
#include "l2echo/operations/trace_writer.hpp"
#include "l2echo/process/stop_signal.hpp"

namespace l2echo::operations {

/// Destroy before the workers whose traces it reads. The destructor requests a stop.
class OperatorService {
  public:
    /// If `control_socket` is empty, there are no commands. Throws StartupError.
    OperatorService(CommandTable commands, const Traces& traces, const dpdk::Ports& ports,
                    const std::string& control_socket, const std::string& trace_file,
                    process::StopSignal& stop);
    ~OperatorService();
    OperatorService(const OperatorService&) = delete;
    OperatorService& operator=(const OperatorService&) = delete;

    /// Writes the remaining traces. Call after the workers were joined.
    void finish();

    /// Throws std::runtime_error if the trace file took not all frames.
    void throw_if_trace_is_cut_short() const { trace_.throw_if_cut_short(); }

  private:
    void serve();

    CommandTable commands_;
    process::StopSignal& stop_;
    TraceWriter trace_;
    std::optional<ControlSocket> socket_;
    std::optional<dpdk::ControlThread> thread_;
};

}  // namespace l2echo::operations
