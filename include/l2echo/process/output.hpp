// What the programs write to stdout and stderr. Nothing else writes there but DPDK's log and EAL's usage.
#pragma once

#include <string_view>

namespace l2echo::process {

/// Opens /dev/null for those of descriptors 0, 1 and 2 that are closed, so that no port and no file gets such
/// a number and is written to by mistake. What goes to a stdout that was closed still fails. Before anything
/// else is opened.
void open_standard_descriptors() noexcept;

/// Writes all of it. Returns 0, or the errno value of the write that failed. Waits for a slow reader, also
/// where the descriptor does not block; a signal does not cut it short. Any thread.
int write_all(int descriptor, std::string_view text) noexcept;

/// A result, to stdout. Throws std::runtime_error, which says why it could not be written.
void print(std::string_view text);

/// To stderr. There is nobody left to tell that it failed.
void print_error(std::string_view text) noexcept;

}  // namespace l2echo::process
