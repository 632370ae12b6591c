// Log lines for the user, through DPDK's log (stderr; --log-level applies, for example l2echo:debug). Never
// called by workers.
#pragma once

#include <fmt/format.h>

#include <string>
#include <utility>

namespace l2echo::dpdk {

void log_line(const std::string& text);
void log_warning(const std::string& text);

template <typename... Arguments>
void log_info(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
    log_line(fmt::format(format, std::forward<Arguments>(arguments)...));
}

}  // namespace l2echo::dpdk
