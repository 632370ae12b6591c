// MAC addresses as options take them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "l2echo/wire/ethernet.hpp"

namespace l2echo::cli {

/// "02:00:5e:00:00:01"; none when the text is something else.
std::optional<wire::MacAddress> read_mac(std::string_view text);

/// The same. Throws UsageError, which names `option`, the text and what would be right.
wire::MacAddress parse_mac(const std::string& text, const char* option);

}  // namespace l2echo::cli
