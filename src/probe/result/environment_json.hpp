// Where a result was measured, as JSON.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <utility>
#include <vector>

namespace l2echo::probe {

/// An object with the names as keys, in their order.
nlohmann::ordered_json environment_json(const std::vector<std::pair<std::string, std::string>>& environment);

}  // namespace l2echo::probe
