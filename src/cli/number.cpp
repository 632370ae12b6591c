#include "l2echo/cli/number.hpp"

#include <charconv>

namespace l2echo::cli {

std::optional<std::uint64_t> read_number(std::string_view text, std::uint64_t max) {
    const int base = text.starts_with("0x") ? 16 : 10;
    text.remove_prefix(base == 16 ? 2 : 0);
    std::uint64_t number = 0;
    const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
    const bool valid = error == std::errc{} && rest == text.data() + text.size() && number <= max;
    return valid ? std::optional(number) : std::nullopt;
}

}  // namespace l2echo::cli
