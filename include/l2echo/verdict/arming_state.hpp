// Whether a port echoes at this moment, as a plain value for reports.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "l2echo/verdict/reason.hpp"

namespace l2echo::verdict {

/// What a loop check that arrived says about the peer.
enum class Facing : std::uint8_t { Nobody, OurOwnChecks, AnotherReflector };

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
