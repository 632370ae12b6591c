// l2_multi_echo: one share-nothing worker per lcore, each with one queue pair per port fed by RSS; the main
// lcore reports.

#include "l2echo/process/output.hpp"
#include "l2echo/process/program.hpp"
#include "l2echo/server/echo_server.hpp"
#include "l2echo/server/options.hpp"

int main(int argc, char** argv) {
    return l2echo::process::run_program(argv[0], [&](const std::string& program) {
        const auto line = l2echo::server::parse_command_line({argv, argv + argc});
        if (line.print)
            l2echo::process::print_text(*line.print);
        else
            l2echo::server::serve_echo(program, line);
    });
}
