#include "l2echo/machine/interface_driver.hpp"

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>

#include "l2echo/process/file_descriptor.hpp"

namespace l2echo::machine {

std::string interface_driver(const std::string& interface) {
    const process::FileDescriptor socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ethtool_drvinfo information{};
    information.cmd = ETHTOOL_GDRVINFO;
    ifreq request{};
    interface.copy(request.ifr_name, std::min<std::size_t>(interface.size(), IFNAMSIZ - 1));
    request.ifr_data = reinterpret_cast<char*>(&information);
    return ioctl(socket.get(), SIOCETHTOOL, &request) == 0 ? information.driver : "";
}

}  // namespace l2echo::machine
