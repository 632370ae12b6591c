// A counter that one thread writes and others read.
#pragma once

#include <atomic>
#include <cstdint>

namespace l2echo::engine {

/// One writer, any number of readers. A relaxed load and store compile to plain moves, so counting costs the
/// same as without readers. An atomic read-modify-write would lock the bus without need.
class Counter {
  public:
    void add(std::uint64_t amount) noexcept {
        value_.store(value_.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
    }
    std::uint64_t read() const noexcept { return value_.load(std::memory_order_relaxed); }

  private:
    std::atomic<std::uint64_t> value_{0};
};

}  // namespace l2echo::engine
