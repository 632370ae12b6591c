// l2_probe: the tester. Sends numbered, timestamped frames and checks every frame that comes back.

#include "l2echo/probe/probe.hpp"
#include "l2echo/probe/probe_options.hpp"
#include "l2echo/process/output.hpp"
#include "l2echo/process/program.hpp"

int main(int argc, char** argv) {
    return l2echo::process::run_program(argv[0], [&](const std::string& program) {
        const auto line = l2echo::probe::parse_probe_command_line({argv, argv + argc});
        if (line.print)
            l2echo::process::print_text(*line.print);
        else
            l2echo::probe::run_probe(program, line.options);
    });
}
