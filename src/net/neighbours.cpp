#include "l2echo/net/neighbours.hpp"

#include <algorithm>
#include <bit>

namespace l2echo::net {
namespace {

constexpr std::uint32_t kMinEntries = 8;

}  // namespace

Neighbours::Neighbours(const NeighbourSettings& settings)
    : settings_(settings),
      bucket_mask_(std::bit_ceil(std::max(settings.entries, kMinEntries)) - 1),
      buckets_(bucket_mask_ + 1, kNone),
      entries_(std::max(settings.entries, kMinEntries)),
      held_(settings.held_frames) {
    for (std::uint32_t i = 0; i < entries_.size(); ++i)
        append(i, kFree, Micros(0));
    for (std::uint32_t i = 0; i < held_.size(); ++i) {
        held_[i].next = free_held_;
        free_held_ = i;
    }
}

}  // namespace l2echo::net
