// SipHash-2-4 (Aumasson, Bernstein: SipHash, a fast short-input PRF, 2012): numbers that nobody can guess
// without the key.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace l2echo::hash {

/// 16 random bytes, read little-endian. The caller draws them, with getrandom(2) for example.
struct SipKey {
    std::uint64_t low = 0;
    std::uint64_t high = 0;
};

std::uint64_t siphash(const SipKey& key, std::span<const std::byte> message) noexcept;

}  // namespace l2echo::hash
