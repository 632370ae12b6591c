// Human-readable text of a traced frame: port and queue, headers, verdict.
#pragma once

#include <string>

#include "l2echo/verdict/trace_record.hpp"

namespace l2echo::report {

/// Returns text such as "port 0 queue 1, 60 bytes, 02:.. > 02:.., VLAN 5, IPv4 198.18.0.1 > 198.19.0.1, UDP 7
/// > 7: echoed (mac)".
std::string describe_trace(const verdict::TraceRecord& record);

/// Returns the part after the last colon.
std::string describe_verdict(const verdict::TraceRecord& record);

}  // namespace l2echo::report
