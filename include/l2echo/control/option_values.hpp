// Values that options of several programs take, out of their text. Each throws UsageError, in which it names
// `option`, the text and what would be right.
#pragma once

#include <string>

#include "l2echo/dataplane/answers.hpp"
#include "l2echo/dataplane/mac_pair.hpp"
#include "l2echo/dataplane/match_rules.hpp"
#include "l2echo/dataplane/swap_level.hpp"

namespace l2echo {

/// "1000", "1kpps", "2.5Mpps" (frames), "100Mbps", "10Gbps" (bits at layer 1), "50%" (of link speed), "max".
struct RateRequest {
    double frames_per_second = 0;
    double bits_per_second = 0;
    double percent_of_link = 0;  ///< all three 0: as fast as it goes
};
RateRequest parse_rate(const std::string& text, const char* option);

/// "02:00:5e:00:00:01"
MacAddress parse_mac(const std::string& text, const char* option);

/// One of kSwapLevelNames.
SwapLevel parse_swap_level(const std::string& name, const char* option);

/// "192.0.2.1/24" or "2001:db8::1/64", a host address and the length of its network's prefix, into `rules`.
void parse_interface(const std::string& text, const char* option, AnswerRules& rules);

/// "vlan=100,udp-dst=5000-5010" echoes, "refuse,src-ip=10.0.0.0/8" refuses; the names are those of --help.
MatchRule parse_match_rule(const std::string& text, const char* option);

}  // namespace l2echo
