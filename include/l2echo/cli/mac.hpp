// MAC addresses in options.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "l2echo/wire/ethernet.hpp"

namespace l2echo::cli {

/// Parses text such as "02:00:5e:00:00:01"; empty if it is not a MAC address.
std::optional<wire::MacAddress> read_mac(std::string_view text);

/// Like read_mac(), but throws UsageError with `option`, the text and an example of a valid address.
wire::MacAddress parse_mac(const std::string& text, const char* option);

}  // namespace l2echo::cli
