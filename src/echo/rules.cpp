#include "l2echo/echo/rules.hpp"

namespace l2echo::echo {

WireRules::WireRules(const RulesRequest& request, const RulesPort& port)
    : RulesRequest(request),
      own_mac(port.own_mac),
      max_untagged_length(port.mtu + wire::kEthernetHeaderLength),
      rate(port.rate) {
    for (const wire::MacAddress mac : port.own_macs)
        own_macs.add(mac);
}

}  // namespace l2echo::echo
