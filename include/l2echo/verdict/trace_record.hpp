// One traced frame: its bytes as received, and its verdict.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "l2echo/verdict/verdict.hpp"

namespace l2echo::verdict {

struct TraceRecord {
    static constexpr std::uint32_t kMaxBytes = 128;

    std::uint64_t tsc = 0;     ///< time at which its burst was received
    std::uint32_t length = 0;  ///< frame length in bytes, without FCS
    std::uint16_t captured = 0;
    std::uint16_t port = 0;
    std::uint16_t queue = 0;
    Verdict verdict;
    const char* echoed_as = "";  ///< the fields that an echo swaps, such as "mac+ip"; static storage
    std::array<std::byte, kMaxBytes> bytes{};
};

}  // namespace l2echo::verdict
