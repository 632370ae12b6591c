// The client of a control socket: one command as a line, one line of JSON as the answer.
#pragma once

#include <chrono>
#include <string>

namespace l2echo::control {

struct Answer {
    std::string line;   ///< JSON, without the line break
    std::string error;  ///< why the command was refused; empty: it was not
};

/// Sends the command and waits for its answer, `limit` at most for all of it. Throws UsageError if the
/// command holds a line break, and std::runtime_error if there is no answer: where, why, and what to do.
Answer ask(const std::string& socket_path, const std::string& command, std::chrono::milliseconds limit);

/// Returns the answer to `help` as a table for people, with a line break after each row; empty if the answer
/// is another's.
std::string help_table(const std::string& answer);

}  // namespace l2echo::control
