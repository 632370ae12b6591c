#include "l2echo/verdict/counts.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <set>
#include <string>

namespace l2echo::verdict {
namespace {

FrameCounts balanced_counts() {
    FrameCounts counts;
    counts[Count::Received] = 15;
    counts[Count::Echoed] = 6;
    counts[Count::Answered] = 5;
    counts[Count::Dropped] = 1;
    counts[Reason::Runt] = 1;
    counts[Reason::OverRate] = 2;
    return counts;
}

TEST(FrameCounts, RefusedIsTheSumOverAllReasons) {
    EXPECT_EQ(balanced_counts().refused(), 3u);
    EXPECT_EQ(FrameCounts{}.refused(), 0u);
}

TEST(FrameCounts, BalanceIfEveryFrameIsCountedOnce) {
    FrameCounts counts = balanced_counts();
    EXPECT_TRUE(counts.balanced());
    ++counts[Reason::Loop];
    EXPECT_FALSE(counts.balanced());
}

TEST(FrameCounts, SumEveryCounter) {
    FrameCounts counts;
    std::uint64_t value = 1;
    for (const CountRow& row : kCountTable)
        counts[row.count] = value++;
    for (const ReasonRow& row : kReasonTable)
        counts[row.reason] = value++;
    const FrameCounts once = counts;
    counts += once;
    for (const CountRow& row : kCountTable)
        EXPECT_EQ(counts[row.count], 2 * once[row.count]) << row.key;
    for (const ReasonRow& row : kReasonTable)
        EXPECT_EQ(counts[row.reason], 2 * once[row.reason]) << row.name;
}

TEST(Tables, NamesAreNonEmptyAndUnique) {
    std::set<std::string_view> names;
    for (const CountRow& row : kCountTable)
        names.insert(row.key);
    for (const PortCountRow& row : kPortCountTable)
        names.insert(row.key);
    for (const ReasonRow& row : kReasonTable)
        names.insert(row.name);
    EXPECT_EQ(names.size(), kCountTable.size() + kPortCountTable.size() + kReasonTable.size());
    EXPECT_FALSE(names.contains(""));
}

TEST(FrameCounts, DocumentHasTheMeaningOfEach) {
    std::ifstream file(L2ECHO_SOURCE_ROOT "/docs/report.md");
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    const auto row_of_table = [](std::string_view key, std::string_view meaning) {
        return "| `" + std::string(key) + "` | " + std::string(meaning) + " |\n";
    };
    for (const CountRow& row : kCountTable)
        EXPECT_NE(text.find(row_of_table(row.key, row.meaning)), std::string::npos) << row.key;
    for (const PortCountRow& row : kPortCountTable)
        EXPECT_NE(text.find(row_of_table(row.key, row.meaning)), std::string::npos) << row.key;
}

}  // namespace
}  // namespace l2echo::verdict
