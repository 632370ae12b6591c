#include "l2echo/hash/siphash.hpp"

#include <bit>
#include <cstring>

namespace l2echo::hash {
namespace {

static_assert(std::endian::native == std::endian::little, "words of the message are little-endian");

/// Section 2 of the paper.
struct State {
    std::uint64_t v0, v1, v2, v3;

    void rounds(int count) noexcept {
        for (int i = 0; i < count; ++i) {
            v0 += v1;
            v2 += v3;
            v1 = std::rotl(v1, 13) ^ v0;
            v3 = std::rotl(v3, 16) ^ v2;
            v0 = std::rotl(v0, 32) + v3;
            v2 += v1;
            v1 = std::rotl(v1, 17) ^ v2;
            v3 = std::rotl(v3, 21) ^ v0;
            v2 = std::rotl(v2, 32);
        }
    }
    void take(std::uint64_t word) noexcept {
        v3 ^= word;
        rounds(2);
        v0 ^= word;
    }
};

}  // namespace

std::uint64_t siphash(const SipKey& key, std::span<const std::byte> message) noexcept {
    // "somepseudorandomlygeneratedbytes"
    State state{key.low ^ 0x736f6d6570736575, key.high ^ 0x646f72616e646f6d, key.low ^ 0x6c7967656e657261,
                key.high ^ 0x7465646279746573};
    const std::size_t length = message.size();
    while (message.size() >= 8) {
        std::uint64_t word;
        std::memcpy(&word, message.data(), 8);
        state.take(word);
        message = message.subspan(8);
    }
    // The last word holds the rest and, in its highest byte, the length.
    std::uint64_t last = static_cast<std::uint64_t>(length) << 56;
    for (std::size_t i = 0; i < message.size(); ++i)
        last |= std::to_integer<std::uint64_t>(message[i]) << (8 * i);
    state.take(last);
    state.v2 ^= 0xFF;
    state.rounds(4);
    return state.v0 ^ state.v1 ^ state.v2 ^ state.v3;
}

}  // namespace l2echo::hash
