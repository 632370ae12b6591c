#include "service/datapath/length.hpp"

namespace l2echo::service {

TcpLength::TcpLength(Framing framing, std::uint32_t max_streams)
    : framing_(framing), requests_(max_streams) {}

TcpLength::~TcpLength() = default;

}  // namespace l2echo::service
