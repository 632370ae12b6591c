// EAL arguments that l2echo adds to those of the user.
#pragma once

#include <string>
#include <vector>

#include "l2echo/cli/option_table.hpp"

namespace l2echo::dpdk {

/// Adds --huge-unlink. By default, EAL leaves its hugepage files behind, even after a clean exit, and they
/// occupy the pages until the next start. Unlinked files disappear with the process. Nothing is added if an
/// option already has this effect or needs the file names.
std::vector<std::string> with_nameless_hugepages(std::vector<std::string> arguments);

/// Adds --instance, which the programs pass to for_instance().
void add_instance_option(cli::OptionTable& table, std::string& name);

/// Adds --file-prefix NAME, and --in-memory, with which hugepages need neither a mount nor its permissions.
/// What the user chose in either respect is kept. Adds nothing if the name is empty.
std::vector<std::string> for_instance(const std::string& name, std::vector<std::string> arguments);

/// Adds --huge-unlink=existing, EAL's own default: another process opens the files of the hugepages. Throws
/// UsageError if an argument excludes other processes.
std::vector<std::string> for_dumpcap(std::vector<std::string> arguments);

}  // namespace l2echo::dpdk
