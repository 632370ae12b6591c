#include "dpdk/lcore_option.hpp"

#include <gtest/gtest.h>

#include "l2echo/process/error.hpp"

namespace l2echo::dpdk {
namespace {

TEST(LcoreList, ParsesSyntaxThatEalAccepts) {
    EXPECT_EQ(parse_lcore_list("0"), (machine::CpuSet{0}));
    EXPECT_EQ(parse_lcore_list("0-3"), (machine::CpuSet{0, 1, 2, 3}));
    EXPECT_EQ(parse_lcore_list("3-0"), (machine::CpuSet{0, 1, 2, 3}));
    EXPECT_EQ(parse_lcore_list("1,3-4,9"), (machine::CpuSet{1, 3, 4, 9}));
    EXPECT_EQ(parse_lcore_list("0@0,1@0,2@1"), (machine::CpuSet{0, 1}));
    EXPECT_EQ(parse_lcore_list("(0-2)@(4-5),7"), (machine::CpuSet{4, 5, 7}));
    EXPECT_EQ(parse_lcore_list("(1,2)@6"), (machine::CpuSet{6}));
}

TEST(LcoreList, LeavesOtherSyntaxToEal) {
    for (const char* list : {"", "a", "0-", "-1", "0,", "0@", "(0", "0)", "0x3", "0 1", "99999999999"})
        EXPECT_EQ(parse_lcore_list(list), std::nullopt) << list;
}

TEST(CoreMask, ParsesHexadecimal) {
    EXPECT_EQ(parse_core_mask("0x5"), (machine::CpuSet{0, 2}));
    EXPECT_EQ(parse_core_mask("f"), (machine::CpuSet{0, 1, 2, 3}));
    EXPECT_EQ(parse_core_mask("10000000000"), (machine::CpuSet{40}));
    EXPECT_EQ(parse_core_mask(""), std::nullopt);
    EXPECT_EQ(parse_core_mask("0xg"), std::nullopt);
}

TEST(LcoreOption, IsFoundInEverySpelling) {
    using Arguments = std::vector<std::string>;
    for (const Arguments& arguments :
         {Arguments{"-n", "4", "-l", "0-1"}, Arguments{"-l0-1"}, Arguments{"--lcores", "0-1"},
          Arguments{"--lcores=0-1"}, Arguments{"-c", "3"}, Arguments{"-c3"}}) {
        const auto option = find_lcore_option(arguments);
        ASSERT_TRUE(option) << testing::PrintToString(arguments);
        EXPECT_EQ(option->cpus, (machine::CpuSet{0, 1}));
    }
    EXPECT_FALSE(find_lcore_option({"-n", "4", "--log-level=8", "--legacy-mem"}));
    EXPECT_FALSE(find_lcore_option({"-l"}));
}

TEST(CheckCpus, AcceptsAllowedCpus) {
    EXPECT_NO_THROW(check_cpus({"-l", "0-1"}, {0, 1, 2}));
    EXPECT_NO_THROW(check_cpus({"-n", "4"}, {0}));
}

TEST(CheckCpus, NamesBothSetsAndTheOptionToType) {
    try {
        check_cpus({"-l", "0-3"}, {2, 3, 4});
        FAIL();
    } catch (const process::StartupError& error) {
        const std::string message = error.what();
        EXPECT_NE(message.find("-l 0-3 uses CPUs 0-3"), std::string::npos) << message;
        EXPECT_NE(message.find("may run on CPUs 2-4 only"), std::string::npos) << message;
        EXPECT_NE(message.find("type -l 2-4"), std::string::npos) << message;
    }
}

}  // namespace
}  // namespace l2echo::dpdk
