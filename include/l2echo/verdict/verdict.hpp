// The verdict on one frame.
#pragma once

#include <cstdint>

#include "l2echo/verdict/reason.hpp"

namespace l2echo::verdict {

/// Next action for the frame. An echo or answer can still be dropped if the TX queue is full.
enum class Next : std::uint8_t { Echo, Answer, Refuse };

struct Verdict {
    Next next = Next::Refuse;
    Reason reason = Reason::None;  ///< set only if `next` is Refuse
};

inline constexpr Verdict kEcho{Next::Echo, Reason::None};
inline constexpr Verdict kAnswer{Next::Answer, Reason::None};

/// `reason` must not be None.
constexpr Verdict refuse(Reason reason) noexcept {
    return {Next::Refuse, reason};
}

}  // namespace l2echo::verdict
