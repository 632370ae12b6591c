#include "l2echo/machine/kernel_interface.hpp"

#include <arpa/inet.h>
#include <fmt/ranges.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <set>
#include <sstream>

#include "l2echo/process/error.hpp"

namespace l2echo::machine {
namespace {

/// The interface and everything stacked on it: a bridge or bond that it is a member of, VLANs, macvlans.
std::set<std::string> with_uppers(const std::string& interface) {
    std::set<std::string> found;
    std::vector<std::string> pending{interface};
    while (!pending.empty()) {
        const std::string name = pending.back();
        pending.pop_back();
        if (!found.insert(name).second)
            continue;
        std::error_code none;
        for (const auto& entry : std::filesystem::directory_iterator("/sys/class/net/" + name, none)) {
            const std::string link = entry.path().filename();
            if (link.starts_with("upper_"))
                pending.push_back(link.substr(std::strlen("upper_")));
        }
    }
    return found;
}

/// An address as the kernel's /proc/net/tcp and tcp6 print it: words of four bytes in host order, in
/// hexadecimal.
struct Address {
    std::string interface;
    std::string text;
    std::string proc_text;
};

std::string as_proc_text(const void* bytes, std::size_t size) {
    std::string text;
    for (std::size_t offset = 0; offset < size; offset += 4) {
        std::uint32_t word;
        std::memcpy(&word, static_cast<const char*>(bytes) + offset, sizeof word);
        text += fmt::format("{:08X}", word);
    }
    return text;
}

std::optional<Address> to_address(const ifaddrs& entry) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (entry.ifa_addr->sa_family == AF_INET) {
        const auto& address = reinterpret_cast<const sockaddr_in*>(entry.ifa_addr)->sin_addr;
        inet_ntop(AF_INET, &address, text.data(), text.size());
        return Address{entry.ifa_name, text.data(), as_proc_text(&address, sizeof address)};
    }
    if (entry.ifa_addr->sa_family == AF_INET6) {
        const auto& address = reinterpret_cast<const sockaddr_in6*>(entry.ifa_addr)->sin6_addr;
        if (IN6_IS_ADDR_LINKLOCAL(&address))
            return std::nullopt;
        inet_ntop(AF_INET6, &address, text.data(), text.size());
        return Address{entry.ifa_name, text.data(), as_proc_text(&address, sizeof address)};
    }
    return std::nullopt;
}

std::vector<Address> addresses_on(const std::set<std::string>& interfaces) {
    ifaddrs* list = nullptr;
    if (getifaddrs(&list) != 0)
        throw process::StartupError(fmt::format(
            "getifaddrs: {}: cannot tell which interfaces carry addresses", std::strerror(errno)));
    const std::unique_ptr<ifaddrs, decltype(&freeifaddrs)> owner(list, freeifaddrs);
    std::vector<Address> found;
    for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
        if (entry->ifa_addr == nullptr || !interfaces.contains(entry->ifa_name))
            continue;
        if (auto address = to_address(*entry))
            found.push_back(std::move(*address));
    }
    return found;
}

/// Rows of a table in /proc as words; none when the file is not there (no IPv6, say).
std::vector<std::vector<std::string>> read_rows(const char* path) {
    std::vector<std::vector<std::string>> rows;
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);) {
        std::istringstream words(line);
        rows.emplace_back(std::istream_iterator<std::string>(words), std::istream_iterator<std::string>());
    }
    return rows;
}

bool carries_default_route(const std::set<std::string>& interfaces) {
    // /proc/net/route: interface destination gateway flags refcnt use metric mask ...
    for (const auto& row : read_rows("/proc/net/route"))
        if (row.size() > 7 && interfaces.contains(row[0]) && row[1] == "00000000" && row[7] == "00000000")
            return true;
    // /proc/net/ipv6_route: destination prefix-length source prefix-length next-hop metric refcnt use flags
    // interface
    for (const auto& row : read_rows("/proc/net/ipv6_route"))
        if (row.size() > 9 && interfaces.contains(row[9]) && row[1] == "00" &&
            row[0].find_first_not_of('0') == std::string::npos)
            return true;
    return false;
}

/// The local end of an IPv4 connection to a dual-stack socket stands in tcp6 as ::ffff:a.b.c.d.
bool same_address(const std::string& local, const std::string& proc_text) {
    return local == proc_text || local == "0000000000000000FFFF0000" + proc_text;
}

bool carries_ssh_session(const std::vector<Address>& addresses) {
    constexpr const char* kEstablished = "01";
    constexpr const char* kSshPort = "0016";
    for (const char* path : {"/proc/net/tcp", "/proc/net/tcp6"}) {
        // sl local-address:port remote-address:port state ...
        for (const auto& row : read_rows(path)) {
            if (row.size() < 4 || row[3] != kEstablished || !row[1].ends_with(std::string(":") + kSshPort))
                continue;
            const std::string local = row[1].substr(0, row[1].find(':'));
            for (const Address& address : addresses)
                if (same_address(local, address.proc_text))
                    return true;
        }
    }
    return false;
}

}  // namespace

std::string reason_to_leave(const KernelInterfaceUse& use) {
    std::vector<std::string> reasons;
    if (use.ssh_session)
        reasons.emplace_back("an established SSH session");
    if (use.default_route)
        reasons.emplace_back("the default route");
    if (!use.addresses.empty())
        reasons.push_back(fmt::format("the address {}", fmt::join(use.addresses, ", ")));
    return fmt::format("{}", fmt::join(reasons, " and "));
}

KernelInterfaceUse read_kernel_interface_use(const std::string& interface) {
    const std::set<std::string> interfaces = with_uppers(interface);
    const std::vector<Address> addresses = addresses_on(interfaces);
    KernelInterfaceUse use;
    for (const Address& address : addresses)
        use.addresses.push_back(fmt::format("{} on {}", address.text, address.interface));
    use.default_route = carries_default_route(interfaces);
    use.ssh_session = carries_ssh_session(addresses);
    return use;
}

}  // namespace l2echo::machine
