// Starts this process's only EAL before the tests and cleans it up after them.

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <memory>

#include "l2echo/dpdk/eal.hpp"
#include "l2echo/machine/cpu_set.hpp"
#include "l2echo/process/error.hpp"

namespace {

/// Four lcores on any CPUs that this process may use: the main lcore and three workers.
std::string lcores_on(const l2echo::machine::CpuSet& cpus) {
    const int first = *cpus.begin();
    const int last = *cpus.rbegin();
    return fmt::format("0@{},1@{},2@{},3@{}", first, last, first, last);
}

class EalEnvironment : public testing::Environment {
    void SetUp() override {
        eal_ = std::make_unique<l2echo::dpdk::Eal>(
            "eal_tests", std::vector<std::string>{
                             "--no-huge", "-m", "512", "--no-pci", "--no-shconf", "--no-telemetry",
                             "--lcores", lcores_on(l2echo::machine::allowed_cpus()), "--log-level", "6"});
    }
    void TearDown() override { eal_.reset(); }

    std::unique_ptr<l2echo::dpdk::Eal> eal_;
};

}  // namespace

int main(int argc, char** argv) {
    testing::InitGoogleTest(&argc, argv);
    testing::AddGlobalTestEnvironment(new EalEnvironment);
    return RUN_ALL_TESTS();
}
