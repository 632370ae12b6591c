#include "server/idle_support.hpp"

#include <gtest/gtest.h>

#include <cerrno>

namespace l2echo::server {
namespace {

const PortMonitor kGood{"port 0 (0000:01:00.0)", "net_ice", 0};
const PortMonitor kWithout{"port 1 (net_null0)", "net_null", -ENOTSUP};

std::string problem(const engine::MonitorSupport& cpu, const std::vector<PortMonitor>& ports) {
    return umwait_problem(cpu, ports).value_or("none");
}

TEST(IdleSupport, UmwaitNeedsTheCpuAndEveryDriver) {
    EXPECT_EQ(problem({.one_queue = true}, {kGood}), "none");
    EXPECT_EQ(problem({.one_queue = true, .several_queues = true}, {kGood, kGood}), "none");
    EXPECT_NE(problem({}, {kGood}).find("this CPU has no instruction"), std::string::npos);
    EXPECT_NE(problem({.one_queue = true}, {kGood, kGood}).find("one queue at a time"), std::string::npos);
}

TEST(IdleSupport, NamesTheDriverWithoutAMonitorAddress) {
    const std::string text = problem({.one_queue = true, .several_queues = true}, {kGood, kWithout});
    for (const char* word : {"--idle umwait", "port 1 (net_null0)", "driver net_null", "--idle sleep"})
        EXPECT_NE(text.find(word), std::string::npos) << text;
}

}  // namespace
}  // namespace l2echo::server
