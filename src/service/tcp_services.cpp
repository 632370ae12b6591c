#include "service/datapath/tcp_services.hpp"

namespace l2echo::service {

// Here, because the code that runs per frame frees nothing.
TcpEcho::~TcpEcho() = default;

TcpDiscard::~TcpDiscard() = default;

}  // namespace l2echo::service
