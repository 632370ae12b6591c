#include "l2echo/server/port_rules.hpp"

namespace l2echo::server {

bool has_loop_rule(const dpdk::Port& port) {
    return port.driver() != "net_tap";
}

bool has_loop_check(const dpdk::Port& port) {
    return port.driver() != "net_null";
}

echo::RulesPort describe_for_rules(const dpdk::Port& port, const std::vector<wire::MacAddress>& own_macs) {
    return {port.mac(), port.plan().mtu, has_loop_rule(port) ? own_macs : std::vector<wire::MacAddress>{}};
}

}  // namespace l2echo::server
