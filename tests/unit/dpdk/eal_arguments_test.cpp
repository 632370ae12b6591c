#include "l2echo/dpdk/eal_arguments.hpp"

#include <gtest/gtest.h>

#include "usage_error.hpp"

namespace l2echo::dpdk {
namespace {

using Arguments = std::vector<std::string>;

TEST(EalArguments, HugepageFilesAreUnlinkedUnlessTheUserChose) {
    EXPECT_EQ(with_nameless_hugepages({"-l", "0"}), (Arguments{"--huge-unlink", "-l", "0"}));
    for (const char* const choice : {"--no-huge", "--in-memory", "--in-mem", "--huge-unlink=never",
                                     "--single-file-segments", "--proc-type=primary"})
        EXPECT_EQ(with_nameless_hugepages({choice}), Arguments{choice}) << choice;
}

TEST(EalArguments, AnInstanceHasFilesAndHugepagesOfItsOwn) {
    EXPECT_EQ(for_instance("nic", {"-l", "0"}),
              (Arguments{"--file-prefix", "nic", "--in-memory", "-l", "0"}));
    EXPECT_EQ(with_nameless_hugepages(for_instance("nic", {})), for_instance("nic", {}));
}

TEST(EalArguments, AnInstanceKeepsWhatTheUserChose) {
    EXPECT_EQ(for_instance("nic", {"--file-prefix=mine"}), (Arguments{"--in-memory", "--file-prefix=mine"}));
    EXPECT_EQ(for_instance("nic", {"--file-prefix", "mine", "--no-huge"}),
              (Arguments{"--file-prefix", "mine", "--no-huge"}));
    for (const char* const choice : {"--no-huge", "--huge-dir=/mnt", "--huge-unlink", "--legacy-mem"})
        EXPECT_EQ(for_instance("nic", {choice}), (Arguments{"--file-prefix", "nic", choice})) << choice;
}

TEST(EalArguments, NoInstanceChangesNothing) {
    EXPECT_EQ(for_instance("", {"-l", "0"}), (Arguments{"-l", "0"}));
}

TEST(EalArguments, TheNameOfAnInstanceIsNoPath) {
    for (const char* const name : {"../etc", "a b", ""}) {
        std::string instance;
        cli::OptionTable table("program", "", "");
        add_instance_option(table, instance);
        EXPECT_NE(usage_error_of([&] {
                      (void)table.parse({"program", "--", "--instance", name});
                  }),
                  "")
            << name;
    }
    std::string instance;
    cli::OptionTable table("program", "", "");
    add_instance_option(table, instance);
    (void)table.parse({"program", "--", "--instance", "probe-0000:01:00.0"});
    EXPECT_EQ(instance, "probe-0000:01:00.0");
}

TEST(EalArguments, ForDumpcapHugepagesKeepTheirNames) {
    const Arguments arguments = for_dumpcap({"-l", "0"});
    EXPECT_EQ(arguments, (Arguments{"--huge-unlink=existing", "-l", "0"}));
    EXPECT_EQ(with_nameless_hugepages(arguments), arguments);
    EXPECT_EQ(for_instance("nic", arguments),
              (Arguments{"--file-prefix", "nic", "--huge-unlink=existing", "-l", "0"}));
    EXPECT_EQ(for_dumpcap({"--huge-unlink=never"}), Arguments{"--huge-unlink=never"});
}

TEST(EalArguments, DumpcapNeedsMemoryThatIsShared) {
    for (const char* const alone :
         {"--in-memory", "--no-huge", "--no-shconf", "--huge-unlink", "--huge-unlink=always"})
        EXPECT_TRUE(usage_error_of([&] {
                        (void)for_dumpcap({"-l", "0", alone});
                    }).find(alone) != std::string::npos);
}

}  // namespace
}  // namespace l2echo::dpdk
