#include "l2echo/report/table.hpp"

#include <gtest/gtest.h>

#include "test_snapshots.hpp"

namespace l2echo::report {
namespace {

std::string table_of(bool final) {
    return render_table(make_report(snapshot_at_start(), snapshot_after_two_seconds(), final));
}

TEST(Table, ScalesNumbersToThreeDigits) {
    EXPECT_EQ(format_scaled(0), "0");
    EXPECT_EQ(format_scaled(999), "999");
    EXPECT_EQ(format_scaled(999.6), "1.00 k");
    EXPECT_EQ(format_scaled(1488), "1.49 k");
    EXPECT_EQ(format_scaled(9996), "10.0 k");
    EXPECT_EQ(format_scaled(14'880'952), "14.9 M");
    EXPECT_EQ(format_scaled(99'960'000), "100 M");
    EXPECT_EQ(format_scaled(10e9), "10.0 G");
    EXPECT_EQ(format_scaled(5e15), "5000 T");
    EXPECT_EQ(format_scaled(999, "bit/s"), "999 bit/s");
    EXPECT_EQ(format_scaled(1488, "frames/s"), "1.49 kframes/s");
}

TEST(Table, OneLineHasRatesAndLinks) {
    Snapshot now = snapshot_after_two_seconds();
    const auto line = [&] { return describe_in_one_line(make_report(snapshot_at_start(), now, false)); };
    EXPECT_EQ(line(), "received 2.00 kframes/s, echoed 1.95 kframes/s, 1 of 1 link up");
    now.ports.front().removed = true;
    EXPECT_NE(line().find(", 0 of 1 link up"), std::string::npos) << line();
}

TEST(Table, HasARowForEachWorkerAndTheTotal) {
    const std::string text = table_of(false);
    for (const char* row :
         {"lcore 1", "lcore 2", "lcore 3", "total", "port 0 (net_test0): link up 10000 Mbit/s"})
        EXPECT_NE(text.find(row), std::string::npos) << row;
    EXPECT_NE(text.find("queue shares 0:75.0% 1:25.0%"), std::string::npos) << text;
}

TEST(Table, EveryColumnIsUnderItsHeading) {
    const std::string text = table_of(false);
    const auto heading_end = text.find('\n');
    const auto row_end = text.find('\n', heading_end + 1);
    EXPECT_EQ(row_end - heading_end, heading_end + 1);
}

TEST(Table, FinalReportShowsTheBalanceAndTheReasons) {
    const std::string text = table_of(true);
    EXPECT_NE(text.find("received 4000 = echoed 3900 + answered 10 + refused 60 + dropped 30"),
              std::string::npos)
        << text;
    EXPECT_NE(text.find("refused runt"), std::string::npos);
    EXPECT_NE(text.find("refused group-destination"), std::string::npos);
    EXPECT_EQ(text.find("refused loop"), std::string::npos) << "reasons that did not occur are left out";
    EXPECT_NE(text.find("hint: "), std::string::npos);
    EXPECT_EQ(table_of(false).find("refused runt"), std::string::npos);
}

TEST(Table, HighlightsALinkThatIsDown) {
    Snapshot now = snapshot_after_two_seconds();
    now.ports[0].link = {false, 0, false, 3};
    const std::string text = render_table(make_report(snapshot_at_start(), now, false));
    EXPECT_NE(text.find("link DOWN (3 changes)"), std::string::npos) << text;
    now.ports[0].link.changes = 1;
    const std::string once = render_table(make_report(snapshot_at_start(), now, false));
    EXPECT_NE(once.find("link DOWN (1 change)"), std::string::npos) << once;
}

TEST(Table, HighlightsARemovedPort) {
    Snapshot now = snapshot_after_two_seconds();
    now.ports[0].removed = true;
    const std::string text = render_table(make_report(snapshot_at_start(), now, false));
    EXPECT_NE(text.find("port 0 (net_test0): REMOVED; missed 7"), std::string::npos) << text;
}

TEST(Table, ShowsTheArmingUnlessSimplyArmed) {
    const auto row_with = [](const verdict::ArmingState& session) {
        Snapshot now = snapshot_after_two_seconds();
        now.ports[0].arming = session;
        return render_table(make_report(snapshot_at_start(), now, false));
    };
    EXPECT_NE(row_with({}).find("1:25.0%\n"), std::string::npos);
    EXPECT_NE(
        row_with({verdict::Reason::None, verdict::Facing::Nobody, 9.6}).find("1:25.0%; armed, 10 s left\n"),
        std::string::npos);
    EXPECT_NE(row_with({verdict::Reason::Disarmed, verdict::Facing::Nobody, {}}).find("1:25.0%; disarmed\n"),
              std::string::npos);
    EXPECT_NE(row_with({verdict::Reason::Expired, verdict::Facing::Nobody, {}}).find("; expired\n"),
              std::string::npos);
    EXPECT_NE(row_with({verdict::Reason::FacingReflector, verdict::Facing::Reflector, 3.0})
                  .find("; facing-reflector, 3 s left\n"),
              std::string::npos);
}

}  // namespace
}  // namespace l2echo::report
