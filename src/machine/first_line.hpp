// Reads one-line files of the kernel.
#pragma once

#include <filesystem>
#include <string>

namespace l2echo::machine {

/// Returns the first line without its line break; empty if the file cannot be read.
std::string first_line(const std::filesystem::path& path);

}  // namespace l2echo::machine
