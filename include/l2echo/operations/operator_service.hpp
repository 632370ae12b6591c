// The control socket and the trace, served beside the report by a thread of their own.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "l2echo/dpdk/control_thread.hpp"
#include "l2echo/echo/arming.hpp"
#include "l2echo/operations/control_socket.hpp"
#include "l2echo/operations/trace_writer.hpp"
#include "l2echo/process/stop_signal.hpp"

namespace l2echo::operations {

/// Goes before the workers, whose traces it reads. Sets the stop signal when it goes.
class SessionService {
  public:
    /// Throws StartupError. Either path may be empty.
    SessionService(echo::Session& session, const std::vector<std::unique_ptr<engine::FrameTrace>>& traces,
                   const std::vector<std::unique_ptr<dpdk::Port>>& ports, const std::string& control_socket,
                   const std::string& trace_file, process::StopSignal& stop);
    ~SessionService();
    SessionService(const SessionService&) = delete;
    SessionService& operator=(const SessionService&) = delete;

    /// What the workers traced up to now. After they were joined.
    void finish();

  private:
    void serve();

    process::StopSignal& stop_;
    TraceWriter trace_;
    std::optional<ControlSocket> socket_;
    std::optional<dpdk::ControlThread> thread_;
};

}  // namespace l2echo::operations
