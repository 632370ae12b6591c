#include "l2echo/cli/mac.hpp"

#include <fmt/format.h>

#include <charconv>

#include "l2echo/process/error.hpp"

namespace l2echo::cli {

std::optional<wire::MacAddress> read_mac(std::string_view text) {
    wire::MacAddress mac = 0;
    if (text.size() != 17)
        return std::nullopt;
    for (unsigned byte = 0; byte < 6; ++byte) {
        const char* digits = text.data() + std::size_t{3} * byte;
        unsigned value = 0;
        if (std::from_chars(digits, digits + 2, value, 16).ptr != digits + 2 ||
            (byte < 5 && digits[2] != ':'))
            return std::nullopt;
        mac |= wire::MacAddress{value} << 8 * byte;
    }
    return mac;
}

wire::MacAddress parse_mac(const std::string& text, const char* option) {
    const auto mac = read_mac(text);
    if (!mac)
        throw process::UsageError(
            fmt::format("{}: '{}' is not a MAC address like 02:00:5e:00:00:01", option, text));
    return *mac;
}

}  // namespace l2echo::cli
