// Result files, written completely or not at all.
#pragma once

#include <string>
#include <string_view>

namespace l2echo::process {

/// Replaces the content of the file with the text, through a temporary file in the same folder, so that a
/// full disk or a kill leaves the old content intact. Writes directly if the path is not a regular file (a
/// pipe, a terminal, /dev/null), is our own stdout or stderr, or is a mount point. Returns 0 or an errno
/// value.
int replace_file(const std::string& path, std::string_view text) noexcept;

/// Returns 0, or the errno value with which replace_file() would fail now. Changes no existing file.
int check_output_file(const std::string& path) noexcept;

}  // namespace l2echo::process
