// States of a connection.
#pragma once

#include <cstdint>

namespace l2echo::tcp {

/// RFC 9293 section 3.3.2. LISTEN is a Listener.
enum class State : std::uint8_t {
    Closed,
    SynSent,
    SynReceived,
    Established,
    FinWait1,
    FinWait2,
    CloseWait,
    Closing,
    LastAck,
    TimeWait,
};

}  // namespace l2echo::tcp
