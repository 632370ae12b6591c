#include "l2echo/machine/host_limits.hpp"

#include <gtest/gtest.h>

namespace l2echo::machine {
namespace {

TEST(HostLimits, AreReadFromThisHost) {
    const HostLimits host = read_host_limits();
    EXPECT_LE(host.hugepages_free, host.hugepages_reserved);
}

}  // namespace
}  // namespace l2echo::machine
