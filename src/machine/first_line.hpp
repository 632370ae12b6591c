// What the kernel says in a file of one line.
#pragma once

#include <filesystem>
#include <string>

namespace l2echo::machine {

/// Without its line break; empty when the file cannot be read.
std::string first_line(const std::filesystem::path& path);

}  // namespace l2echo::machine
