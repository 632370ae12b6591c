#include "l2echo/metrics/exposition.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace l2echo::metrics {
namespace {

Families one(Type type, std::string name = "test") {
    return {{std::move(name), type, "What it is", {{{{"port", "0"}}, std::uint64_t{5}}}}};
}

std::string sample_line(const Labels& labels, const Value& value) {
    const std::string text = render({{"m", Type::Gauge, "h", {{labels, value}}}}, Exposition::PrometheusText);
    return text.substr(text.rfind("\nm") + 2);
}

TEST(Exposition, CounterHasItsSuffixAndOnlyPrometheusTextNamesItInTheHead) {
    EXPECT_EQ(render(one(Type::Counter), Exposition::PrometheusText),
              "# HELP test_total What it is\n# TYPE test_total counter\ntest_total{port=\"0\"} 5\n");
    EXPECT_EQ(render(one(Type::Counter), Exposition::OpenMetrics),
              "# HELP test What it is\n# TYPE test counter\ntest_total{port=\"0\"} 5\n# EOF\n");
}

TEST(Exposition, InfoIsAGaugeInPrometheusText) {
    EXPECT_EQ(render(one(Type::Info), Exposition::PrometheusText),
              "# HELP test_info What it is\n# TYPE test_info gauge\ntest_info{port=\"0\"} 5\n");
    EXPECT_EQ(render(one(Type::Info), Exposition::OpenMetrics),
              "# HELP test What it is\n# TYPE test info\ntest_info{port=\"0\"} 5\n# EOF\n");
}

TEST(Exposition, UnitFollowsFromTheName) {
    const std::string text = render(one(Type::Counter, "test_bytes"), Exposition::OpenMetrics);
    EXPECT_NE(text.find("# UNIT test_bytes bytes\n"), std::string::npos) << text;
    EXPECT_EQ(render(one(Type::Counter, "test_bytes"), Exposition::PrometheusText).find("UNIT"),
              std::string::npos);
}

TEST(Exposition, StateSetHasOneStateThatIsSet) {
    Family family{"state", Type::StateSet, "Why"};
    add_states(family, {{"port", "1"}}, {"armed", "expired"}, "expired");
    EXPECT_EQ(render({family}, Exposition::OpenMetrics),
              "# HELP state Why\n# TYPE state stateset\nstate{port=\"1\",state=\"armed\"} 0\n"
              "state{port=\"1\",state=\"expired\"} 1\n# EOF\n");
    EXPECT_NE(render({family}, Exposition::PrometheusText).find("# TYPE state gauge\n"), std::string::npos);
}

TEST(Exposition, HistogramEndsWithTheInfiniteBucket) {
    Family family{"t_seconds", Type::Histogram, "Time"};
    add_histogram(family, {}, {{0.001, 2}, {1, 3}}, 4, 2.5);
    EXPECT_EQ(render({family}, Exposition::PrometheusText),
              "# HELP t_seconds Time\n# TYPE t_seconds histogram\nt_seconds_bucket{le=\"0.001\"} 2\n"
              "t_seconds_bucket{le=\"1.0\"} 3\nt_seconds_bucket{le=\"+Inf\"} 4\nt_seconds_count 4\n"
              "t_seconds_sum 2.5\n");
}

TEST(Exposition, LabelValuesAreEscaped) {
    EXPECT_EQ(sample_line({{"a", "x\"y\\z\nw"}}, std::uint64_t{1}), "{a=\"x\\\"y\\\\z\\nw\"} 1\n");
}

TEST(Exposition, HelpIsEscapedAsItsFormatRequires) {
    const Families families{{"m", Type::Gauge, "a\nb\\c\"d", {{{}, std::uint64_t{1}}}}};
    EXPECT_NE(render(families, Exposition::PrometheusText).find("# HELP m a\\nb\\\\c\"d\n"),
              std::string::npos);
    EXPECT_NE(render(families, Exposition::OpenMetrics).find("# HELP m a\\nb\\\\c\\\"d\n"),
              std::string::npos);
}

TEST(Exposition, BytesThatAreNotUtf8AreReplaced) {
    const std::string replaced = "\xEF\xBF\xBD";
    const auto label = [](const std::string& text) {
        const std::string line = sample_line({{"a", text}}, std::uint64_t{1});
        return line.substr(4, line.rfind('"') - 4);
    };
    for (const std::string valid : {"a", "\xC3\xA9", "\xE2\x82\xAC", "\xED\x9F\xBF", "\xF0\x9F\x98\x80"})
        EXPECT_EQ(label(valid), valid);
    EXPECT_EQ(label("\xFF"), replaced);
    EXPECT_EQ(label("a\xC3"), "a" + replaced) << "cut short";
    EXPECT_EQ(label("\xC0\xAF"), replaced + replaced) << "overlong";
    EXPECT_EQ(label("\xE0\x80\xAF"), replaced + replaced + replaced) << "overlong";
    EXPECT_EQ(label("\xED\xA0\x80"), replaced + replaced + replaced) << "a surrogate";
    EXPECT_EQ(label("\xF4\x90\x80\x80"), replaced + replaced + replaced + replaced) << "above U+10FFFF";
}

TEST(Exposition, CountsKeepEveryDigit) {
    EXPECT_EQ(sample_line({}, std::numeric_limits<std::uint64_t>::max()), " 18446744073709551615\n");
}

TEST(Exposition, NumbersReadBackAsTheSame) {
    EXPECT_EQ(sample_line({}, 0.1), " 0.1\n");
    EXPECT_EQ(sample_line({}, 1e-05), " 1e-05\n");
    EXPECT_EQ(sample_line({}, 2.0), " 2.0\n");
    EXPECT_EQ(sample_line({}, std::numeric_limits<double>::infinity()), " +Inf\n");
    EXPECT_EQ(sample_line({}, -std::numeric_limits<double>::infinity()), " -Inf\n");
    EXPECT_EQ(sample_line({}, std::numeric_limits<double>::quiet_NaN()), " NaN\n");
}

TEST(Exposition, FamilyWithoutSamplesIsLeftOut) {
    EXPECT_EQ(render({{"m", Type::Gauge, "h"}}, Exposition::OpenMetrics), "# EOF\n");
}

TEST(Negotiate, TakesWhatPrometheusAsksFor) {
    // As Prometheus 2.42 and 3.0 send it.
    EXPECT_EQ(
        negotiate("application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;"
                  "q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"),
        Exposition::OpenMetrics);
    EXPECT_EQ(negotiate("application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
                        "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,*/*;q=0.2"),
              Exposition::OpenMetrics);
}

TEST(Negotiate, AnybodyElseGetsPlainText) {
    for (const char* accept :
         {"", "*/*", "text/plain", "text/html,application/xhtml+xml,*/*;q=0.8", ",;=,;q=,",
          "application/openmetrics-text;version=2.0.0", "application/openmetrics-text;q=0",
          "application/openmetrics-text;q=0.4, text/plain;q=0.5"})
        EXPECT_EQ(negotiate(accept), Exposition::PrometheusText) << accept;
}

TEST(Negotiate, WeightsDecide) {
    EXPECT_EQ(negotiate("text/plain;q=0.5 , application/openmetrics-text; version=1.0.0 ; q=0.9"),
              Exposition::OpenMetrics);
    EXPECT_EQ(negotiate("application/openmetrics-text"), Exposition::OpenMetrics);
}

TEST(ContentType, NamesTheVersion) {
    EXPECT_EQ(content_type(Exposition::PrometheusText), "text/plain; version=0.0.4; charset=utf-8");
    EXPECT_EQ(content_type(Exposition::OpenMetrics),
              "application/openmetrics-text; version=1.0.0; charset=utf-8");
}

}  // namespace
}  // namespace l2echo::metrics
