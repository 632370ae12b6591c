#include "service/datapath/udp_services.hpp"

namespace l2echo::service {

// Here, because the code that runs per frame frees nothing.
UdpEcho::~UdpEcho() = default;

UdpDiscard::~UdpDiscard() = default;

}  // namespace l2echo::service
