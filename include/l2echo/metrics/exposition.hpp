// The text in which monitoring systems read metrics.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "l2echo/metrics/family.hpp"

namespace l2echo::metrics {

enum class Exposition : std::uint8_t {
    PrometheusText,  ///< Prometheus text format 0.0.4
    OpenMetrics,     ///< OpenMetrics text format 1.0
};

/// Returns the format that the value of an HTTP Accept header prefers; Prometheus' text if it is empty.
Exposition negotiate(std::string_view accept);

/// Returns the value of the HTTP Content-Type header.
std::string_view content_type(Exposition exposition) noexcept;

/// Renders all families. Bytes that are not UTF-8 become U+FFFD, because readers reject the whole text
/// otherwise.
std::string render(const Families& families, Exposition exposition);

}  // namespace l2echo::metrics
