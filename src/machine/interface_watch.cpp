#include "l2echo/machine/interface_watch.hpp"

#include <linux/rtnetlink.h>
#include <net/if.h>

#include <algorithm>
#include <array>

#include "machine/netlink.hpp"

namespace l2echo::machine {

InterfaceWatch::InterfaceWatch(const std::vector<std::string>& names)
    : netlink_(std::make_unique<Netlink>(RTMGRP_LINK)) {
    for (const std::string& name : names)
        watched_.emplace_back(name, if_nametoindex(name.c_str()));
}

InterfaceWatch::~InterfaceWatch() = default;

int InterfaceWatch::descriptor() const noexcept {
    return netlink_->descriptor();
}

/// The messages serve only as a wake-up: the kernel drops some if many interfaces change at once, so the
/// state is queried.
bool InterfaceWatch::is_one_gone() noexcept {
    netlink_->drain();
    return std::ranges::any_of(watched_, [](const auto& interface) {
        std::array<char, IF_NAMESIZE> name{};
        const auto& [watched, index] = interface;
        return index == 0 || if_indextoname(index, name.data()) == nullptr ||
               (watched != name.data() && if_nametoindex(watched.c_str()) != index);
    });
}

}  // namespace l2echo::machine
