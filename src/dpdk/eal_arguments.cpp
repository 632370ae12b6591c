#include "l2echo/dpdk/eal_arguments.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <initializer_list>
#include <string_view>

#include "l2echo/process/error.hpp"

namespace l2echo::dpdk {
namespace {

/// Options that choose what becomes of the files of hugepages, or need them.
constexpr std::array<std::string_view, 5> kOwnFiles{"--huge-unlink", "--no-huge", "--in-memory",
                                                    "--single-file-segments", "--proc-type"};

/// True if EAL's arguments contain the option, possibly abbreviated ("--in-mem").
bool gives(const std::vector<std::string>& arguments, std::string_view option) {
    return std::ranges::any_of(arguments, [option](const std::string& argument) {
        const std::string name = argument.substr(0, argument.find('='));
        return name.size() > std::string_view("--").size() && option.starts_with(name);
    });
}

bool gives_any(const std::vector<std::string>& arguments, const auto& options) {
    return std::ranges::any_of(options, [&](std::string_view option) { return gives(arguments, option); });
}

std::string parse_instance(const std::string& text, const char* option) {
    const bool is_plain = std::ranges::all_of(text, [](unsigned char letter) {
        return std::isalnum(letter) != 0 ||
               std::string_view("-_.:@").find(static_cast<char>(letter)) != std::string_view::npos;
    });
    if (text.empty() || !is_plain)
        throw process::UsageError(
            fmt::format("{}: '{}' is not a name; give letters, digits and -_.:@", option, text));
    return text;
}

}  // namespace

std::vector<std::string> with_nameless_hugepages(std::vector<std::string> arguments) {
    if (!gives_any(arguments, kOwnFiles))
        arguments.insert(arguments.begin(),
                         "--huge-unlink");  // first, because the last argument may lack its value
    return arguments;
}

void add_instance_option(cli::OptionTable& table, std::string& name) {
    table.add({.name = "--instance",
               .group = "Options",
               .value = cli::converted(name, "NAME", parse_instance),
               .help = "One of several on a machine: EAL gets --file-prefix NAME, "
                       "and --in-memory unless its arguments say where hugepages come from"});
}

std::vector<std::string> for_instance(const std::string& name, std::vector<std::string> arguments) {
    if (name.empty())
        return arguments;
    std::vector<std::string> added;
    if (!gives(arguments, "--file-prefix"))
        added = {"--file-prefix", name};
    // --in-memory and --legacy-mem exclude each other, too.
    constexpr std::array<std::string_view, 2> kMounted{"--huge-dir", "--legacy-mem"};
    if (!gives_any(arguments, kOwnFiles) && !gives_any(arguments, kMounted))
        added.emplace_back("--in-memory");
    arguments.insert(arguments.begin(), added.begin(), added.end());
    return arguments;
}

std::vector<std::string> for_dumpcap(std::vector<std::string> arguments) {
    constexpr std::array<std::string_view, 3> kAlone{"--in-memory", "--no-huge", "--no-shconf"};
    const auto unlinks = [](const std::string& argument) {
        return argument == "--huge-unlink" || argument == "--huge-unlink=always";
    };
    const auto excluding = std::ranges::find_if(arguments, [&](const std::string& argument) {
        return gives_any({argument}, kAlone) || unlinks(argument);
    });
    if (excluding != arguments.end())
        throw process::UsageError(fmt::format(
            "--allow-dumpcap: with {}, EAL shares no memory with dpdk-dumpcap; leave out one of them",
            *excluding));
    if (!gives(arguments, "--huge-unlink"))
        arguments.insert(arguments.begin(), "--huge-unlink=existing");
    return arguments;
}

}  // namespace l2echo::dpdk
