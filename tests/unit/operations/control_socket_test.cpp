#include "l2echo/operations/control_socket.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>

#include "sanitizers.hpp"

namespace l2echo::operations {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

process::FileDescriptor connect_to(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strcpy(address.sun_path, path.c_str());
    process::FileDescriptor client(socket(AF_UNIX, SOCK_STREAM, 0));
    EXPECT_EQ(connect(client.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    return client;
}

class TemporaryFolder {
  public:
    TemporaryFolder() { EXPECT_NE(mkdtemp(path_.data()), nullptr); }
    ~TemporaryFolder() { std::filesystem::remove_all(path_); }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    const std::string& path() const { return path_; }

  private:
    std::string path_ = testing::TempDir() + "l2echo_XXXXXX";
};

/// While it exists, this process can open no file.
class NoDescriptors {
  public:
    NoDescriptors() {
        getrlimit(RLIMIT_NOFILE, &before_);
        const process::FileDescriptor lowest(dup(STDIN_FILENO));
        const rlimit none{static_cast<rlim_t>(lowest.get()), before_.rlim_max};
        EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
    }
    ~NoDescriptors() { setrlimit(RLIMIT_NOFILE, &before_); }
    NoDescriptors(const NoDescriptors&) = delete;
    NoDescriptors& operator=(const NoDescriptors&) = delete;

  private:
    rlimit before_{};
};

int turns_in(std::chrono::milliseconds time, ControlSocket& control) {
    int turns = 0;
    for (const auto end = Clock::now() + time; Clock::now() < end; ++turns)
        control.serve(20ms);
    return turns;
}

std::string answer_to(const process::FileDescriptor& client, ControlSocket& control) {
    std::array<char, 64> bytes{};
    ssize_t length = -1;
    for (int turn = 0; turn < 500 && length < 0; ++turn) {
        control.serve(20ms);
        length = recv(client.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
    }
    return length < 0 ? "none" : std::string(bytes.data(), static_cast<std::size_t>(length));
}

TEST(ControlSocket, WaitsWithoutADescriptorForAClientAndServesItLater) {
    if (kSanitized)
        GTEST_SKIP() << "UndefinedBehaviorSanitizer ends a process that has no descriptor left for it";
    const TemporaryFolder folder;
    ControlSocket control(folder.path() + "/socket",
                          [](std::string_view line) { return "got " + std::string(line); });
    const process::FileDescriptor client = connect_to(folder.path() + "/socket");
    ASSERT_EQ(send(client.get(), "word\n", 5, 0), 5);
    testing::internal::CaptureStderr();
    {
        const NoDescriptors none;
        EXPECT_LE(turns_in(300ms, control), 40) << "15, plus those that could accept a client";
    }
    EXPECT_NE(testing::internal::GetCapturedStderr().find("Too many open files"), std::string::npos);
    EXPECT_EQ(answer_to(client, control), "got word\n");
}

}  // namespace
}  // namespace l2echo::operations
