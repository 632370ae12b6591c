#include "dpdk/startup_failures.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <regex>
#include <set>

namespace l2echo::dpdk {
namespace {

/// The row as docs/host-setup.md shows it, without code marks; "..." replaces a name.
std::string row_of(const KnownFailure& known) {
    const std::string row = "| " + std::string(known.cause) + " | " + std::string(known.remedy) + " |";
    return std::regex_replace(row, std::regex("\\{[12]\\}"), "...");
}

std::string documented_rows() {
    std::ifstream page(L2ECHO_SOURCE_ROOT "/docs/host-setup.md");
    std::string text{std::istreambuf_iterator<char>(page), std::istreambuf_iterator<char>()};
    std::erase(text, '`');
    return text;
}

TEST(KnownFailures, AreAllDocumented) {
    const std::string page = documented_rows();
    for (const KnownFailure& known : known_failures())
        EXPECT_NE(page.find(row_of(known)), std::string::npos) << row_of(known);
}

TEST(KnownFailures, DocumentHasNoOthers) {
    std::set<std::string> rows;
    for (const KnownFailure& known : known_failures())
        rows.insert(row_of(known));
    const std::string page = documented_rows();
    const auto begin = page.find("| what it says | what to do |");
    ASSERT_NE(begin, std::string::npos);
    std::istringstream lines(page.substr(begin));
    std::string line;
    std::getline(lines, line);
    std::getline(lines, line);
    for (; std::getline(lines, line) && line.starts_with("|");)
        EXPECT_TRUE(rows.contains(line)) << line;
}

TEST(KnownFailures, AreDistinguishable) {
    for (const KnownFailure& known : known_failures()) {
        EXPECT_FALSE(known.cause.empty());
        EXPECT_FALSE(known.remedy.empty());
        EXPECT_TRUE(!known.said.empty() || known.holds != nullptr) << known.cause;
        EXPECT_NO_THROW(std::regex{std::string(known.said)}) << known.said;
    }
}

TEST(ExplainKnown, NamesReplaceThePlaceholders) {
    EXPECT_EQ(explain_known({.said = "EAL: Cannot resize '/run/{2}/config' for rte_mem_config\n"}),
              "no space is left for /run/{2}/config; make room there, or do without the file: --no-shconf");
}

TEST(ExplainKnown, LongLogIsHarmless) {
    EXPECT_EQ(explain_known({.said = std::string(1'000'000, '\'')}), "");
}

}  // namespace
}  // namespace l2echo::dpdk
