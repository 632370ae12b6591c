// Prints what the kernel uses interfaces for, as JSON. scripts/host-setup runs it before it takes a NIC from
// the kernel.

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "l2echo/machine/kernel_interface.hpp"
#include "l2echo/process/error.hpp"
#include "l2echo/process/output.hpp"
#include "l2echo/process/program.hpp"

namespace {

using namespace l2echo;

constexpr const char* kHelp =
    "usage: interface-use INTERFACE...\n\n"
    "Prints a JSON object: for each interface of this network namespace its addresses, whether a default route or an\n"
    "SSH session goes over it, and what is stacked on it. Addresses and routes of what is stacked on it count.\n";

nlohmann::ordered_json to_json(const std::string& interface) {
    if (!machine::find_link(interface))
        throw process::StartupError(
            fmt::format("no interface is named {}; `ip link` lists those that there are", interface));
    const machine::KernelInterfaceUse use = machine::read_kernel_interface_use(interface);
    nlohmann::ordered_json above = nlohmann::ordered_json::array();
    for (const machine::Link& link : use.above)
        above.push_back({{"name", link.name}, {"kind", link.kind}});
    return {{"ssh_session", use.ssh_session},
            {"default_route", use.default_route},
            {"addresses", use.addresses},
            {"above", above},
            {"reason", machine::reason_to_leave(use)}};
}

void print_use(const std::vector<std::string>& arguments) {
    if (arguments.empty())
        throw process::UsageError("no interface is named; type: interface-use INTERFACE...");
    if (arguments.front() == "--help")
        return process::print_text(kHelp);
    nlohmann::ordered_json interfaces = nlohmann::ordered_json::object();
    for (const std::string& interface : arguments)
        interfaces[interface] = to_json(interface);
    const nlohmann::ordered_json document{{"schema", "l2echo.interface-use/1"}, {"interfaces", interfaces}};
    process::print(document.dump() + "\n");
}

}  // namespace

int main(int argc, char** argv) {
    return process::run_program(argv[0], [&](const std::string&) { print_use({argv + 1, argv + argc}); });
}
