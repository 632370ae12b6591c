#include "cli/config_file.hpp"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <optional>
#include <sstream>

#include "l2echo/process/error.hpp"

namespace l2echo::cli {
namespace {

using Form = OptionValue::Form;

/// Adds the place in the file to error messages.
struct Reader {
    const std::string& path;

    std::string place(const toml::source_region& region) const {
        return fmt::format("{}:{}:{}", path, region.begin.line, region.begin.column);
    }
    [[noreturn]] void refuse(const toml::source_region& region, const std::string& why) const {
        throw process::UsageError(fmt::format("{}: {}", place(region), why));
    }
};

std::string read_whole(const std::string& path) {
    std::ifstream file(path);
    std::ostringstream text;
    if (!file || (file.peek() != std::ifstream::traits_type::eof() && !(text << file.rdbuf())) || file.bad())
        throw process::UsageError(fmt::format("--config {}: {}", path, std::strerror(errno)));
    return text.str();
}

/// Returns the text of a node; empty if it is not a single value of a type that options accept. Rejects
/// strings with a NUL, because EAL and the kernel would truncate them there.
std::optional<std::string> text_of(const Reader& reader, const toml::node& node) {
    if (const auto* text = node.as_string()) {
        if (text->get().find('\0') != std::string::npos)
            reader.refuse(node.source(), "a value holds no NUL character (\\u0000)");
        return text->get();
    }
    if (const auto* number = node.as_integer())
        return std::to_string(number->get());
    if (const auto* number = node.as_floating_point())
        return fmt::format("{}", number->get());
    return std::nullopt;
}

std::vector<std::string> texts_of(const Reader& reader, const std::string& key, const toml::node& node,
                                  Form form) {
    if (form == Form::Flag) {
        const auto* on = node.as_boolean();
        if (on == nullptr)
            reader.refuse(node.source(), fmt::format("{} is true or false", key));
        return {on->get() ? "true" : "false"};
    }
    if (const auto text = text_of(reader, node))
        return {*text};
    const toml::array* array = node.as_array();
    if (array == nullptr || form == Form::One)
        reader.refuse(node.source(), fmt::format("{} takes a string or a number{}", key,
                                                 form == Form::One ? "" : ", or an array of them"));
    std::vector<std::string> texts;
    for (const toml::node& element : *array) {
        const auto text = text_of(reader, element);
        if (!text)
            reader.refuse(element.source(), fmt::format("{} takes an array of strings and numbers", key));
        texts.push_back(*text);
    }
    return texts;
}

toml::table parse(const std::string& path) {
    try {
        return toml::parse(read_whole(path), std::string_view(path));
    } catch (const toml::parse_error& error) {
        Reader{path}.refuse(error.source(), std::string(error.description()));
    }
}

}  // namespace

std::map<std::string, FileEntry> read_config_file(const std::string& path, const FormOfKey& form_of) {
    const toml::table table = parse(path);
    const Reader reader{path};
    std::map<std::string, FileEntry> entries;
    for (const auto& [toml_key, node] : table) {
        const std::string key(toml_key.str());
        Form form{};
        try {
            form = form_of(key);
        } catch (const process::UsageError& error) {
            reader.refuse(toml_key.source(), error.what());
        }
        entries[key] = {reader.place(node.source()), texts_of(reader, key, node, form)};
    }
    return entries;
}

std::string quote_toml(const std::string& text) {
    std::string quoted = "\"";
    for (const char letter : text) {
        const auto code = static_cast<unsigned char>(letter);
        if (letter == '"' || letter == '\\')
            quoted += fmt::format("\\{}", letter);
        else if (code < 0x20 || code == 0x7F)
            quoted += fmt::format("\\u{:04X}", code);
        else
            quoted += letter;
    }
    return quoted + '"';
}

bool can_be_quoted(const std::string& text) {
    try {
        const toml::table table = toml::parse("key = " + quote_toml(text));
        return table["key"].value<std::string>() == text;
    } catch (const toml::parse_error&) {
        return false;
    }
}

}  // namespace l2echo::cli
