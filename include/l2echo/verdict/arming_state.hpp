// Whether a port echoes at this moment, as a plain value for reports.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "l2echo/verdict/reason.hpp"

namespace l2echo::verdict {

/// What the port's own loop check, come back, says about the other end.
enum class Facing : std::uint8_t {
    Nobody,     ///< none came back
    Reflector,  ///< somebody swapped it
    Loop,       ///< it is as it was sent: a loop plug, a hairpin, a hub
};

struct ArmingState {
    Reason closed_by = Reason::None;          ///< None: it echoes
    Facing facing = Facing::Nobody;           ///< the peer that made it stop
    std::optional<double> remaining_seconds;  ///< empty: without end, or over
};

/// "armed" when the port echoes, else the reason of its refusals.
constexpr std::string_view name_of(const ArmingState& state) noexcept {
    return state.closed_by == Reason::None ? "armed" : row_of(state.closed_by).name;
}

}  // namespace l2echo::verdict
