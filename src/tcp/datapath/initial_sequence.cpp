#include "l2echo/tcp/initial_sequence.hpp"

#include "l2echo/tcp/tuple_bytes.hpp"

namespace l2echo::tcp {
namespace {

constexpr std::uint8_t kForSequence = 1;
constexpr std::uint8_t kForTimestamp = 2;
constexpr std::uint8_t kForTable = 3;
constexpr std::int64_t kMicrosPerStep = 4;  // RFC 9293 3.4.1

std::uint64_t keyed(const hash::SipKey& key, const Tuple& tuple, std::uint8_t purpose) noexcept {
    return hash::siphash(key, keyed_message<0>(tuple, purpose, {}));
}

}  // namespace

Sequence initial_sequence(const hash::SipKey& key, const Tuple& tuple, Micros now) noexcept {
    return Sequence(static_cast<std::uint32_t>(keyed(key, tuple, kForSequence))) +
           static_cast<std::uint32_t>(now.count() / kMicrosPerStep);
}

TimestampClock timestamp_clock(const hash::SipKey& key, const Tuple& tuple) noexcept {
    return TimestampClock(static_cast<std::uint32_t>(keyed(key, tuple, kForTimestamp)));
}

std::uint64_t hash_tuple(const hash::SipKey& key, const Tuple& tuple) noexcept {
    return keyed(key, tuple, kForTable);
}

}  // namespace l2echo::tcp
