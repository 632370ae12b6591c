#include "l2echo/echo/match_text.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "l2echo/cli/mac.hpp"
#include "l2echo/cli/number.hpp"
#include "l2echo/process/error.hpp"
#include "l2echo/wire/byte_order.hpp"

namespace l2echo::echo {
namespace {

/// Parsed "ADDRESS" or "ADDRESS/LENGTH".
struct AddressAndLength {
    std::uint8_t version;
    std::array<std::byte, 16> address{};
    std::optional<unsigned> length;  ///< in bits

    unsigned bits() const { return version == 4 ? 32 : 128; }
};

std::optional<AddressAndLength> read_address(const std::string& text) {
    const std::size_t slash = text.find('/');
    const std::string address = text.substr(0, slash);
    AddressAndLength result{};
    if (inet_pton(AF_INET, address.c_str(), result.address.data()) == 1)
        result.version = 4;
    else if (inet_pton(AF_INET6, address.c_str(), result.address.data()) == 1)
        result.version = 6;
    else
        return std::nullopt;
    if (slash == std::string::npos)
        return result;
    result.length = cli::read_number(std::string_view(text).substr(slash + 1), result.bits());
    return result.length ? std::optional(result) : std::nullopt;
}

std::array<std::byte, 16> mask_of(unsigned length) {
    std::array<std::byte, 16> mask{};
    for (unsigned bit = 0; bit < length; ++bit)
        mask.at(bit / 8) |= std::byte{0x80} >> (bit % 8);
    return mask;
}

std::array<std::byte, 16> operator&(std::array<std::byte, 16> a, const std::array<std::byte, 16>& b) {
    std::transform(a.begin(), a.end(), b.begin(), a.begin(), std::bit_and<>());
    return a;
}

/// True if all host bits are set: the broadcast address of an IPv4 network that has one.
bool is_network_broadcast(const AddressAndLength& interface) {
    constexpr unsigned kPointToPoint = 31;  // RFC 3021
    if (interface.version == 6 || *interface.length >= kPointToPoint)
        return false;
    const auto mask = mask_of(*interface.length);
    for (std::size_t i = 0; i < 4; ++i)
        if ((interface.address.at(i) | mask.at(i)) != std::byte{0xFF})
            return false;
    return true;
}

bool is_network_itself(const AddressAndLength& interface) {
    const bool single = *interface.length + 1 >= interface.bits();
    return !single && (interface.address & mask_of(*interface.length)) == interface.address;
}

/// False for loopback, multicast and unspecified addresses.
bool is_host_address(const AddressAndLength& interface) {
    const auto first = std::to_integer<unsigned>(interface.address[0]);
    if (interface.version == 4)
        return first != 0 && first != 127 && first < 224;
    const bool is_loopback_or_none = std::all_of(interface.address.begin(), interface.address.end() - 1,
                                                 [](std::byte byte) { return byte == std::byte{0}; });
    return first != 0xFF && !is_loopback_or_none;
}

/// One "key=value" of a match rule.
class MatchTerm {
  public:
    MatchTerm(std::string key, std::string value) : key_(std::move(key)), value_(std::move(value)) {}

    /// Adds the term to the rule. Returns an error text; empty on success.
    std::string read_into(MatchRule& rule) const {
        if (key_ == "src-mac" || key_ == "dst-mac")
            return read_mac(key_ == "src-mac" ? rule.source : rule.destination);
        if (key_ == "vlan")
            return read_vlan(rule);
        if (key_ == "ethertype")
            return read_ether_type(rule);
        if (key_ == "src-ip" || key_ == "dst-ip")
            return read_prefix(key_ == "src-ip" ? rule.ip_source : rule.ip_destination);
        if (key_ == "udp-src" || key_ == "tcp-src")
            return read_ports(rule.source_port);
        if (key_ == "udp-dst" || key_ == "tcp-dst")
            return read_ports(rule.destination_port);
        return fmt::format(
            "'{}' is none of src-mac, dst-mac, vlan, ethertype, src-ip, dst-ip, udp-src, udp-dst, "
            "tcp-src, tcp-dst",
            key_);
    }

  private:
    std::string read_mac(MaskedMac& mac) const {
        const std::size_t slash = value_.find('/');
        const auto address = cli::read_mac(value_.substr(0, slash));
        const auto length = slash == std::string::npos
                                ? std::optional<std::uint64_t>(48)
                                : cli::read_number(std::string_view(value_).substr(slash + 1), 48);
        if (!address || !length)
            return fmt::format(
                "{}: '{}' is not a MAC address like 02:00:5e:00:00:01, "
                "or a prefix of one like 02:00:5e:00:00:00/24",
                key_, value_);
        mac.mask = 0;
        for (unsigned bit = 0; bit < *length; ++bit)
            mac.mask |= wire::MacAddress{0x80U >> bit % 8} << 8 * (bit / 8);
        mac.value = *address & mac.mask;
        return {};
    }

    std::string read_vlan(MatchRule& rule) const {
        const auto id = cli::read_number(value_, 4094);
        rule.vlan_id = value_ == "none" ? MatchRule::kNoVlan : static_cast<std::uint16_t>(id.value_or(0));
        return id || value_ == "none"
                   ? ""
                   : fmt::format("vlan: '{}' is neither an id from 0 to 4094 nor none", value_);
    }

    std::string read_ether_type(MatchRule& rule) const {
        const auto type = cli::read_number(value_, 0xFFFF);
        rule.ether_type = wire::wire_order(static_cast<std::uint16_t>(type.value_or(0)));
        return type ? "" : fmt::format("ethertype: '{}' is not a number like 0x0800", value_);
    }

    std::string read_prefix(std::optional<IpPrefix>& prefix) const {
        const auto address = read_address(value_);
        if (!address)
            return fmt::format("{}: '{}' is not an address or prefix like 10.0.0.0/8 or 2001:db8::/32", key_,
                               value_);
        const auto mask = mask_of(address->length.value_or(address->bits()));
        prefix = IpPrefix{address->version, address->address & mask, mask};
        return {};
    }

    std::string read_ports(std::optional<PortRange>& ports) const {
        const std::size_t dash = value_.find('-');
        const auto from = cli::read_number(value_.substr(0, dash), 0xFFFF);
        const auto to = dash == std::string::npos ? from : cli::read_number(value_.substr(dash + 1), 0xFFFF);
        if (!from || !to || *from > *to)
            return fmt::format("{}: '{}' is neither a port nor a range like 5000-5010", key_, value_);
        const std::uint8_t protocol = key_.starts_with("udp") ? wire::kProtocolUdp : wire::kProtocolTcp;
        ports = PortRange{protocol, static_cast<std::uint16_t>(*from), static_cast<std::uint16_t>(*to)};
        return {};
    }

    std::string key_;
    std::string value_;
};

std::vector<std::string> split(const std::string& text, char separator) {
    std::vector<std::string> parts;
    std::size_t begin = 0;
    for (std::size_t end = 0; end != std::string::npos; begin = end + 1) {
        end = text.find(separator, begin);
        parts.push_back(text.substr(begin, end - begin));
    }
    return parts;
}

/// Returns why no frame can fit all keys of the rule; empty if one can.
std::string contradiction(std::vector<std::string> keys, const MatchRule& rule) {
    std::ranges::sort(keys);
    const auto twice = std::ranges::adjacent_find(keys);
    if (twice != keys.end())
        return fmt::format("{} is given twice; give one --match for each", *twice);
    const auto any_of_protocol = [&](std::string_view protocol) {
        return std::ranges::any_of(keys, [&](const std::string& key) { return key.starts_with(protocol); });
    };
    if (any_of_protocol("udp") && any_of_protocol("tcp"))
        return "a frame is UDP or TCP, never both";
    if (rule.ip_source && rule.ip_destination && rule.ip_source->version != rule.ip_destination->version)
        return "a frame is IPv4 or IPv6, never both";
    return {};
}

}  // namespace

void parse_interface(const std::string& text, const char* option, AnswerRules& rules) {
    const auto interface = read_address(text);
    if (!interface || !interface->length)
        throw process::UsageError(fmt::format(
            "{}: '{}' is not an address with its prefix length, like 192.0.2.1/24 or 2001:db8::1/64", option,
            text));
    if (!is_host_address(*interface) || is_network_itself(*interface) || is_network_broadcast(*interface))
        throw process::UsageError(fmt::format("{}: {} is not the address of a host", option, text));
    const auto length = static_cast<std::uint8_t>(*interface->length);
    if (interface->version == 6) {
        rules.ipv6.push_back({interface->address, length});
        return;
    }
    Ipv4Interface own{{}, length};
    std::copy_n(interface->address.begin(), own.address.size(), own.address.begin());
    rules.ipv4.push_back(own);
}

MatchRule parse_match_rule(const std::string& text, const char* option) {
    MatchRule rule;
    std::vector<std::string> terms = split(text, ',');
    if (terms.front() == "refuse" || terms.front() == "echo") {
        rule.echo = terms.front() == "echo";
        terms.erase(terms.begin());
    }
    std::vector<std::string> keys;
    for (const std::string& term : terms) {
        const std::size_t equals = term.find('=');
        if (equals == std::string::npos)
            throw process::UsageError(fmt::format("{} {}: '{}' is not key=value", option, text, term));
        keys.push_back(term.substr(0, equals));
        const std::string wrong = MatchTerm(keys.back(), term.substr(equals + 1)).read_into(rule);
        if (!wrong.empty())
            throw process::UsageError(fmt::format("{} {}: {}", option, text, wrong));
    }
    const std::string wrong = contradiction(keys, rule);
    if (!wrong.empty())
        throw process::UsageError(fmt::format("{} {}: {}", option, text, wrong));
    return rule;
}

}  // namespace l2echo::echo
