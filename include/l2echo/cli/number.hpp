// Numbers as options take them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace l2echo::cli {

/// The whole text as a number from 0 to `max`, hexadecimal behind 0x; none when it is something else.
std::optional<std::uint64_t> read_number(std::string_view text, std::uint64_t max);

}  // namespace l2echo::cli
