// l2echo-control: sends one command to the control socket of a running program and prints the answer.

#include <unistd.h>

#include <cstdlib>
#include <deque>
#include <stdexcept>
#include <string>
#include <vector>

#include "l2echo/cli/time.hpp"
#include "l2echo/control/control_client.hpp"
#include "l2echo/process/error.hpp"
#include "l2echo/process/output.hpp"
#include "l2echo/process/program.hpp"

namespace {

using namespace l2echo;

constexpr const char* kSocketVariable = "L2ECHO_CONTROL_SOCKET";

constexpr const char* kHelp =
    R"(Sends a command to a running l2echo program and prints its answer, a line of JSON
Usage: l2echo-control [options] COMMAND [ARGUMENT ...]

The command `help` lists the commands that the program knows; on a terminal it prints a table. An error
goes to stderr. The exit status is 0 if the command was carried out, 1 if it was refused or there was no
answer, and 2 for wrong usage. l2echo-control(7) describes the answers.

Options:
  -h, --help                Print this help and exit
  --version                 Print the version and exit
  --socket PATH             The path given to --control-socket; the value of
                            L2ECHO_CONTROL_SOCKET when left out
  --timeout TIME            Wait this long for the answer [default 5s]
)";

struct Request {
    std::string socket;
    std::chrono::milliseconds timeout{5000};
    std::string command;
};

/// The value of an option that is written as "--name VALUE" or "--name=VALUE"; `words` are what follows.
std::string value_of(const std::string& word, std::deque<std::string>& words) {
    const auto equals = word.find('=');
    std::string value;
    if (equals != std::string::npos) {
        value = word.substr(equals + 1);
    } else if (!words.empty()) {
        value = words.front();
        words.pop_front();
    } else {
        throw process::UsageError(word + " needs a value");
    }
    if (value.empty())
        throw process::UsageError(word.substr(0, equals) + ": the value is empty");
    return value;
}

Request parse(std::deque<std::string> words) {
    Request request;
    if (const char* path = std::getenv(kSocketVariable); path != nullptr)
        request.socket = path;
    while (!words.empty() && words.front().starts_with("-")) {
        const std::string word = words.front();
        const std::string name = word.substr(0, word.find('='));
        words.pop_front();
        if (name == "--socket")
            request.socket = value_of(word, words);
        else if (name == "--timeout")
            request.timeout = cli::to_milliseconds(cli::parse_seconds(value_of(word, words), "--timeout"));
        else
            throw process::UsageError("unknown option " + word + "; --help lists the options");
    }
    for (const std::string& word : words)
        request.command += (request.command.empty() ? "" : " ") + word;
    if (words.empty())
        throw process::UsageError("no command; `help` lists the commands, --help the options");
    if (request.socket.empty())
        throw process::UsageError(
            "which socket? Give --socket PATH, or set L2ECHO_CONTROL_SOCKET: the path of --control-socket");
    return request;
}

void send(const Request& request) {
    const control::Answer answer = control::ask(request.socket, request.command, request.timeout);
    if (!answer.error.empty())
        throw std::runtime_error(answer.error);
    const std::string table = isatty(STDOUT_FILENO) == 1 ? control::help_table(answer.line) : "";
    process::print(table.empty() ? answer.line + "\n" : table);
}

}  // namespace

int main(int argc, char** argv) {
    return process::run_program(argv[0], [&](const std::string&) {
        const std::deque<std::string> words(argv + 1, argv + argc);
        if (!words.empty() && (words.front() == "--help" || words.front() == "-h"))
            process::print_text(kHelp);
        else if (!words.empty() && words.front() == "--version")
            process::print_text("l2echo " L2ECHO_VERSION "\n");
        else
            send(parse(words));
    });
}
