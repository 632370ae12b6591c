// The rows of an option table as text. Pure functions.
#pragma once

#include <string>
#include <vector>

#include "l2echo/cli/option_table.hpp"

namespace l2echo::cli {

/// A row and the values that were given for it, none when it was left out.
struct OptionInForce {
    const OptionRow& row;
    const std::vector<std::string>& given;
};

/// Two columns under the heading of each group.
std::string render_help(const std::vector<OptionRow>& rows);

/// A TOML file with every option that a file may have: with the value in force, or as a comment when it has
/// none.
std::string render_config(const std::vector<OptionInForce>& options);

}  // namespace l2echo::cli
