// The message of a UsageError.
#pragma once

#include <string>

#include "l2echo/process/error.hpp"

/// "no error" if the call does not throw one.
template <typename Call>
std::string usage_error_of(Call call) {
    try {
        call();
    } catch (const l2echo::process::UsageError& error) {
        return error.what();
    }
    return "no error";
}
