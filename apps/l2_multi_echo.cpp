// l2_multi_echo: one share-nothing worker per lcore, RSS over one queue pair each, reports on the main lcore.

#include <fmt/format.h>

#include "l2echo/control/echo_server.hpp"
#include "l2echo/control/options.hpp"
#include "l2echo/control/program.hpp"

int main(int argc, char** argv) {
    return l2echo::run_program(argv[0], [&](const std::string& program) {
        const auto line = l2echo::parse_command_line({argv, argv + argc});
        if (line.print)
            fmt::print("{}", *line.print);
        else
            l2echo::serve_echo(program, line.options);
    });
}
