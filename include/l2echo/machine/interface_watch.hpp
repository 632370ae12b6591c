// Detects that kernel interfaces disappear.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace l2echo::machine {

class Netlink;

/// Watches interfaces. One is gone if it was deleted, renamed or moved to another network namespace. Renaming
/// counts because drivers keep the interface open, but query its state and change its mode by name.
class InterfaceWatch {
  public:
    /// Throws StartupError if the kernel cannot be queried.
    explicit InterfaceWatch(const std::vector<std::string>& names);
    ~InterfaceWatch();
    InterfaceWatch(const InterfaceWatch&) = delete;
    InterfaceWatch& operator=(const InterfaceWatch&) = delete;

    /// Becomes readable when any interface has changed.
    int descriptor() const noexcept;

    /// True if a watched interface is gone. Also drains descriptor(), so that it is no longer readable. One
    /// thread.
    bool is_one_gone() noexcept;

  private:
    std::unique_ptr<Netlink> netlink_;
    std::vector<std::pair<std::string, unsigned>> watched_;  ///< name and index
};

}  // namespace l2echo::machine
