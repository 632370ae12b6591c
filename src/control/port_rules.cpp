#include "l2echo/control/port_rules.hpp"

namespace l2echo {

bool has_loop_rule(const Port& port) {
    return port.driver() != "net_tap";
}

WireRules rules_for(const Port& port, const std::vector<MacAddress>& own_macs, bool raw) {
    WireRules rules;
    rules.raw = raw;
    rules.max_untagged_length = port.plan().mtu + kEthernetHeaderLength;
    if (has_loop_rule(port))
        for (const MacAddress mac : own_macs)
            rules.own_macs.add(mac);
    return rules;
}

}  // namespace l2echo
