// Match rules and own addresses in options. Each function throws UsageError with `option`, the text and the
// expected syntax.
#pragma once

#include <string>

#include "l2echo/echo/answers.hpp"
#include "l2echo/echo/match_rules.hpp"

namespace l2echo::echo {

/// Parses a host address and the prefix length of its network, such as "192.0.2.1/24" or "2001:db8::1/64",
/// and adds it to `rules`.
void parse_interface(const std::string& text, const char* option, AnswerRules& rules);

/// Parses a rule: "vlan=100,udp-dst=5000-5010" echoes, "refuse,src-ip=10.0.0.0/8" refuses. The keys are those
/// of --help.
MatchRule parse_match_rule(const std::string& text, const char* option);

}  // namespace l2echo::echo
