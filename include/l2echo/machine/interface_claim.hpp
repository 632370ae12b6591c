// Which of our processes receives from an interface of the kernel.
#pragma once

#include <string>

#include "l2echo/process/file_descriptor.hpp"

namespace l2echo::machine {

/// Every packet socket on an interface gets every frame, so a second echo would send each frame back twice.
/// The claim is held while the descriptor is open. Throws StartupError if a port of this or another l2echo
/// program in this network namespace holds it.
process::FileDescriptor claim_interface(const std::string& interface);

}  // namespace l2echo::machine
