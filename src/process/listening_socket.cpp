#include "l2echo/process/listening_socket.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <thread>

#include "l2echo/process/error.hpp"

namespace l2echo::process {
namespace {

/// Start of an error message: what the socket is for, and its path.
struct Place {
    std::string_view what;
    const std::string& path;
};

[[noreturn]] void fail(const Place& place, std::string_view why) {
    throw StartupError(fmt::format("{} {}: {}", place.what, place.path, why));
}

sockaddr_un address_of(const Place& place) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (place.path.size() >= sizeof address.sun_path)
        fail(place, fmt::format("the path may have {} bytes at most", sizeof address.sun_path - 1));
    std::memcpy(address.sun_path, place.path.data(), place.path.size());
    return address;
}

const sockaddr* generic(const sockaddr_un& address) {
    return reinterpret_cast<const sockaddr*>(&address);
}

FileDescriptor make_socket(const Place& place, int type) {
    FileDescriptor descriptor(socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!descriptor.valid())
        fail(place, std::strerror(errno));
    return descriptor;
}

/// Returns 0 or an errno value.
int try_to_connect(const Place& place, const sockaddr_un& address, int type) {
    const FileDescriptor client = make_socket(place, type);
    return connect(client.get(), generic(address), sizeof address) == 0 ? 0 : errno;
}

/// Serialises programs that start at the same time: the second must not judge a socket dead that the first is
/// about to remove and create again.
FileDescriptor lock_folder(const Place& place) {
    const std::filesystem::path folder = std::filesystem::path(place.path).parent_path();
    FileDescriptor lock(open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!lock.valid())
        fail(place, fmt::format("its folder cannot be opened: {}", std::strerror(errno)));
    constexpr int kTries = 100;
    constexpr std::chrono::milliseconds kRest{10};
    for (int tried = 0; flock(lock.get(), LOCK_EX | LOCK_NB) != 0; ++tried) {
        if (tried == kTries || (errno != EWOULDBLOCK && errno != EINTR))
            fail(place, fmt::format("its folder cannot be locked: {}", std::strerror(errno)));
        std::this_thread::sleep_for(kRest);
    }
    return lock;
}

/// Throws unless the socket is dead. A socket that does not listen yet also refuses connections of its own
/// type, but a connection of another type gets EPROTOTYPE as long as a process has the socket open.
void require_dead(const Place& place, const sockaddr_un& address, int type) {
    for (const int tried : {static_cast<int>(SOCK_DGRAM), type}) {
        const int error = try_to_connect(place, address, tried);
        if (error == 0 || error == EPROTOTYPE || error == EAGAIN)
            fail(place, "another process has a socket there; choose another path");
        if (error != ECONNREFUSED)
            fail(place, fmt::format("cannot find out whether a process uses the socket: {}; "
                                    "if none has, type: rm {}",
                                    std::strerror(error), place.path));
    }
}

}  // namespace

void remove_dead_socket(std::string_view what, const std::string& path, int type) {
    const Place place{what, path};
    const sockaddr_un address = address_of(place);
    struct stat status {};
    if (lstat(path.c_str(), &status) != 0)
        return;
    if (!S_ISSOCK(status.st_mode))
        fail(place, "there is something that is not a socket; choose another path");
    const FileDescriptor lock = lock_folder(place);
    if (lstat(path.c_str(), &status) != 0)
        return;
    require_dead(place, address, type);
    if (status.st_uid != geteuid())
        fail(place, fmt::format("user {} left a socket there that no process has; type: rm {}", status.st_uid,
                                path));
    if (unlink(path.c_str()) != 0)
        fail(place, fmt::format("the socket of a process that is gone cannot be removed: {}; type: rm {}",
                                std::strerror(errno), path));
}

ListeningSocket::ListeningSocket(std::string_view what, std::string path, int backlog)
    : path_(std::move(path)) {
    const Place place{what, path_};
    const sockaddr_un address = address_of(place);
    remove_dead_socket(what, path_, SOCK_STREAM);
    descriptor_ = make_socket(place, SOCK_STREAM);
    // Linux gives the file the mode of the socket. Setting the umask instead would affect all threads.
    if (fchmod(get(), S_IRUSR | S_IWUSR) != 0 || bind(get(), generic(address), sizeof address) != 0)
        fail(place, std::strerror(errno));
    struct stat status {};
    if (lstat(path_.c_str(), &status) == 0) {
        device_ = status.st_dev;
        inode_ = status.st_ino;
    }
    if (listen(get(), backlog) != 0) {
        const int error = errno;
        remove_name();
        fail(place, fmt::format("it cannot be listened on: {}", std::strerror(error)));
    }
}

ListeningSocket::~ListeningSocket() {
    remove_name();
}

void ListeningSocket::remove_name() noexcept {
    struct stat status {};
    if (lstat(path_.c_str(), &status) == 0 && status.st_dev == device_ && status.st_ino == inode_)
        unlink(path_.c_str());
}

}  // namespace l2echo::process
