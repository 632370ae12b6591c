// A traced frame for people: where it came in, what it is, what was decided.
#pragma once

#include <string>

#include "l2echo/verdict/trace_record.hpp"

namespace l2echo::report {

/// "port 0 queue 1, 60 bytes, 02:.. > 02:.., VLAN 5, IPv4 198.18.0.1 > 198.19.0.1, UDP 7 > 7: echoed (mac)"
std::string describe_trace(const verdict::TraceRecord& record);

/// The part behind the colon.
std::string describe_verdict(const verdict::TraceRecord& record);

}  // namespace l2echo::report
