// The environment of a measurement as JSON.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <utility>
#include <vector>

namespace l2echo::probe {

/// Returns an object with the names as keys, in the same order.
nlohmann::ordered_json environment_json(const std::vector<std::pair<std::string, std::string>>& environment);

}  // namespace l2echo::probe
