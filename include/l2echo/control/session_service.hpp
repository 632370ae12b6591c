// The control socket and the trace, served beside the report by a thread of their own.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "l2echo/control/control_socket.hpp"
#include "l2echo/control/control_thread.hpp"
#include "l2echo/control/session.hpp"
#include "l2echo/control/stop_signal.hpp"
#include "l2echo/control/trace_writer.hpp"

namespace l2echo {

/// Goes before the workers, whose traces it reads. Sets the stop signal when it goes.
class SessionService {
  public:
    /// Throws StartupError. Either path may be empty.
    SessionService(Session& session, const std::vector<std::unique_ptr<FrameTrace>>& traces,
                   const std::vector<std::unique_ptr<Port>>& ports, const std::string& control_socket,
                   const std::string& trace_file, StopSignal& stop);
    ~SessionService();
    SessionService(const SessionService&) = delete;
    SessionService& operator=(const SessionService&) = delete;

    /// What the workers traced up to now. After they were joined.
    void finish();

  private:
    void serve();

    StopSignal& stop_;
    TraceWriter trace_;
    std::optional<ControlSocket> socket_;
    std::optional<ControlThread> thread_;
};

}  // namespace l2echo
