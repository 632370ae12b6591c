// socket_echo: what an echo server without DPDK looks like. A raw socket on a kernel interface, as many
// frames in a system call as wait; it sleeps in the kernel while none does. Prints what it did as JSON when
// it ends.

#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <memory>
#include <system_error>

namespace {

constexpr std::size_t kBurst = 32;
constexpr std::size_t kLongestFrame = 2048;
constexpr int kBufferBytes = 16 << 20;  // the kernel's default holds less than 200 frames

volatile std::sig_atomic_t stop_requested = 0;

void check(int result, const char* what) {
    if (result < 0)
        throw std::system_error(errno, std::generic_category(), what);
}

class RawSocket {
  public:
    explicit RawSocket(const char* interface) {
        sockaddr_ll address{};
        address.sll_family = AF_PACKET;
        address.sll_protocol = htons(ETH_P_ALL);
        address.sll_ifindex = static_cast<int>(if_nametoindex(interface));
        check(address.sll_ifindex == 0 ? -1 : 0, interface);
        check(fd_, "raw socket");
        const int on = 1;
        const timeval wait{0, 100'000};  // so that a signal between two calls is seen
        set(SOL_PACKET, PACKET_IGNORE_OUTGOING, on);
        set(SOL_SOCKET, SO_RCVBUFFORCE, kBufferBytes);
        set(SOL_SOCKET, SO_SNDBUFFORCE, kBufferBytes);
        set(SOL_SOCKET, SO_RCVTIMEO, wait);
        check(bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), interface);
    }
    ~RawSocket() { close(fd_); }
    RawSocket(const RawSocket&) = delete;
    RawSocket& operator=(const RawSocket&) = delete;

    int fd() const { return fd_; }

    /// Frames that found the receive buffer full.
    std::uint64_t missed() const {
        tpacket_stats stats{};
        socklen_t length = sizeof(stats);
        check(getsockopt(fd_, SOL_PACKET, PACKET_STATISTICS, &stats, &length), "PACKET_STATISTICS");
        return stats.tp_drops;
    }

  private:
    template <typename Value>
    void set(int level, int option, const Value& value) {
        check(setsockopt(fd_, level, option, &value, sizeof(value)), "socket option");
    }

    int fd_ = socket(AF_PACKET, SOCK_RAW, 0);
};

class Echo {
  public:
    explicit Echo(int fd) : fd_(fd) {
        for (std::size_t i = 0; i < kBurst; ++i) {
            parts_[i].iov_base = frames_[i].data();
            messages_[i].msg_hdr.msg_iov = &parts_[i];
            messages_[i].msg_hdr.msg_iovlen = 1;
        }
    }

    void turn() {
        for (iovec& part : parts_)
            part.iov_len = kLongestFrame;
        const int received = recvmmsg(fd_, messages_.data(), kBurst, MSG_WAITFORONE, nullptr);
        if (received < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        check(received, "recvmmsg");
        received_ += static_cast<std::uint64_t>(received);
        for (std::size_t i = 0; i < static_cast<std::size_t>(received); ++i) {
            parts_[i].iov_len = messages_[i].msg_len;
            std::swap_ranges(frames_[i].begin(), frames_[i].begin() + ETH_ALEN,
                             frames_[i].begin() + ETH_ALEN);
        }
        send(static_cast<unsigned>(received));
    }

    std::uint64_t received() const { return received_; }
    std::uint64_t echoed() const { return echoed_; }
    std::uint64_t dropped() const { return received_ - echoed_; }

  private:
    /// A frame that the kernel does not take is dropped; those behind it are not.
    void send(unsigned count) {
        for (unsigned first = 0; first < count;) {
            const int sent = sendmmsg(fd_, messages_.data() + first, count - first, 0);
            echoed_ += static_cast<std::uint64_t>(std::max(sent, 0));
            first += static_cast<unsigned>(std::max(sent, 1));
        }
    }

    int fd_;
    std::array<std::array<std::uint8_t, kLongestFrame>, kBurst> frames_{};
    std::array<iovec, kBurst> parts_{};
    std::array<mmsghdr, kBurst> messages_{};
    std::uint64_t received_ = 0;
    std::uint64_t echoed_ = 0;
};

void run(const char* interface) {
    struct sigaction action {};
    action.sa_handler = [](int) { stop_requested = 1; };
    check(sigaction(SIGINT, &action, nullptr), "sigaction");
    check(sigaction(SIGTERM, &action, nullptr), "sigaction");
    const RawSocket socket(interface);
    const auto echo = std::make_unique<Echo>(socket.fd());
    fmt::print(stderr, "Ready: echoing on {}\n", interface);
    while (stop_requested == 0)
        echo->turn();
    fmt::print("{{\"received\":{},\"echoed\":{},\"dropped\":{},\"missed\":{}}}\n", echo->received(),
               echo->echoed(), echo->dropped(), socket.missed());
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        fmt::print(stderr, "usage: socket_echo INTERFACE\n");
        return 2;
    }
    try {
        run(argv[1]);
        return 0;
    } catch (const std::exception& error) {
        fmt::print(stderr, "socket_echo: error: {}\n", error.what());
        return 1;
    }
}
