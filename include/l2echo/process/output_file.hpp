// Files of results, written as a whole or not at all.
#pragma once

#include <string>
#include <string_view>

namespace l2echo::process {

/// Replaces the content of the file by the text, by way of a temporary file beside it: a full disk or a kill
/// leaves the old content whole. What is no regular file (a pipe, a terminal, /dev/null), what is our
/// stdout or stderr, and a file that is a mount point are written to directly. Returns 0 or an errno value.
int replace_file(const std::string& path, std::string_view text) noexcept;

/// 0, or the errno value with which replace_file() would fail now. Changes nothing that is there.
int check_output_file(const std::string& path) noexcept;

}  // namespace l2echo::process
