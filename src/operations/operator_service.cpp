#include "l2echo/operations/operator_service.hpp"

#include "l2echo/dpdk/log.hpp"
#include "l2echo/operations/control_commands.hpp"

namespace l2echo::operations {

SessionService::SessionService(echo::Session& session,
                               const std::vector<std::unique_ptr<engine::FrameTrace>>& traces,
                               const std::vector<std::unique_ptr<dpdk::Port>>& ports,
                               const std::string& control_socket, const std::string& trace_file,
                               process::StopSignal& stop)
    : stop_(stop), trace_(traces, ports, trace_file) {
    if (!control_socket.empty()) {
        socket_.emplace(control_socket,
                        [&session](std::string_view line) { return run_control_command(line, session); });
        dpdk::log_info("Control socket: {}", control_socket);
    }
    thread_.emplace("l2echo-control", [this] { serve(); });
}

SessionService::~SessionService() {
    finish();
}

void SessionService::finish() {
    stop_.request();
    thread_.reset();
    trace_.write_new();
}

void SessionService::serve() {
    constexpr std::chrono::milliseconds kTurn{20};
    while (!stop_.requested()) {
        if (socket_)
            socket_->serve(kTurn);
        else
            stop_.wait_until(std::chrono::steady_clock::now() + kTurn);
        trace_.write_new();
    }
}

}  // namespace l2echo::operations
