// A cheap membership test for the MACs of our own ports.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "l2echo/wire/ethernet.hpp"

namespace l2echo::echo {

/// The MACs of our own ports. The frame path does one test, regardless of the number of ports: does the
/// address match all bits that our MACs have in common? Only if it does, the list is searched.
class MacFilter {
  public:
    void add(wire::MacAddress mac) {
        common_bits_ = macs_.empty() ? wire::kMacMask : common_bits_ & ~(mac ^ macs_.front());
        macs_.push_back(mac);
        value_ = mac & common_bits_;
    }
    bool may_contain(wire::MacAddress mac) const noexcept { return (mac & common_bits_) == value_; }
    bool contains(wire::MacAddress mac) const noexcept {
        return may_contain(mac) && std::find(macs_.begin(), macs_.end(), mac) != macs_.end();
    }

    /// may_contain() on the last four bytes only, as a word in memory order; no false negatives.
    struct Tail {
        std::uint32_t common_bits;
        std::uint32_t value;
    };
    Tail tail() const noexcept {
        if (macs_.empty())
            return {0, 1};
        return {static_cast<std::uint32_t>(common_bits_ >> 16), static_cast<std::uint32_t>(value_ >> 16)};
    }

  private:
    std::uint64_t common_bits_ = 0;
    std::uint64_t value_ = 1;  // without common bits nothing equals 1, so the empty filter contains nothing
    std::vector<wire::MacAddress> macs_;
};

}  // namespace l2echo::echo
