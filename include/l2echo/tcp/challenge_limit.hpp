// The limit of challenge ACKs (RFC 5961 7).
#pragma once

#include <cstdint>

#include "l2echo/tcp/time.hpp"

namespace l2echo::tcp {

/// One per connection: a limit that connections share lets a stranger learn of them (CVE-2016-5696).
class ChallengeLimit {
  public:
    /// True if one more challenge ACK may be sent in this second.
    bool take(std::uint16_t per_second, Micros now) noexcept {
        if (now >= second_end_) {
            second_end_ = now + Micros(1'000'000);
            sent_ = 0;
        }
        if (sent_ >= per_second)
            return false;
        ++sent_;
        return true;
    }

  private:
    Micros second_end_{0};
    std::uint16_t sent_ = 0;
};

}  // namespace l2echo::tcp
