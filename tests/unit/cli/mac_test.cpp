#include "l2echo/cli/mac.hpp"

#include <gtest/gtest.h>

#include "usage_error.hpp"

namespace l2echo::cli {
namespace {

TEST(Mac, IsSixPairsOfHexDigits) {
    EXPECT_EQ(parse_mac("02:00:5e:00:00:01", "--mac"), 0x0100'005E'0002u);
    EXPECT_EQ(parse_mac("FF:fF:Ff:00:0a:A0", "--mac"), 0xA00A'00FF'FFFFu);
}

TEST(Mac, InvalidTextIsAUsageErrorThatQuotesIt) {
    for (const std::string text :
         {"", "02:00:5e:00:00", "02:00:5e:00:00:01:02", "02-00-5e-00-00-01", "02:00:5e:00:00:0g",
          "2:0:5e:0:0:1", " 2:00:5e:00:00:01", "-2:00:5e:00:00:01", "02:00:5e:00:00:1 ", "02:00:5e:00:00:01 ",
          "0200.5e00.0001", "0x:00:5e:00:00:01"})
        EXPECT_EQ(usage_error_of([&] { parse_mac(text, "--only-from"); }),
                  "--only-from: '" + text + "' is not a MAC address like 02:00:5e:00:00:01");
}

}  // namespace
}  // namespace l2echo::cli
