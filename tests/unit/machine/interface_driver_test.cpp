#include "l2echo/machine/interface_driver.hpp"

#include <gtest/gtest.h>

namespace l2echo::machine {
namespace {

TEST(InterfaceDriver, IsEmptyWhereThereIsNoInterface) {
    EXPECT_EQ(interface_driver("none-such-0"), "");
    EXPECT_EQ(interface_driver("a name that is much longer than any"), "");
    EXPECT_EQ(interface_driver(""), "");
}

}  // namespace
}  // namespace l2echo::machine
