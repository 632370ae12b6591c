// Claims on kernel interfaces, so that only one l2echo process receives from each.
#pragma once

#include <string>

#include "l2echo/process/file_descriptor.hpp"

namespace l2echo::machine {

/// Claims the interface: every packet socket on an interface gets every frame, so with a second echo each
/// frame would be echoed twice. The claim lasts while the descriptor is open. Throws StartupError if a port
/// of this or another l2echo program in this network namespace holds it.
process::FileDescriptor claim_interface(const std::string& interface);

}  // namespace l2echo::machine
