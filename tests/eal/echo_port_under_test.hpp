// An EchoPort whose rules a test may change between bursts, and one queue pair on it.
#pragma once

#include <gtest/gtest.h>

#include <memory>

#include "l2echo/echo/echo_pair.hpp"

class EchoPortUnderTest {
  public:
    EchoPortUnderTest() : EchoPortUnderTest(new l2echo::echo::WireRules({}, {})) {}

    /// Call only between bursts.
    l2echo::echo::WireRules& rules() { return *rules_; }
    l2echo::echo::EchoPort& port() { return port_; }
    l2echo::echo::Gate& gate() { return port_.gate; }

  private:
    explicit EchoPortUnderTest(l2echo::echo::WireRules* rules)
        : rules_(rules), port_(std::unique_ptr<const l2echo::echo::WireRules>(rules)) {}

    l2echo::echo::WireRules* rules_;  ///< owned by the port
    l2echo::echo::EchoPort port_;
};

inline l2echo::verdict::FrameCounts counts_of(const l2echo::echo::EchoPair& pair) {
    return pair.queues.counters.read();
}
