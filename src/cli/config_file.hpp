// Options in a TOML file (https://toml.io). A key is an option's name without the dashes.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "l2echo/cli/option_value.hpp"

namespace l2echo::cli {

/// One option in a file.
struct FileEntry {
    std::string where;               ///< "FILE:LINE:COLUMN"
    std::vector<std::string> texts;  ///< its values as on the command line
};

/// Returns the form of a key's value. Throws UsageError if the key is invalid, with the reason but without
/// the place in the file.
using FormOfKey = std::function<OptionValue::Form(const std::string& key)>;

/// Returns the entries by key. Throws UsageError: "FILE:LINE:COLUMN: what is wrong".
std::map<std::string, FileEntry> read_config_file(const std::string& path, const FormOfKey& form_of);

/// Returns the text as a TOML string in double quotes.
std::string quote_toml(const std::string& text);

/// False if the text is not UTF-8: TOML supports no other encoding.
bool can_be_quoted(const std::string& text);

}  // namespace l2echo::cli
