// Notices that interfaces of the kernel go away.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace l2echo::machine {

class Netlink;

/// Gone is what was deleted, renamed or moved to another network namespace: drivers hold on to the interface,
/// but ask for its state and change its mode by name.
class InterfaceWatch {
  public:
    /// Throws StartupError when the kernel cannot be asked.
    explicit InterfaceWatch(const std::vector<std::string>& names);
    ~InterfaceWatch();
    InterfaceWatch(const InterfaceWatch&) = delete;
    InterfaceWatch& operator=(const InterfaceWatch&) = delete;

    /// Becomes readable when something about some interface has changed.
    int descriptor() const noexcept;

    /// Whether one of them is gone, after which descriptor() is no longer readable. One thread.
    bool is_one_gone() noexcept;

  private:
    std::unique_ptr<Netlink> netlink_;
    std::vector<std::pair<std::string, unsigned>> watched_;  ///< name and index
};

}  // namespace l2echo::machine
