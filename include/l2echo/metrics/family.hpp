// Metrics as plain values, in the data model of Prometheus and OpenMetrics 1.0: families of samples with
// labels. What is measured is not known here.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace l2echo::metrics {

enum class Type : std::uint8_t {
    Counter,  ///< never decreases
    Gauge,
    Info,      ///< a text in its labels; the value is 1
    StateSet,  ///< one sample per state, of which one is 1
    Histogram,
};

using Labels = std::vector<std::pair<std::string, std::string>>;

/// Counts remain integers, so that no digit is lost.
using Value = std::variant<std::uint64_t, double>;

struct Sample {
    Labels labels;
    Value value;
    /// Follows the family's name. Only a histogram has several: "_bucket", "_count", "_sum".
    std::string_view suffix = {};
};

/// All samples of one name.
struct Family {
    std::string name;  ///< without the suffix that its type adds, such as "_total"
    Type type = Type::Gauge;
    std::string help;
    std::vector<Sample> samples{};
};

using Families = std::vector<Family>;

/// Adds one sample per state. The label that names the state has the family's name, as OpenMetrics requires.
void add_states(Family& family, const Labels& labels, const std::vector<std::string_view>& states,
                std::string_view current);

/// A bucket counts the values up to and including its bound.
struct Bucket {
    double upper_bound = 0;
    std::uint64_t count = 0;  ///< cumulative: includes the smaller buckets
};

/// Adds the samples of one histogram. `buckets` are in increasing order and without the infinite one.
void add_histogram(Family& family, const Labels& labels, const std::vector<Bucket>& buckets,
                   std::uint64_t count, double sum);

}  // namespace l2echo::metrics
