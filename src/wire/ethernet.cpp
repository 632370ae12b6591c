#include "l2echo/wire/ethernet.hpp"

#include <fmt/format.h>

namespace l2echo::wire {

std::string format_mac(MacAddress mac) {
    return fmt::format("{:02x}:{:02x}:{:02x}:{:02x}:{:02x}:{:02x}", mac & 0xFF, mac >> 8 & 0xFF,
                       mac >> 16 & 0xFF, mac >> 24 & 0xFF, mac >> 32 & 0xFF, mac >> 40 & 0xFF);
}

}  // namespace l2echo::wire
