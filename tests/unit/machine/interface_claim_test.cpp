#include "l2echo/machine/interface_claim.hpp"

#include <gtest/gtest.h>

#include "l2echo/process/error.hpp"

namespace l2echo::machine {
namespace {

TEST(InterfaceClaim, IsHeldByOneProcessAtATime) {
    {
        const process::FileDescriptor claim = claim_interface("lo");
        EXPECT_THROW(claim_interface("lo"), process::StartupError);
    }
    EXPECT_TRUE(claim_interface("lo").valid());
}

}  // namespace
}  // namespace l2echo::machine
