// The variants for any CPU of the architecture, so that a test reaches them where a wider one is chosen.
#pragma once

#include "l2echo/wire/checksum.hpp"

namespace l2echo::wire {

Sum sum_of_baseline(std::span<const std::byte> bytes) noexcept;
Sum copy_and_sum_baseline(std::byte* to, std::span<const std::byte> from) noexcept;

}  // namespace l2echo::wire
