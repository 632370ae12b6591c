#include "l2echo/hash/siphash.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <cstdint>

namespace l2echo::hash {
namespace {

/// The key 00 01 ... 0f of the reference.
constexpr SipKey kReferenceKey{0x0706050403020100, 0x0f0e0d0c0b0a0908};

/// Hashes of the messages of 0 to 15 bytes 00 01 02 ..., from the reference implementation's table; the last
/// is the example of appendix A of the paper.
constexpr std::array<std::uint64_t, 16> kReferenceHashes = {
    0x726fdb47dd0e0e31, 0x74f839c593dc67fd, 0x0d6c8009d9a94f5a, 0x85676696d7fb7e2d,
    0xcf2794e0277187b7, 0x18765564cd99a68d, 0xcbc9466e58fee3ce, 0xab0200f58b01d137,
    0x93f5f5799a932462, 0x9e0082df0ba9e4b0, 0x7a5dbbc594ddb9f3, 0xf4b32f46226bada7,
    0x751e8fbc860ee5fb, 0x14ea5627c0843d90, 0xf723ca908e7af2ee, 0xa129ca6149be45e5};

TEST(SipHash, AgreesWithTheReference) {
    std::array<std::byte, 16> message;
    for (std::size_t i = 0; i < message.size(); ++i)
        message[i] = static_cast<std::byte>(i);
    for (std::size_t length = 0; length < kReferenceHashes.size(); ++length)
        EXPECT_EQ(siphash(kReferenceKey, std::span(message).first(length)), kReferenceHashes[length])
            << length << " bytes";
}

TEST(SipHash, EachBitOfTheKeyCounts) {
    const std::uint64_t expected = siphash(kReferenceKey, {});
    for (unsigned bit = 0; bit < 64; ++bit) {
        EXPECT_NE(siphash({kReferenceKey.low ^ 1ULL << bit, kReferenceKey.high}, {}), expected);
        EXPECT_NE(siphash({kReferenceKey.low, kReferenceKey.high ^ 1ULL << bit}, {}), expected);
    }
}

}  // namespace
}  // namespace l2echo::hash
