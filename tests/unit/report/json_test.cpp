#include "l2echo/report/json.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "test_snapshots.hpp"

namespace l2echo::report {
namespace {

nlohmann::json json_of(bool final) {
    return nlohmann::json::parse(
        render_json(make_report(snapshot_at_start(), snapshot_after_two_seconds(), final)));
}

TEST(Json, IsOneLineWithSchemaAndType) {
    const std::string text =
        render_json(make_report(snapshot_at_start(), snapshot_after_two_seconds(), false));
    EXPECT_EQ(text.find('\n'), std::string::npos);
    EXPECT_EQ(json_of(false)["schema"], "l2echo.report/1");
    EXPECT_EQ(json_of(false)["type"], "interval");
    EXPECT_EQ(json_of(true)["type"], "final");
}

TEST(Json, CountsAreIntegers) {
    const auto json = json_of(true);
    for (const char* key :
         {"received", "received_bytes", "echoed", "echoed_bytes", "answered", "refused", "dropped",
          "tx_retries", "checks_sent", "missed", "no_mbuf", "rx_errors", "tx_errors"})
        EXPECT_TRUE(json["totals"][key].is_number_unsigned()) << key;
    for (const auto& part : {json["totals"], json["workers"][0], json["ports"][0]}) {
        EXPECT_EQ(part["answered"], 10);
        EXPECT_EQ(part["checks_sent"], 2);
    }
    EXPECT_EQ(json["totals"]["missed"], 7);
}

TEST(Json, BalancesInTotalAndPerWorker) {
    const auto json = json_of(true);
    const auto balance = [](const nlohmann::json& part) {
        return part["received"].get<int>() - part["echoed"].get<int>() - part["answered"].get<int>() -
               part["refused"].get<int>() - part["dropped"].get<int>();
    };
    EXPECT_EQ(balance(json["totals"]), 0);
    ASSERT_EQ(json["workers"].size(), 3u);
    for (const auto& worker : json["workers"])
        EXPECT_EQ(balance(worker), 0);
}

TEST(Json, NamesEveryRefusalReason) {
    const auto json = json_of(true)["totals"]["refused_by"];
    EXPECT_EQ(json.size(), verdict::kReasons);
    EXPECT_EQ(json["runt"], 10);
    EXPECT_EQ(json["group-destination"], 50);
    EXPECT_EQ(json["loop"], 0);
}

TEST(Json, ReportsThePortAndItsQueues) {
    const auto port = json_of(true)["ports"][0];
    EXPECT_EQ(port["name"], "net_test0");
    EXPECT_EQ(port["mac"], "02:00:00:00:00:01");
    EXPECT_EQ(port["link"]["up"], true);
    EXPECT_EQ(port["link"]["speed_mbps"], 10'000);
    EXPECT_EQ(port["queues"][0]["lcore"], 1);
    EXPECT_DOUBLE_EQ(port["queues"][0]["share"], 0.75);
    EXPECT_EQ(json_of(true)["workers"][1]["queue_pairs"][0]["queue"], 1);
}

TEST(Json, ReportsTheArmingOfEachPort) {
    const auto session_of = [](const verdict::ArmingState& state) {
        Snapshot now = snapshot_after_two_seconds();
        now.ports[0].arming = state;
        return nlohmann::json::parse(
            render_json(make_report(snapshot_at_start(), now, false)))["ports"][0]["session"];
    };
    EXPECT_EQ(session_of({}), (nlohmann::json{{"state", "armed"}, {"remaining_seconds", nullptr}}));
    EXPECT_EQ(session_of({verdict::Reason::None, verdict::Facing::Nobody, 1.5}),
              (nlohmann::json{{"state", "armed"}, {"remaining_seconds", 1.5}}));
    EXPECT_EQ(session_of({verdict::Reason::Disarmed, verdict::Facing::Nobody, {}})["state"], "disarmed");
    EXPECT_EQ(session_of({verdict::Reason::Expired, verdict::Facing::Nobody, {}})["state"], "expired");
    EXPECT_EQ(session_of({verdict::Reason::FacingReflector, verdict::Facing::Loop, {}})["state"],
              "facing-reflector");
}

}  // namespace
}  // namespace l2echo::report
