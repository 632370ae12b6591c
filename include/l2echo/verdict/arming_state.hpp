// Arming state of a port (whether it echoes now) as a plain value for reports.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "l2echo/verdict/reason.hpp"

namespace l2echo::verdict {

/// What the port faces, inferred from its own loop checks.
enum class Facing : std::uint8_t {
    Nobody,     ///< no check came back
    Reflector,  ///< the check came back swapped
    Loop,       ///< the check came back as it was sent: a loopback plug, a hairpin, a hub
};

struct ArmingState {
    Reason closed_by = Reason::None;          ///< None: the port echoes
    Facing facing = Facing::Nobody;           ///< the peer that made the port stop echoing
    std::optional<double> remaining_seconds;  ///< empty: no time limit, or expired
};

/// Returns "armed" if the port echoes, otherwise the name of the reason for which it refuses frames.
constexpr std::string_view name_of(const ArmingState& state) noexcept {
    return state.closed_by == Reason::None ? "armed" : row_of(state.closed_by).name;
}

}  // namespace l2echo::verdict
