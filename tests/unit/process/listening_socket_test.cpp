#include "l2echo/process/listening_socket.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <thread>
#include <vector>

#include "l2echo/process/error.hpp"

namespace l2echo::process {
namespace {

constexpr int kTypes[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};

class ListeningSockets : public testing::Test {
  protected:
    ListeningSockets() {
        EXPECT_NE(mkdtemp(folder_.data()), nullptr);
        path_ = folder_ + "/socket";
    }
    ~ListeningSockets() override { std::filesystem::remove_all(folder_); }

    sockaddr_un address() const {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::strcpy(address.sun_path, path_.c_str());
        return address;
    }

    FileDescriptor bound(int type) const {
        FileDescriptor made(socket(AF_UNIX, type, 0));
        const sockaddr_un at = address();
        EXPECT_EQ(bind(made.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at), 0);
        return made;
    }

    FileDescriptor connected() const {
        FileDescriptor client(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0));
        const sockaddr_un at = address();
        if (connect(client.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0)
            return {};
        return client;
    }

    ino_t inode() const {
        struct stat status {};
        return lstat(path_.c_str(), &status) == 0 ? status.st_ino : 0;
    }

    /// The existing socket is neither taken over nor removed.
    std::string expect_left_alone() const {
        const ino_t before = inode();
        std::string why;
        try {
            const ListeningSocket taken("--socket", path_, 1);
            ADD_FAILURE() << "was taken over";
        } catch (const StartupError& error) {
            why = error.what();
        }
        EXPECT_TRUE(why.starts_with("--socket " + path_ + ": ")) << why;
        EXPECT_EQ(inode(), before);
        return why;
    }

    std::string folder_ = testing::TempDir() + "l2echo_XXXXXX";
    std::string path_;
};

TEST_F(ListeningSockets, AreAccessibleOnlyToTheirUserWhateverTheUmask) {
    const mode_t before = umask(0);
    const ListeningSocket listener("--socket", path_, 1);
    EXPECT_EQ(umask(before), 0u);
    struct stat status {};
    ASSERT_EQ(lstat(path_.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode, S_IFSOCK | S_IRUSR | S_IWUSR);
}

TEST_F(ListeningSockets, LeaveNothingBehind) {
    { const ListeningSocket listener("--socket", path_, 1); }
    EXPECT_EQ(inode(), 0u);
}

TEST_F(ListeningSockets, ReplaceTheSocketOfADeadProcess) {
    for (const int type : kTypes) {
        { const FileDescriptor dead = bound(type); }
        const ListeningSocket listener("--socket", path_, 1);
        EXPECT_TRUE(connected().valid());
    }
}

TEST_F(ListeningSockets, LeaveLiveSocketsOfEveryTypeAlone) {
    for (const int type : kTypes) {
        const FileDescriptor live = bound(type);
        EXPECT_NE(expect_left_alone().find("another process"), std::string::npos) << type;
        if (type != SOCK_DGRAM) {
            EXPECT_EQ(listen(live.get(), 1), 0);
            expect_left_alone();
        }
        unlink(path_.c_str());
    }
}

TEST_F(ListeningSockets, DoNotWaitForAProcessThatAcceptsNothing) {
    const FileDescriptor live = bound(SOCK_STREAM);
    ASSERT_EQ(listen(live.get(), 0), 0);
    std::vector<FileDescriptor> clients;
    do
        clients.push_back(connected());
    while (clients.back().valid());
    expect_left_alone();
}

TEST_F(ListeningSockets, LeaveDeadSocketsOfOtherUsersAlone) {
    if (geteuid() != 0)
        GTEST_SKIP() << "needs root";
    { const FileDescriptor dead = bound(SOCK_STREAM); }
    constexpr uid_t kNobody = 65534;
    ASSERT_EQ(chown(path_.c_str(), kNobody, kNobody), 0);
    EXPECT_NE(expect_left_alone().find("type: rm " + path_), std::string::npos);
}

TEST_F(ListeningSockets, LeaveAPathThatIsNoLongerTheirs) {
    FileDescriptor other;
    {
        const ListeningSocket listener("--socket", path_, 1);
        unlink(path_.c_str());
        other = bound(SOCK_STREAM);
    }
    EXPECT_NE(inode(), 0u);
}

TEST_F(ListeningSockets, OfManyConcurrentStartsOneGetsTheName) {
    for (int round = 0; round < 20; ++round) {
        { const FileDescriptor dead = bound(SOCK_STREAM); }
        std::vector<std::unique_ptr<ListeningSocket>> listeners(4);
        std::atomic<bool> go{false};
        {
            std::vector<std::jthread> threads;
            for (auto& listener : listeners)
                threads.emplace_back([&] {
                    while (!go.load())
                        std::this_thread::yield();
                    try {
                        listener = std::make_unique<ListeningSocket>("--socket", path_, 1);
                    } catch (const StartupError&) {
                    }
                });
            go = true;
        }
        EXPECT_EQ(std::erase_if(listeners, [](const auto& listener) { return listener == nullptr; }), 3u);
        EXPECT_TRUE(connected().valid());
    }
}

}  // namespace
}  // namespace l2echo::process
