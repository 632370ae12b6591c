#include "l2echo/echo/echo_port.hpp"

#include <gtest/gtest.h>

namespace l2echo::echo {
namespace {

TEST(EchoPort, FillsExactlyOneCacheLine) {
    EXPECT_EQ(sizeof(EchoPort), static_cast<std::size_t>(RTE_CACHE_LINE_SIZE));
    EXPECT_EQ(alignof(EchoPort), static_cast<std::size_t>(RTE_CACHE_LINE_SIZE));
}

TEST(EchoPort, KeepsTheRulesItWasConstructedWith) {
    auto rules = std::make_unique<const WireRules>(RulesRequest{}, RulesPort{.own_mac = 7, .own_macs = {}});
    const WireRules* made = rules.get();
    const EchoPort port(std::move(rules));
    EXPECT_EQ(&port.rules(), made);
    EXPECT_EQ(port.rules().own_mac, 7u);
}

TEST(EchoPort, ReplacedRulesAreReturnedAndCounted) {
    EchoPort port(std::make_unique<const WireRules>(RulesRequest{}, RulesPort{.own_mac = 7, .own_macs = {}}));
    const WireRules* const first = &port.rules();
    auto second = std::make_unique<WireRules>(RulesRequest{}, RulesPort{.own_mac = 8, .own_macs = {}});
    EXPECT_EQ(port.replace_rules(std::move(second)).get(), first);
    EXPECT_EQ(port.rules().own_mac, 8u);
    EXPECT_EQ(port.rules().generation, 1u);
}

}  // namespace
}  // namespace l2echo::echo
