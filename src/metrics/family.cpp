#include "l2echo/metrics/family.hpp"

#include "metrics/number_text.hpp"

namespace l2echo::metrics {

void add_states(Family& family, const Labels& labels, const std::vector<std::string_view>& states,
                std::string_view current) {
    for (const std::string_view state : states) {
        Labels with_state = labels;
        with_state.emplace_back(family.name, state);
        family.samples.push_back({std::move(with_state), static_cast<std::uint64_t>(state == current)});
    }
}

void add_histogram(Family& family, const Labels& labels, const std::vector<Bucket>& buckets,
                   std::uint64_t count, double sum) {
    const auto add_bucket = [&](std::string bound, std::uint64_t values) {
        Labels with_bound = labels;
        with_bound.emplace_back("le", std::move(bound));
        family.samples.push_back({std::move(with_bound), values, "_bucket"});
    };
    for (const Bucket& bucket : buckets)
        add_bucket(number_text(bucket.upper_bound), bucket.count);
    add_bucket("+Inf", count);
    family.samples.push_back({labels, count, "_count"});
    family.samples.push_back({labels, sum, "_sum"});
}

}  // namespace l2echo::metrics
