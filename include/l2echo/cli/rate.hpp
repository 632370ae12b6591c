// Rates in options.
#pragma once

#include <string>

namespace l2echo::cli {

/// A rate: "1000", "1kpps", "2.5Mpps" (frames), "100Mbps", "10Gbps" (bits at layer 1), "50%" (of link speed),
/// "max".
struct RateRequest {
    double frames_per_second = 0;
    double bits_per_second = 0;
    double percent_of_link = 0;  ///< if all three are 0: full speed
};
RateRequest parse_rate(const std::string& text, const char* option);
/// Like parse_rate(), but accepts only frames or bits per second: neither max nor a percentage of the link.
RateRequest parse_absolute_rate(const std::string& text, const char* option);

/// Formats the rate in the syntax of parse_rate().
std::string format_rate(const RateRequest& rate);

}  // namespace l2echo::cli
