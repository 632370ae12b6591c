// Options in a TOML file (https://toml.io): a key is an option's name without its dashes.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "l2echo/cli/option_value.hpp"

namespace l2echo::cli {

/// What a file says about one option.
struct FileEntry {
    std::string where;               ///< "FILE:LINE:COLUMN"
    std::vector<std::string> texts;  ///< its values, as the command line would have them
};

/// What a key may hold. Throws UsageError, which says why a key is none, without its place in the file.
using FormOfKey = std::function<OptionValue::Form(const std::string& key)>;

/// By key. Throws UsageError: "FILE:LINE:COLUMN: what is wrong".
std::map<std::string, FileEntry> read_config_file(const std::string& path, const FormOfKey& form_of);

/// A string as TOML has it, between double quotes.
std::string quote_toml(const std::string& text);

/// False for what is not UTF-8, the only text that TOML has.
bool can_be_quoted(const std::string& text);

}  // namespace l2echo::cli
