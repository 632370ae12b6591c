#include "machine/ip_address.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>

namespace l2echo::machine {
namespace {

constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};

}  // namespace

std::size_t IpAddress::size() const noexcept {
    return family == AF_INET ? sizeof(in_addr) : sizeof(in6_addr);
}

bool IpAddress::is_link_local() const noexcept {
    return family == AF_INET6 && bytes[0] == 0xFE && (bytes[1] & 0xC0) == 0x80;
}

std::string IpAddress::text() const {
    std::array<char, INET6_ADDRSTRLEN> text{};
    inet_ntop(family, bytes.data(), text.data(), text.size());
    return text.data();
}

std::optional<IpAddress> to_ip_address(const void* bytes, std::size_t size) {
    const auto* first = static_cast<const std::uint8_t*>(bytes);
    if (size == sizeof(in6_addr) && std::equal(kMapped.begin(), kMapped.end(), first))
        return to_ip_address(first + kMapped.size(), sizeof(in_addr));
    if (size != sizeof(in_addr) && size != sizeof(in6_addr))
        return std::nullopt;
    IpAddress address{.family = size == sizeof(in_addr) ? AF_INET : AF_INET6, .bytes = {}};
    std::memcpy(address.bytes.data(), bytes, size);
    return address;
}

std::optional<IpAddress> parse_ip_address(const std::string& text) {
    const std::string plain = text.substr(0, text.find('%'));
    std::array<std::uint8_t, sizeof(in6_addr)> bytes{};
    for (const auto& [family, size] : {std::pair(AF_INET, sizeof(in_addr)), {AF_INET6, sizeof(in6_addr)}})
        if (inet_pton(family, plain.c_str(), bytes.data()) == 1)
            return to_ip_address(bytes.data(), size);
    return std::nullopt;
}

}  // namespace l2echo::machine
