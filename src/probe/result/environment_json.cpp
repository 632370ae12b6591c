#include "probe/result/environment_json.hpp"

#include <nlohmann/json.hpp>

namespace l2echo::probe {

nlohmann::ordered_json environment_json(const std::vector<std::pair<std::string, std::string>>& environment) {
    nlohmann::ordered_json json = nlohmann::ordered_json::object();
    for (const auto& [name, value] : environment)
        json[name] = value;
    return json;
}

}  // namespace l2echo::probe
