// A virtual device, created by its constructor and removed by its destructor.
#pragma once

#include <gtest/gtest.h>
#include <rte_dev.h>
#include <rte_ethdev.h>

#include <string>

#include "l2echo/dpdk/port_plan.hpp"

class Vdev {
  public:
    explicit Vdev(const std::string& name, const std::string& arguments = "") : name_(name) {
        EXPECT_EQ(rte_eal_hotplug_add("vdev", name.c_str(), arguments.c_str()), 0) << name;
        EXPECT_EQ(rte_eth_dev_get_port_by_name(name.c_str(), &port_), 0) << name;
    }
    ~Vdev() { rte_eal_hotplug_remove("vdev", name_.c_str()); }
    Vdev(const Vdev&) = delete;
    Vdev& operator=(const Vdev&) = delete;

    std::uint16_t port() const { return port_; }

  private:
    std::string name_;
    std::uint16_t port_ = 0;
};

/// Ring and cache sizes small enough for several ports in the tests' memory.
inline l2echo::dpdk::PortRequest small_port_request(std::uint16_t workers) {
    l2echo::dpdk::PortRequest request;
    request.queue_pairs = workers;
    request.rx_descriptors = 128;
    request.tx_descriptors = 128;
    request.mempool_cache = 32;
    return request;
}
