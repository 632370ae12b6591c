#include "l2echo/cli/option_table.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "l2echo/process/error.hpp"
#include "temporary_file.hpp"
#include "usage_error.hpp"

namespace l2echo::cli {
namespace {

enum class Colour { Red, Green };

struct Point {
    int x = 3;
};

Point parse_point(const std::string& text, const char* option) {
    if (text != "x=5")
        throw process::UsageError(fmt::format("{}: '{}' is no point", option, text));
    return {5};
}

/// A program with one option of every kind.
struct Program {
    bool loud = false;
    bool careful = true;
    std::uint16_t burst = 32;
    std::optional<std::uint16_t> mtu;
    std::uint64_t frames = 0;
    Colour colour = Colour::Green;
    Point point;
    std::string file;
    std::chrono::milliseconds wait{9000};
    std::optional<double> limit;
    std::vector<std::string> ports;
    std::vector<std::string> rules;
    OptionTable table{"program", "Does nothing", "program 1.0"};

    Program() {
        constexpr const char* kGroup = "Things";
        table.add({.name = "--loud", .group = kGroup, .value = flag(loud), .help = "Be loud"});
        table.add({.name = "--careful", .group = kGroup, .value = on_off(careful), .help = "Be careful"});
        table.add({.name = "--burst",
                   .group = kGroup,
                   .value = number(burst, {.min = 1, .max = 512, .unit = "frames"}),
                   .help = "Frames in one call"});
        table.add({.name = "--mtu", .group = kGroup, .value = number(mtu, {.min = 68}), .help = "Longest"});
        table.add({.name = "--frames", .group = kGroup, .value = number(frames), .help = "Most"});
        table.add({.name = "--colour",
                   .group = kGroup,
                   .value = choice(colour, {{"red", Colour::Red}, {"green", Colour::Green}}),
                   .help = "Paint it"});
        table.add({.name = "--point",
                   .group = "Other",
                   .value = converted(point, "POINT", parse_point,
                                      [](const Point& initial) { return fmt::format("x={}", initial.x); }),
                   .help = "Where"});
        table.add({.name = "--file", .group = "Other", .value = text(file, "FILE"), .help = "Write there"});
        table.add({.name = "--wait", .group = "Other", .value = time(wait), .help = "How long"});
        table.add({.name = "--limit", .group = "Other", .value = time(limit), .help = "Upper limit"});
        table.add({.name = "--ports", .group = "Other", .value = list(ports), .help = "Which"});
        table.add({.name = "--rule", .group = "Other", .value = repeated(rules, "RULE"), .help = "Each"});
        table.add_renamed({.old_name = "--color", .name = "--colour"});
        table.add_renamed({.old_name = "--careless", .name = "--careful", .value = "off"});
    }

    std::optional<std::string> parse(std::vector<std::string> ours) {
        ours.insert(ours.begin(), {"program", "--"});
        return table.parse(ours);
    }
};

std::string error_of(const std::vector<std::string>& ours) {
    return usage_error_of([&] { Program().parse(ours); });
}

std::string error_of_file(const std::string& text) {
    const TemporaryFile file(text);
    const std::string error = error_of({"--config", file.path()});
    return error.starts_with(file.path() + ":") ? error.substr(file.path().size() + 1) : error;
}

const OptionRow& row_of(const Program& program, const std::string& name) {
    const auto& rows = program.table.rows();
    return *std::ranges::find(rows, name, &OptionRow::name);
}

TEST(OptionTable, ParsesEveryKindOfValue) {
    Program program;
    EXPECT_FALSE(program.parse({"--loud",   "--careful",  "off",      "--burst", "16",      "--mtu=1500",
                                "--frames", "0x10",       "--colour", "red",     "--point", "x=5",
                                "--file",   "a b",        "--wait",   "1500ms",  "--limit", "20us",
                                "--ports",  "0,net_tap0", "--rule",   "a,b",     "--rule",  "c"}));
    EXPECT_TRUE(program.loud);
    EXPECT_FALSE(program.careful);
    EXPECT_EQ(program.burst, 16);
    EXPECT_EQ(program.mtu, 1500);
    EXPECT_EQ(program.frames, 16u);
    EXPECT_EQ(program.colour, Colour::Red);
    EXPECT_EQ(program.point.x, 5);
    EXPECT_EQ(program.file, "a b");
    EXPECT_EQ(program.wait, std::chrono::milliseconds(1500));
    EXPECT_DOUBLE_EQ(program.limit.value(), 20e-6);
    EXPECT_EQ(program.ports, (std::vector<std::string>{"0", "net_tap0"}));
    EXPECT_EQ(program.rules, (std::vector<std::string>{"a,b", "c"}));
}

TEST(OptionTable, OmittedOptionsKeepTheirInitialValue) {
    Program program;
    EXPECT_FALSE(program.parse({}));
    EXPECT_FALSE(program.loud);
    EXPECT_TRUE(program.careful);
    EXPECT_EQ(program.burst, 32);
    EXPECT_FALSE(program.mtu);
    EXPECT_EQ(program.colour, Colour::Green);
    EXPECT_EQ(program.point.x, 3);
    EXPECT_EQ(program.wait, std::chrono::milliseconds(9000));
    EXPECT_FALSE(program.limit);
    EXPECT_TRUE(program.ports.empty() && program.rules.empty());
}

TEST(OptionTable, RowsDescribeEachOption) {
    const Program program;
    const OptionValue& burst = row_of(program, "--burst").value;
    EXPECT_EQ(burst.type, "N");
    EXPECT_EQ(burst.range, "1..512");
    EXPECT_EQ(burst.unit, "frames");
    EXPECT_EQ(burst.default_text, "32");
    EXPECT_EQ(row_of(program, "--mtu").value.range, "68..65535") << "the variable's type limits the range";
    EXPECT_EQ(row_of(program, "--mtu").value.default_text, "");
    EXPECT_EQ(row_of(program, "--frames").value.range, "");
    EXPECT_EQ(row_of(program, "--careful").value.type, "on|off");
    EXPECT_EQ(row_of(program, "--careful").value.default_text, "on");
    EXPECT_EQ(row_of(program, "--colour").value.default_text, "green");
    EXPECT_EQ(row_of(program, "--point").value.default_text, "x=3");
    EXPECT_EQ(row_of(program, "--wait").value.default_text, "9s");
    EXPECT_EQ(row_of(program, "--rule").value.form, OptionValue::Form::Repeated);
    EXPECT_EQ(row_of(program, "--rule").group, "Other");
    EXPECT_FALSE(row_of(program, "--config").in_file);
}

TEST(OptionTable, HelpShowsEveryRowUnderItsGroup) {
    Program program;
    const std::string help = program.parse({"--help"}).value();
    for (const OptionRow& row : program.table.rows())
        EXPECT_NE(help.find("\n  " + row.name), std::string::npos) << row.name;
    EXPECT_NE(help.find("\nUsage: program [EAL options] -- [options]\n"), std::string::npos) << help;
    EXPECT_NE(help.find("\n\nOther:\n  --point POINT"), std::string::npos) << help;
    EXPECT_NE(help.find("--burst N                 Frames in one call [1..512 frames; default 32]\n"),
              std::string::npos)
        << help;
    EXPECT_NE(help.find("--rule RULE ..."), std::string::npos) << help;
}

TEST(OptionTable, HelpIsShownDespiteInvalidValues) {
    EXPECT_TRUE(Program().parse({"--burst", "many", "--help"}));
}

TEST(OptionTable, NumberOutOfRangeNamesTheRange) {
    for (const std::string wrong : {"0", "513", "-1", "+1", " 1", "1 ", "1.0", "1e1", "0x", "0x201", "many",
                                    "16x", "99999999999999999999", "18446744073709551617"})
        EXPECT_EQ(error_of({"--burst", wrong}), "--burst: '" + wrong + "' is not a number from 1 to 512");
    EXPECT_EQ(error_of({"--mtu", "65536"}), "--mtu: '65536' is not a number from 68 to 65535");
    EXPECT_EQ(error_of({"--frames", "all"}), "--frames: 'all' is not a number");
    EXPECT_EQ(error_of({"--frames=-1"}), "--frames: '-1' is not a number");
    EXPECT_EQ(error_of_file("burst = 0\n"), "1:9: burst: '0' is not a number from 1 to 512");
    EXPECT_EQ(error_of_file("\nburst = -1\n"), "2:9: burst: '-1' is not a number from 1 to 512");
}

TEST(OptionTable, InvalidChoiceNamesTheChoices) {
    EXPECT_EQ(error_of({"--colour", "blue"}), "--colour: 'blue' is none of red, green");
    EXPECT_EQ(error_of({"--careful", "maybe"}), "--careful: 'maybe' is none of on, off");
}

TEST(OptionTable, ConverterErrorsNameTheOption) {
    EXPECT_EQ(error_of({"--point", "y"}), "--point: 'y' is no point");
    EXPECT_EQ(error_of({"--wait", "soon"}), "--wait: 'soon' is not a time like 3, 3s, 500ms or 2min");
    EXPECT_EQ(error_of({"--limit", "-1"}), "--limit: '-1' is not a time like 3, 3s, 500ms or 2min");
}

TEST(OptionTable, OnlyRepeatableOptionsMayBeGivenTwice) {
    Program program;
    EXPECT_FALSE(program.parse({"--rule", "a", "--loud", "--rule", "b"}));
    EXPECT_EQ(program.rules, (std::vector<std::string>{"a", "b"}));
    EXPECT_EQ(error_of({"--burst", "1", "--burst", "2"}), "--burst: 2 values where it takes one");
    EXPECT_EQ(error_of_file("burst = [1, 2]\n"), "1:9: burst takes a string or a number");
    EXPECT_NE(error_of({"--rule", "a", "b"}).find("b"), std::string::npos);
}

TEST(OptionTable, RenamedOptionSaysItsNewName) {
    EXPECT_EQ(error_of({"--color", "red"}), "--color is now --colour");
    EXPECT_EQ(error_of({"--color=red"}), "--color is now --colour");
    EXPECT_EQ(error_of({"--careless"}), "--careless is now --careful off");
    EXPECT_EQ(error_of_file("color = \"red\"\n"), "1:1: color is now colour");
    EXPECT_EQ(error_of_file("loud = true\ncareless = true\n"), "2:1: careless is now careful = \"off\"");
}

TEST(OptionTable, RenamedOptionAmongEalArgumentsSaysItsNewName) {
    Program program;
    EXPECT_THROW(program.table.parse({"program", "--color", "red"}), process::UsageError);
}

TEST(OptionTable, UnknownKeyIsNamed) {
    EXPECT_EQ(error_of_file("burts = 1\n"),
              "1:1: unknown key burts; the keys are the option names without --");
    EXPECT_EQ(error_of_file("[things]\nburst = 1\n"),
              "1:2: unknown key things; the keys are the option names without --");
    EXPECT_EQ(error_of_file("config = \"more.toml\"\n"),
              "1:1: unknown key config; the keys are the option names without --");
}

TEST(OptionTable, PrintConfigHasEveryOptionOfAFile) {
    Program program;
    const std::string config = program.parse({"--print-config"}).value();
    for (const OptionRow& row : program.table.rows()) {
        const std::string key = row.name.substr(2) + " = ";
        const bool there =
            config.find("\n" + key) != std::string::npos || config.find("\n# " + key) != std::string::npos;
        EXPECT_EQ(there, row.in_file) << row.name << "\n" << config;
    }
    EXPECT_NE(config.find("\n# Frames in one call [1..512 frames; default 32]\nburst = 32\n"),
              std::string::npos)
        << config;
    EXPECT_NE(config.find("\nloud = false\n"), std::string::npos) << config;
    EXPECT_NE(config.find("\nwait = \"9s\"\n"), std::string::npos) << config;
    EXPECT_NE(config.find("\n# mtu = N\n"), std::string::npos) << config;
}

TEST(OptionTable, PrintedArraysHoldOnlyStrings) {
    const std::string printed =
        Program()
            .table.parse({"program", "-m", "256", "-n", "4", "--", "--print-config", "--point", "x=5"})
            .value();
    EXPECT_NE(printed.find("\neal = [\"-m\", \"256\", \"-n\", \"4\"]\n"), std::string::npos) << printed;
    const TemporaryFile file(printed);
    Program again;
    again.parse({"--config", file.path()});
    EXPECT_EQ(again.table.eal_arguments(), (std::vector<std::string>{"-m", "256", "-n", "4"}));
}

TEST(OptionTable, PrintedConfigParsesToTheSameValues) {
    const std::string printed =
        Program()
            .parse({"--print-config", "--loud", "--burst", "8", "--mtu", "0x100", "--point", "x=5", "--rule",
                    "a,b", "--rule", "c", "--ports", "0,1", "--wait", "500ms", "--careful", "off"})
            .value();
    const TemporaryFile file(printed);
    Program again;
    EXPECT_EQ(again.parse({"--config", file.path(), "--print-config"}), printed);
    EXPECT_TRUE(again.loud);
    EXPECT_FALSE(again.careful);
    EXPECT_EQ(again.burst, 8);
    EXPECT_EQ(again.mtu, 256);
    EXPECT_EQ(again.point.x, 5);
    EXPECT_EQ(again.rules, (std::vector<std::string>{"a,b", "c"}));
    EXPECT_EQ(again.ports, (std::vector<std::string>{"0", "1"}));
    EXPECT_EQ(again.wait, std::chrono::milliseconds(500));
}

TEST(OptionTable, DecimalNumberMayBeginWithZeros) {
    Program program;
    EXPECT_FALSE(program.parse({"--burst", "010", "--frames", "0099"}));
    EXPECT_EQ(program.burst, 10);
    EXPECT_EQ(program.frames, 99u);
}

TEST(OptionTable, EmptyValueDoesNotConsumeTheNextArgument) {
    EXPECT_EQ(error_of({"--file=", "--loud"}), "--file: the value is empty");
    for (const std::string option :
         {"--burst", "--colour", "--point", "--file", "--wait", "--ports", "--rule", "--config"}) {
        EXPECT_EQ(error_of({option, ""}), option + ": the value is empty");
        EXPECT_EQ(error_of({option + "="}), option + ": the value is empty");
    }
    for (const char* list : {"0,", ",0", "0,,1", ","})
        EXPECT_EQ(error_of({"--ports", list}), "--ports: the value is empty") << list;
    EXPECT_EQ(error_of_file("file = \"\"\n"), "1:8: file: the value is empty");
    EXPECT_EQ(error_of_file("ports = \"0,\"\n"), "1:9: ports: the value is empty");
    EXPECT_EQ(error_of_file("rule = [\"a\", \"\"]\n"), "1:8: rule: the value is empty");
}

TEST(OptionTable, EmptyEalArgumentIsNamed) {
    const auto error = [](std::vector<std::string> eal) {
        eal.insert(eal.begin(), "program");
        return usage_error_of([&] { Program().table.parse(eal); });
    };
    EXPECT_EQ(error({"-l", ""}), "EAL argument 2 is empty, after -l");
    EXPECT_EQ(error({"", "-n", "4"}), "EAL argument 1 is empty");
    EXPECT_EQ(error({"--lcores="}), "EAL argument --lcores: the value is empty");
    EXPECT_FALSE(Program().table.parse({"program", "--vdev=net_tap0,iface="}))
        << "an empty device argument is left to its driver";
}

TEST(OptionTable, FileIsParsedAsToml) {
    const TemporaryFile file(
        "\xEF\xBB\xBF# with a byte order mark\r\n"
        "eal = [\n  \"--no-huge\",  # memory\n  '-m', 256,\n]\r\n"
        "file = 'C:\\new'\n"
        "rule = [\"\"\"\na,b\"\"\", '''c\nd''', \"\\u00e9\\t\"]\n"
        "\"burst\" = 1_6\nmtu = 0x100\nloud = true\nwait = 1.5\nports = 0\n");
    Program program;
    EXPECT_FALSE(program.parse({"--config", file.path()}));
    EXPECT_EQ(program.table.eal_arguments(), (std::vector<std::string>{"--no-huge", "-m", "256"}));
    EXPECT_EQ(program.file, "C:\\new");
    EXPECT_EQ(program.rules, (std::vector<std::string>{"a,b", "c\nd", "\u00e9\t"}));
    EXPECT_EQ(program.burst, 16);
    EXPECT_EQ(program.mtu, 256);
    EXPECT_TRUE(program.loud);
    EXPECT_EQ(program.wait, std::chrono::milliseconds(1500));
    EXPECT_EQ(program.ports, (std::vector<std::string>{"0"}));
}

TEST(OptionTable, InvalidTomlIsReportedWithItsPosition) {
    // The column where toml++ gives up depends on its version.
    const auto is_refused_at = [](const std::string& line, const std::string& text) {
        EXPECT_TRUE(error_of_file(text).starts_with(line + ":")) << text << error_of_file(text);
    };
    is_refused_at("2", "eal = [\"--no-huge\", \"-m\", \"256\"\nloud = true\n");
    is_refused_at("1", "file = \"a\n");
    is_refused_at("2", "burst = 1\nburst = 2\n");
    is_refused_at("1", "burst = 08\n");
    is_refused_at("1", "burst 1\n");
    is_refused_at("1", "file = \"\xFF\"\n");
    is_refused_at("1", "wait = 99999999999999999999\n");
    EXPECT_EQ(error_of_file("loud = 1\n"), "1:8: loud is true or false");
    EXPECT_EQ(error_of_file("loud = \"true\"\n"), "1:8: loud is true or false");
    EXPECT_EQ(error_of_file("burst = true\n"), "1:9: burst takes a string or a number");
    EXPECT_EQ(error_of_file("file = \"a\\u0000b\"\n"), "1:8: a value holds no NUL character (\\u0000)");
    EXPECT_EQ(error_of_file("rule = ['a', \"\\u0000\"]\n"), "1:14: a value holds no NUL character (\\u0000)");
    EXPECT_EQ(error_of_file("file = 1979-05-27\n"), "1:8: file takes a string or a number");
    EXPECT_EQ(error_of_file("rule = [\"a\", [\"b\"]]\n"), "1:14: rule takes an array of strings and numbers");
    EXPECT_EQ(error_of_file("rule = { a = 1 }\n"),
              "1:8: rule takes a string or a number, or an array of them");
}

TEST(OptionTable, UnreadableFileIsReportedWithTheReason) {
    EXPECT_EQ(error_of({"--config", "/nowhere/at.toml"}),
              "--config /nowhere/at.toml: No such file or directory");
    EXPECT_EQ(error_of({"--config", "/"}), "--config /: Is a directory");
}

/// UTF-8 of arbitrary code points, many of which are special in TOML or may confuse a parser.
std::string random_text(std::mt19937& random) {
    static const std::vector<std::string> kPieces{"\"",         "'",
                                                  "\\",         "\n",
                                                  "\r\n",       "\t",
                                                  "\x01",       "\x1F",
                                                  "\x7F",       "#",
                                                  "=",          "[",
                                                  "]",          "{",
                                                  "}",          ".",
                                                  "-",          "--",
                                                  "0",          "08",
                                                  "1e3",        "0x10",
                                                  "_",          " ",
                                                  "\"\"\"",     "'''",
                                                  "true",       "inf",
                                                  "nan",        "\\u0041",
                                                  "a",          "%",
                                                  "\u00e9",     "\u2028",
                                                  "\uFEFF",     "\U0001F600",
                                                  "\U0010FFFF", "99999999999999999999",
                                                  "$"};
    std::string text;
    while (text.empty() || random() % 4 != 0)
        text += kPieces[random() % kPieces.size()];
    return text;
}

TEST(OptionTable, PrintedTextParsesToTheSameText) {
    std::mt19937 random(13);
    for (int i = 0; i < 3000; ++i) {
        const std::string text = random_text(random);
        const std::vector<std::string> rules{random_text(random), random_text(random)};
        const std::string printed = Program()
                                        .parse({"--point=x=5", "--file=" + text, "--rule=" + rules[0],
                                                "--rule=" + rules[1], "--ports=" + text, "--print-config"})
                                        .value();
        const TemporaryFile file(printed);
        Program again;
        ASSERT_FALSE(again.parse({"--config", file.path()})) << printed;
        ASSERT_EQ(again.file, text);
        ASSERT_EQ(again.rules, rules);
        ASSERT_EQ(again.ports, std::vector<std::string>{text});
    }
}

TEST(OptionTable, InvalidUtf8IsNotPrinted) {
    for (const std::string wrong :
         {"\xFF", "a\x80", "\xC0\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xE2\x82"})
        EXPECT_EQ(error_of({"--print-config", "--file=" + wrong}),
                  "--print-config: the value of --file is not UTF-8, and a TOML file holds nothing else");
}

TEST(OptionTable, CommandLineOverridesTheFile) {
    const TemporaryFile file("burst = 8\nloud = true\n");
    Program program;
    EXPECT_FALSE(program.parse({"--config", file.path(), "--burst", "16"}));
    EXPECT_EQ(program.burst, 16);
    EXPECT_TRUE(program.loud);
}

}  // namespace
}  // namespace l2echo::cli
