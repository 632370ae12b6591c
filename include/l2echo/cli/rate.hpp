// Rates as options take them.
#pragma once

#include <string>

namespace l2echo::cli {

/// "1000", "1kpps", "2.5Mpps" (frames), "100Mbps", "10Gbps" (bits at layer 1), "50%" (of link speed), "max".
struct RateRequest {
    double frames_per_second = 0;
    double bits_per_second = 0;
    double percent_of_link = 0;  ///< all three 0: at full speed
};
RateRequest parse_rate(const std::string& text, const char* option);
/// The same, but frames or bits per second only: neither max nor a share of the link.
RateRequest parse_absolute_rate(const std::string& text, const char* option);

/// As parse_rate() takes it.
std::string format_rate(const RateRequest& rate);

}  // namespace l2echo::cli
