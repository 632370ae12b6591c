// What becomes of one frame.
#pragma once

#include <cstdint>

#include "l2echo/verdict/reason.hpp"

namespace l2echo::verdict {

/// What is done with it next. An echo or answer can still be dropped, at a full TX queue.
enum class Next : std::uint8_t { Echo, Answer, Refuse };

struct Verdict {
    Next next = Next::Refuse;
    Reason reason = Reason::None;  ///< only with Refuse
};

inline constexpr Verdict kEcho{Next::Echo, Reason::None};
inline constexpr Verdict kAnswer{Next::Answer, Reason::None};

/// Not for None.
constexpr Verdict refuse(Reason reason) noexcept {
    return {Next::Refuse, reason};
}

}  // namespace l2echo::verdict
