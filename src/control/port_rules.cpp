#include "l2echo/control/port_rules.hpp"

namespace l2echo {

bool has_loop_rule(const Port& port) {
    return port.driver() != "net_tap";
}

bool has_loop_check(const Port& port) {
    return port.driver() != "net_null";
}

WireRules rules_for(const Port& port, const std::vector<MacAddress>& own_macs, const WireRules& wanted) {
    WireRules rules = wanted;
    rules.own_mac = port.mac();
    rules.answers.own_mac = port.mac();
    rules.max_untagged_length = port.plan().mtu + kEthernetHeaderLength;
    if (has_loop_rule(port))
        for (const MacAddress mac : own_macs)
            rules.own_macs.add(mac);
    return rules;
}

}  // namespace l2echo
