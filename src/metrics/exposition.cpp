#include "l2echo/metrics/exposition.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <iterator>
#include <system_error>

#include "metrics/number_text.hpp"

namespace l2echo::metrics {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

bool is_continuation(std::string_view text, std::size_t at) {
    return at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U;
}

/// Returns the length of the UTF-8 sequence at the beginning of `text`; 0 if there is none (RFC 3629, section
/// 4).
std::size_t sequence_length(std::string_view text) {
    const auto first = static_cast<unsigned char>(text[0]);
    const auto second = static_cast<unsigned char>(text.size() > 1 ? text[1] : 0);
    if (first < 0x80)
        return 1;
    if (first >= 0xC2 && first <= 0xDF)
        return is_continuation(text, 1) ? 2 : 0;
    const bool two = is_continuation(text, 1) && is_continuation(text, 2);
    if (first >= 0xE0 && first <= 0xEF) {
        const bool overlong = first == 0xE0 && second < 0xA0;
        const bool surrogate = first == 0xED && second > 0x9F;
        return two && !overlong && !surrogate ? 3 : 0;
    }
    if (first >= 0xF0 && first <= 0xF4) {
        const bool outside = (first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F);
        return two && is_continuation(text, 3) && !outside ? 4 : 0;
    }
    return 0;
}

/// Appends the text with backslashes and line breaks escaped, and quotes if `quotes` is set.
void append_escaped(std::string& to, std::string_view text, bool quotes) {
    while (!text.empty()) {
        const std::size_t length = sequence_length(text);
        if (length == 0)
            to += kReplacement;
        else if (text[0] == '\n')
            to += "\\n";
        else if (text[0] == '\\' || (quotes && text[0] == '"'))
            (to += '\\') += text[0];
        else
            to += text.substr(0, length);
        text.remove_prefix(length == 0 ? 1 : length);
    }
}

struct TypeRow {
    std::string_view open_metrics;
    std::string_view prometheus;
    std::string_view suffix;  ///< of its samples; a histogram's are in the samples
};

/// Prometheus' text format has neither infos nor state sets.
constexpr std::array kTypes{
    TypeRow{"counter", "counter", "_total"}, TypeRow{"gauge", "gauge", ""},
    TypeRow{"info", "gauge", "_info"},       TypeRow{"stateset", "gauge", ""},
    TypeRow{"histogram", "histogram", ""},
};

const TypeRow& row_of(Type type) {
    return kTypes.at(static_cast<std::size_t>(type));
}

void append_head(std::string& to, const Family& family, Exposition exposition) {
    const bool open_metrics = exposition == Exposition::OpenMetrics;
    const TypeRow& row = row_of(family.type);
    // OpenMetrics names the family here, Prometheus' text format the samples.
    const std::string name = family.name + std::string(open_metrics ? "" : row.suffix);
    fmt::format_to(std::back_inserter(to), "# HELP {} ", name);
    append_escaped(to, family.help, open_metrics);
    fmt::format_to(std::back_inserter(to), "\n# TYPE {} {}\n", name,
                   open_metrics ? row.open_metrics : row.prometheus);
    for (const std::string_view unit : {"bytes", "seconds"})
        if (open_metrics && family.name.ends_with(fmt::format("_{}", unit)))
            fmt::format_to(std::back_inserter(to), "# UNIT {} {}\n", name, unit);
}

void append_sample(std::string& to, const Family& family, const Sample& sample) {
    to += family.name;
    to += row_of(family.type).suffix;
    to += sample.suffix;
    char before = '{';
    for (const auto& [name, value] : sample.labels) {
        (to += before) += name;
        to += "=\"";
        append_escaped(to, value, true);
        to += '"';
        before = ',';
    }
    if (!sample.labels.empty())
        to += '}';
    to += ' ';
    if (const auto* count = std::get_if<std::uint64_t>(&sample.value))
        fmt::format_to(std::back_inserter(to), "{}", *count);
    else
        to += number_text(std::get<double>(sample.value));
    to += '\n';
}

std::string_view trimmed(std::string_view text) {
    const std::size_t first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos)
        return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// Removes and returns the text before the separator, without blanks around it.
std::string_view take_until(std::string_view& text, char separator) {
    const std::size_t end = text.find(separator);
    const std::string_view part = trimmed(text.substr(0, end));
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    return part;
}

/// One media range of an Accept header (RFC 9110, section 12.5.1).
struct MediaRange {
    std::string_view type;
    std::string_view version;
    double weight = 1;
};

MediaRange read_range(std::string_view text) {
    MediaRange range;
    range.type = take_until(text, ';');
    while (!text.empty()) {
        const std::string_view parameter = take_until(text, ';');
        if (parameter.starts_with("version="))
            range.version = parameter.substr(8);
        else if (parameter.starts_with("q=") &&
                 std::from_chars(parameter.begin() + 2, parameter.end(), range.weight).ec != std::errc())
            range.weight = 0;
    }
    return range;
}

}  // namespace

Exposition negotiate(std::string_view accept) {
    double open_metrics = 0;
    double text = 0;
    while (!accept.empty()) {
        const MediaRange range = read_range(take_until(accept, ','));
        if (range.type == "application/openmetrics-text" &&
            (range.version.empty() || range.version == "1.0.0" || range.version == "0.0.1"))
            open_metrics = std::max(open_metrics, range.weight);
        else if (range.type == "text/plain" || range.type == "text/*" || range.type == "*/*")
            text = std::max(text, range.weight);
    }
    // Prometheus' own weights may be equal; then the format with more information wins.
    return open_metrics > 0 && open_metrics >= text ? Exposition::OpenMetrics : Exposition::PrometheusText;
}

std::string_view content_type(Exposition exposition) noexcept {
    return exposition == Exposition::OpenMetrics
               ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
               : "text/plain; version=0.0.4; charset=utf-8";
}

std::string render(const Families& families, Exposition exposition) {
    std::string text;
    for (const Family& family : families) {
        if (family.samples.empty())
            continue;
        append_head(text, family, exposition);
        for (const Sample& sample : family.samples)
            append_sample(text, family, sample);
    }
    if (exposition == Exposition::OpenMetrics)
        text += "# EOF\n";
    return text;
}

}  // namespace l2echo::metrics
