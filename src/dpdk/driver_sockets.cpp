#include "dpdk/driver_sockets.hpp"

#include <fmt/format.h>
#include <rte_kvargs.h>
#include <sys/socket.h>

#include <algorithm>
#include <memory>
#include <string_view>

#include "dpdk/startup_advice.hpp"
#include "l2echo/process/listening_socket.hpp"

namespace l2echo::dpdk {
namespace {

/// Arguments of a device, parsed in the same way as by the drivers. EAL reports those that do not parse.
class DeviceArguments {
  public:
    explicit DeviceArguments(const std::string& text)
        : parsed_(rte_kvargs_parse(text.c_str(), nullptr), &rte_kvargs_free) {}

    std::string get(const char* key, const char* absent) const {
        const char* const value = parsed_ ? rte_kvargs_get(parsed_.get(), key) : nullptr;
        return value != nullptr ? value : absent;
    }

  private:
    std::unique_ptr<rte_kvargs, decltype(&rte_kvargs_free)> parsed_;
};

bool contains(const std::string& text, std::string_view word) {
    return text.find(word) != std::string::npos;
}

/// Returns the socket of a device; its path is empty if the device creates no file. Defaults and spellings
/// are those of the drivers (l2echo/dpdk/version.hpp: of which versions).
DriverSocket socket_of(const std::string& device, const DeviceArguments& given) {
    const auto is = [&device](std::string_view driver) { return device.starts_with(driver); };
    std::string path;
    if (is("net_memif")) {
        const std::string role = given.get("role", "client");
        const bool listens = contains(role, "server") || contains(role, "master");
        if (listens && !contains(given.get("socket-abstract", "yes"), "yes"))
            path = given.get("socket", "/run/memif.sock");
        return {device, path, SOCK_SEQPACKET};
    }
    if ((is("net_vhost") || is("eth_vhost")) && given.get("client", "0") == "0")
        path = given.get("iface", "");
    if ((is("net_virtio_user") || is("virtio_user")) && given.get("server", "0") != "0")
        path = given.get("path", "");
    return {device, path, SOCK_STREAM};
}

}  // namespace

std::vector<DriverSocket> driver_sockets(const std::vector<std::string>& eal_arguments) {
    std::vector<DriverSocket> sockets;
    for (const std::string& text : vdev_arguments(eal_arguments)) {
        const std::size_t comma = std::min(text.find(','), text.size() - 1);
        DriverSocket socket =
            socket_of(text.substr(0, text.find(',')), DeviceArguments(text.substr(comma + 1)));
        if (!socket.path.empty())
            sockets.push_back(std::move(socket));
    }
    return sockets;
}

void remove_dead_driver_sockets(const std::vector<std::string>& eal_arguments) {
    for (const DriverSocket& socket : driver_sockets(eal_arguments))
        process::remove_dead_socket(fmt::format("--vdev {}: its socket", socket.device), socket.path,
                                    socket.type);
}

}  // namespace l2echo::dpdk
