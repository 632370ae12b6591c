#include "l2echo/process/log.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "l2echo/process/file_descriptor.hpp"

namespace l2echo::process {
namespace {

constexpr LogStyle kJournal{.format = LogFormat::Text, .priorities = true};
constexpr LogStyle kJson{.format = LogFormat::Json, .priorities = false};
/// 2023-11-14 22:13:20.000042 UTC.
constexpr std::chrono::system_clock::time_point kTime{std::chrono::microseconds(1'700'000'000'000'042)};

nlohmann::json json_of(std::string_view line, Severity severity = Severity::Info) {
    const std::string text = format_log(line, severity, kJson, kTime);
    EXPECT_EQ(std::ranges::count(text, '\n'), 1);
    return nlohmann::json::parse(text);
}

TEST(FormatLog, TextStaysAsItIs) {
    EXPECT_EQ(format_log("EAL: one\nL2ECHO: two\n", Severity::Info, {}, kTime), "EAL: one\nL2ECHO: two\n");
}

TEST(FormatLog, EachLineForTheJournalBeginsWithItsPriority) {
    EXPECT_EQ(format_log("EAL: one\nEAL: two\n", Severity::Notice, kJournal, kTime),
              "<5>EAL: one\n<5>EAL: two\n");
}

TEST(FormatLog, AWarningOrAnErrorHasItsPriorityWhateverItsLevel) {
    EXPECT_EQ(format_log("L2ECHO: warning: slow\n", Severity::Info, kJournal, kTime),
              "<4>L2ECHO: warning: slow\n");
    EXPECT_EQ(format_log("l2_probe: error: lost\n", Severity::Info, kJournal, kTime),
              "<3>l2_probe: error: lost\n");
}

TEST(FormatLog, JsonHasTimeLevelSourceAndMessage) {
    EXPECT_EQ(json_of("L2ECHO: Ready: echoing on 1 port\n"),
              (nlohmann::json{{"time", "2023-11-14T22:13:20.000042Z"},
                              {"level", "info"},
                              {"source", "L2ECHO"},
                              {"message", "Ready: echoing on 1 port"}}));
}

TEST(FormatLog, JsonKeepsALineWithoutSource) {
    const auto entry = json_of("two words: text\n", Severity::Debug);
    EXPECT_EQ(entry["source"], "");
    EXPECT_EQ(entry["message"], "two words: text");
    EXPECT_EQ(entry["level"], "debug");
}

TEST(FormatLog, JsonEscapesWhatIsNotUtf8) {
    EXPECT_EQ(json_of("EAL: \xFF\"\\\x01\n")["message"], "\xEF\xBF\xBD\"\\\x01");
}

TEST(FormatLog, EmptyLinesAreLeftOut) {
    EXPECT_EQ(format_log("\n\nEAL: one\n\n", Severity::Info, kJournal, kTime), "<6>EAL: one\n");
}

TEST(IsJournal, ComparesDeviceAndInode) {
    const FileDescriptor file(open("/dev/null", O_WRONLY | O_CLOEXEC));
    struct stat status {};
    ASSERT_EQ(fstat(file.get(), &status), 0);
    EXPECT_TRUE(is_journal(file.get(), fmt::format("{}:{}", status.st_dev, status.st_ino).c_str()));
    EXPECT_FALSE(is_journal(file.get(), fmt::format("{}:{}", status.st_dev, status.st_ino + 1).c_str()));
    for (const char* const other : {static_cast<const char*>(nullptr), "", "1", "x:y"})
        EXPECT_FALSE(is_journal(file.get(), other));
}

}  // namespace
}  // namespace l2echo::process
