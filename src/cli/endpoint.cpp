#include "l2echo/cli/endpoint.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <string_view>

#include "l2echo/cli/number.hpp"
#include "l2echo/process/error.hpp"

namespace l2echo::cli {
namespace {

constexpr std::string_view kUnix = "unix:";

bool is_ip_address(const std::string& text) {
    in6_addr address{};  // large enough for both
    return inet_pton(AF_INET, text.c_str(), &address) == 1 ||
           inet_pton(AF_INET6, text.c_str(), &address) == 1;
}

/// Removes the brackets of an IPv6 address; empty if they are missing or belong to something else.
std::string read_address(const std::string& text) {
    const bool has_brackets = text.size() > 2 && text.front() == '[' && text.back() == ']';
    const std::string address = has_brackets ? text.substr(1, text.size() - 2) : text;
    const bool is_ipv6 = address.find(':') != std::string::npos;
    return is_ip_address(address) && is_ipv6 == has_brackets ? address : std::string();
}

}  // namespace

Endpoint parse_endpoint(const std::string& text, const char* option) {
    Endpoint endpoint;
    if (text.starts_with(kUnix)) {
        endpoint.path = text.substr(kUnix.size());
    } else if (const std::size_t colon = text.rfind(':'); colon != std::string::npos) {
        if (const auto port = read_number(text.substr(colon + 1), UINT16_MAX)) {
            endpoint.address = read_address(text.substr(0, colon));
            endpoint.port = static_cast<std::uint16_t>(*port);
        }
    }
    if (endpoint.empty())
        throw process::UsageError(fmt::format(
            "{}: '{}' is neither ADDRESS:PORT nor unix:PATH; examples: 127.0.0.1:9464, [::1]:9464, "
            "0.0.0.0:9464 (every interface), unix:/run/l2echo/metrics.sock",
            option, text));
    return endpoint;
}

std::string format_endpoint(const Endpoint& endpoint) {
    if (endpoint.empty())
        return {};
    if (!endpoint.path.empty())
        return std::string(kUnix) + endpoint.path;
    const bool is_ipv6 = endpoint.address.find(':') != std::string::npos;
    return is_ipv6 ? fmt::format("[{}]:{}", endpoint.address, endpoint.port)
                   : fmt::format("{}:{}", endpoint.address, endpoint.port);
}

}  // namespace l2echo::cli
