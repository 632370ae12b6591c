// Match rules and own addresses as options take them. Each function throws UsageError, which names `option`,
// the text and what would be right.
#pragma once

#include <string>

#include "l2echo/echo/answers.hpp"
#include "l2echo/echo/match_rules.hpp"

namespace l2echo::echo {

/// "192.0.2.1/24" or "2001:db8::1/64", a host address and the length of its network's prefix, into `rules`.
void parse_interface(const std::string& text, const char* option, AnswerRules& rules);

/// "vlan=100,udp-dst=5000-5010" echoes, "refuse,src-ip=10.0.0.0/8" refuses; the names are those of --help.
MatchRule parse_match_rule(const std::string& text, const char* option);

}  // namespace l2echo::echo
