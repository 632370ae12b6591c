#include "server/echo_commands.hpp"

#include <gtest/gtest.h>

#include <array>
#include <nlohmann/json.hpp>

namespace l2echo {
namespace {

using nlohmann::json;

class EchoCommands : public testing::Test {
  protected:
    json run(std::string_view line) {
        const std::string answer = commands_.run(line);
        EXPECT_EQ(answer.find('\n'), std::string::npos);
        return json::parse(answer);
    }
    std::string error_of(std::string_view line) {
        const json answer = run(line);
        EXPECT_EQ(answer["ok"], false) << line;
        return answer.value("error", "no error");
    }

    std::array<echo::Gate, 2> gates_;
    echo::Arming arming_{{&gates_[0], &gates_[1]}, true, std::chrono::seconds(100)};
    engine::TraceBudget budget_;
    operations::CommandTable commands_{server::echo_commands({{0, "net_a"}, {3, "net_b"}}, arming_, budget_)};
};

TEST_F(EchoCommands, StatusReportsEachPort) {
    EXPECT_EQ(
        run("status"),
        (json{{"ok", true},
              {"ports",
               {{{"port", 0}, {"name", "net_a"}, {"state", "disarmed"}, {"remaining_seconds", nullptr}},
                {{"port", 3}, {"name", "net_b"}, {"state", "disarmed"}, {"remaining_seconds", nullptr}}}}}));
    arming_.arm(std::nullopt);
    gates_[1].face(verdict::Facing::Reflector);
    const json answer = run("status");
    EXPECT_EQ(answer["ports"][0]["state"], "armed");
    EXPECT_EQ(answer["ports"][1]["state"], "facing-reflector");
}

TEST_F(EchoCommands, ArmUsesTheStartUpTimeOrItsArgument) {
    const json answer = run("arm");
    EXPECT_EQ(answer["ok"], true);
    EXPECT_EQ(answer["ports"][1]["state"], "armed");
    EXPECT_NEAR(answer["ports"][1]["remaining_seconds"].get<double>(), 95, 5.001);
    EXPECT_NEAR(run("arm 20min")["ports"][0]["remaining_seconds"].get<double>(), 1195, 5.001);
    EXPECT_EQ(run("disarm")["ports"][0]["state"], "disarmed");
}

TEST_F(EchoCommands, TraceSetsTheBudget) {
    EXPECT_EQ(run("trace 2"), (json{{"ok", true}}));
    EXPECT_TRUE(budget_.take());
    EXPECT_TRUE(budget_.take());
    EXPECT_FALSE(budget_.take());
    run("trace 5");
    run("trace 0");
    EXPECT_FALSE(budget_.wanted());
}

TEST_F(EchoCommands, IgnoreSpacesAndCarriageReturns) {
    EXPECT_EQ(run("  status \t\r")["ok"], true);
    EXPECT_EQ(run("\tarm   5s ")["ok"], true);
}

TEST_F(EchoCommands, HelpListsAllCommands) {
    EXPECT_EQ(run("help")["commands"], (json{"status", "arm [TIME]", "disarm", "trace N", "help"}));
    EXPECT_EQ(run("help")["help"]["disarm"], "Refuses every frame from now on");
}

TEST_F(EchoCommands, InvalidCommandsAreExplainedAndChangeNothing) {
    EXPECT_EQ(error_of(""), "empty command; help lists them");
    EXPECT_EQ(error_of("  "), "empty command; help lists them");
    EXPECT_EQ(error_of("reboot"), "unknown command; help lists them");
    EXPECT_EQ(error_of("ARM"), "unknown command; help lists them");
    EXPECT_EQ(error_of("disarm now"), "disarm has too many arguments; help lists the commands");
    EXPECT_EQ(error_of("arm 5 s"), "arm has too many arguments; help lists the commands");
    EXPECT_EQ(error_of("arm 0"), "arm: 0 would end the session before it began; disarm ends it");
    for (const std::string time : {"soon", "-1", "5parsecs", "1e20"})
        EXPECT_EQ(error_of("arm " + time), "arm: '" + time + "' is not a time like 3, 3s, 500ms or 2min");
    for (const char* line : {"trace", "trace all", "trace -1", "trace 5x", "trace 99999999999999999999"})
        EXPECT_EQ(error_of(line), "trace takes the number of frames, 0 to stop, 1000000000 at most");
    EXPECT_EQ(name_of(arming_.state(0)), "disarmed");
    EXPECT_FALSE(budget_.wanted());
}

TEST_F(EchoCommands, NonTextBytesGetATextAnswer) {
    error_of("\xFF\xFE");
    EXPECT_NE(error_of("arm \xFF").find("is not a time"), std::string::npos);
    error_of(std::string_view("status\0x", 8));
    error_of(std::string(100'000, 'a'));
}

}  // namespace
}  // namespace l2echo
