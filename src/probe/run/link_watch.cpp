#include "probe/run/link_watch.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "l2echo/dpdk/log.hpp"

namespace l2echo::probe {

LinkWatch::LinkWatch(const dpdk::Port& port) : port_(port), before_(port.link()), up_(before_.up) {}

void LinkWatch::look(double elapsed_seconds) {
    const bool up = port_.link().up;
    if (up == up_)
        return;
    up_ = up;
    ++seen_;
    const std::string port = dpdk::port_label(port_.id());
    if (up)
        dpdk::log_info("{}: link up again after {:.1f} s", port, elapsed_seconds);
    else
        dpdk::log_warning(fmt::format(
            "{}: link DOWN after {:.1f} s; the run continues, and frames are lost until it is back{}", port,
            elapsed_seconds, port_.link_down_advice()));
}

std::uint64_t LinkWatch::changes() const {
    return std::max(seen_, port_.link().changes - before_.changes);
}

}  // namespace l2echo::probe
