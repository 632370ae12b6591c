#include "l2echo/operations/operator_service.hpp"

#include "l2echo/dpdk/log.hpp"

namespace l2echo::operations {

OperatorService::OperatorService(CommandTable commands, const Traces& traces, const dpdk::Ports& ports,
                                 const std::string& control_socket, const std::string& trace_file,
                                 process::StopSignal& stop)
    : commands_(std::move(commands)), stop_(stop), trace_(traces, ports, trace_file) {
    if (!control_socket.empty()) {
        socket_.emplace(control_socket, [this](std::string_view line) { return commands_.run(line); });
        dpdk::log_info("Control socket: {}", control_socket);
    }
    thread_.emplace("l2echo-control", [this] { serve(); });
}

OperatorService::~OperatorService() {
    finish();
}

void OperatorService::finish() {
    stop_.request();
    thread_.reset();
    trace_.write_new();
}

void OperatorService::serve() {
    constexpr std::chrono::milliseconds kInterval{20};
    while (!stop_.requested()) {
        if (socket_)
            socket_->serve(kInterval);
        else
            stop_.wait_until(std::chrono::steady_clock::now() + kInterval);
        trace_.write_new();
    }
}

}  // namespace l2echo::operations
