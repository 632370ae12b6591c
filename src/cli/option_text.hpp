// Renders the rows of an option table as text. Pure functions.
#pragma once

#include <string>
#include <vector>

#include "l2echo/cli/option_table.hpp"

namespace l2echo::cli {

/// A row and the values given for it; none if the option was not given.
struct OptionInForce {
    const OptionRow& row;
    const std::vector<std::string>& given;
};

/// Renders two columns under the heading of each group.
std::string render_help(const std::vector<OptionRow>& rows);

/// Renders a TOML file with every option that a file may contain: with the value in force, or as a comment if
/// it has none.
std::string render_config(const std::vector<OptionInForce>& options);

}  // namespace l2echo::cli
