#include "l2echo/server/port_rules.hpp"

namespace l2echo::server {

bool has_loop_rule(const dpdk::Port& port) {
    return port.driver() != "net_tap";
}

bool has_loop_check(const dpdk::Port& port) {
    return port.driver() != "net_null";
}

echo::WireRules rules_for(const dpdk::Port& port, const std::vector<wire::MacAddress>& own_macs,
                          const echo::WireRules& wanted) {
    echo::WireRules rules = wanted;
    rules.own_mac = port.mac();
    rules.answers.own_mac = port.mac();
    rules.max_untagged_length = port.plan().mtu + wire::kEthernetHeaderLength;
    if (has_loop_rule(port))
        for (const wire::MacAddress mac : own_macs)
            rules.own_macs.add(mac);
    return rules;
}

}  // namespace l2echo::server
