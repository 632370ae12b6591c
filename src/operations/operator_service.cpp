#include "l2echo/operations/operator_service.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "l2echo/dpdk/log.hpp"
#include "l2echo/process/error.hpp"

namespace l2echo::operations {
namespace {

constexpr std::chrono::milliseconds kTraceInterval{20};
/// Nobody notices that a reload or a notification is this late, and an idle program wakes up rarely.
constexpr std::chrono::milliseconds kIdleInterval{200};

std::vector<Command> with_reload(std::vector<Command> commands, ReloadFunction reload) {
    commands.push_back({kReloadCommand, [reload = std::move(reload)](const auto&) {
                            return nlohmann::ordered_json{{"changed", reload()}};
                        }});
    return commands;
}

}  // namespace

OperatorService::OperatorService(std::vector<Command> commands, ReloadFunction reload,
                                 process::ReloadSignal* reload_signal, const Traces& traces,
                                 const dpdk::Ports& ports, const OperatorSettings& settings,
                                 ServiceManager& manager, process::StopSignal& stop)
    : reload_(std::move(reload)),
      reload_signal_(reload_signal),
      commands_(with_reload(std::move(commands), [this] { return this->reload(); })),
      manager_(manager),
      stop_(stop),
      watchdog_(manager),
      traces_frames_(!traces.empty()),
      trace_(traces, ports, settings.trace_file) {
    if (!settings.control_socket.empty()) {
        socket_.emplace(settings.control_socket,
                        [this](std::string_view line) { return commands_.run(line); });
        dpdk::log_info("Control socket: {}", settings.control_socket);
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
    std::chrono::milliseconds interval = traces_frames_ ? kTraceInterval : kIdleInterval;
    if (watchdog_.interval())
        interval = std::min(interval, std::chrono::ceil<std::chrono::milliseconds>(*watchdog_.interval()));
    while (!stop_.requested()) {
        if (socket_)
            socket_->serve(interval);
        else
            stop_.wait_until(std::chrono::steady_clock::now() + interval, reload_signal_);
        if (reload_signal_ != nullptr && reload_signal_->take())
            reload_by_signal();
        trace_.write_new();
        watchdog_.check();
        manager_.send_pending();
    }
}

/// The manager waits for "ready" whether the reload succeeds or not.
std::vector<std::string> OperatorService::reload() {
    manager_.reloading();
    try {
        std::vector<std::string> changed = reload_();
        dpdk::log_info("Reloaded: {}", changed.empty() ? "nothing has changed"
                                                       : fmt::format("{} changed", fmt::join(changed, ", ")));
        manager_.ready("reloaded");
        return changed;
    } catch (const process::UsageError& error) {
        dpdk::log_warning(fmt::format("reload: {}; nothing was changed", error.what()));
        manager_.ready("running; the last reload failed");
        throw;
    }
}

void OperatorService::reload_by_signal() {
    try {
        reload();
    } catch (const process::UsageError&) {
        // Logged. A signal has no other answer.
    }
}

}  // namespace l2echo::operations
