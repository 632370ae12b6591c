// Serves whoever runs the program, on a thread of its own, separate from the report: commands of the control
// socket, requests to reload, the trace, and the service manager's watchdog.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "l2echo/dpdk/control_thread.hpp"
#include "l2echo/operations/command_table.hpp"
#include "l2echo/operations/control_socket.hpp"
#include "l2echo/operations/service_manager.hpp"
#include "l2echo/operations/trace_writer.hpp"
#include "l2echo/operations/watchdog.hpp"
#include "l2echo/process/request_signal.hpp"
#include "l2echo/process/stop_signal.hpp"

namespace l2echo::operations {

struct OperatorSettings {
    std::string control_socket;  ///< empty: none
    std::string trace_file;      ///< empty: none
};

/// Reads the file of options again and applies it. Returns the options that changed. Throws UsageError, and
/// then nothing changed.
using ReloadFunction = std::function<std::vector<std::string>()>;

/// Destroy before the workers whose traces it reads. The destructor requests a stop.
class OperatorService {
  public:
    /// `reload_signal` may be null. `reload` is called by the service's thread only. Throws StartupError.
    OperatorService(std::vector<Command> commands, ReloadFunction reload,
                    process::ReloadSignal* reload_signal, const Traces& traces, const dpdk::Ports& ports,
                    const OperatorSettings& settings, ServiceManager& manager, process::StopSignal& stop);
    ~OperatorService();
    OperatorService(const OperatorService&) = delete;
    OperatorService& operator=(const OperatorService&) = delete;

    /// Writes the remaining traces. Call after the workers were joined.
    void finish();

    /// Throws std::runtime_error if the trace file took not all frames.
    void throw_if_trace_is_cut_short() const { trace_.throw_if_cut_short(); }

  private:
    void serve();
    std::vector<std::string> reload();
    void reload_by_signal();

    ReloadFunction reload_;
    process::ReloadSignal* reload_signal_;
    CommandTable commands_;
    ServiceManager& manager_;
    process::StopSignal& stop_;
    Watchdog watchdog_;
    bool traces_frames_;
    TraceWriter trace_;
    std::optional<ControlSocket> socket_;
    std::optional<dpdk::ControlThread> thread_;
};

}  // namespace l2echo::operations
