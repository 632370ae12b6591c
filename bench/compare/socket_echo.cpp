// socket_echo: an echo server without DPDK. Uses a raw socket on a kernel interface and handles as many
// frames per system call as are waiting. With `ring`, it reads them from a ring shared with the kernel
// (TPACKET_V3). It sleeps in the kernel while no frames arrive. Prints its counts as JSON when it ends.
//
// socket_echo INTERFACE [ring]

#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <sys/mman.h>
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
#include <string_view>
#include <system_error>

namespace {

constexpr std::size_t kBurst = 32;
constexpr std::size_t kMaxFrame = 2048;
constexpr int kBufferBytes = 16 << 20;  // the kernel's default holds fewer than 200 frames

volatile std::sig_atomic_t stop_requested = 0;

void check(int result, const char* what) {
    if (result < 0)
        throw std::system_error(errno, std::generic_category(), what);
}

class RawSocket {
  public:
    /// The ring must be set up before frames arrive.
    RawSocket(const char* interface, const tpacket_req3* ring) {
        sockaddr_ll address{};
        address.sll_family = AF_PACKET;
        address.sll_protocol = htons(ETH_P_ALL);
        address.sll_ifindex = static_cast<int>(if_nametoindex(interface));
        check(address.sll_ifindex == 0 ? -1 : 0, interface);
        check(fd_, "raw socket");
        const int on = 1;
        const timeval wait{0, 100'000};  // limits how long a signal can go unnoticed
        set(SOL_PACKET, PACKET_IGNORE_OUTGOING, on);
        set(SOL_SOCKET, SO_RCVBUFFORCE, kBufferBytes);
        set(SOL_SOCKET, SO_SNDBUFFORCE, kBufferBytes);
        set(SOL_SOCKET, SO_RCVTIMEO, wait);
        if (ring != nullptr) {
            const int version = TPACKET_V3;
            set(SOL_PACKET, PACKET_VERSION, version);
            set(SOL_PACKET, PACKET_RX_RING, *ring);
        }
        check(bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), interface);
    }
    ~RawSocket() { close(fd_); }
    RawSocket(const RawSocket&) = delete;
    RawSocket& operator=(const RawSocket&) = delete;

    int fd() const { return fd_; }

    /// Frames dropped because the receive buffer was full.
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

void swap_addresses(std::uint8_t* frame) {
    std::swap_ranges(frame, frame + ETH_ALEN, frame + ETH_ALEN);
}

/// Queues frames for sending, and counts received and sent frames.
class Outbox {
  public:
    explicit Outbox(int fd) : fd_(fd) {
        for (std::size_t i = 0; i < kBurst; ++i) {
            messages_[i].msg_hdr.msg_iov = &parts_[i];
            messages_[i].msg_hdr.msg_iovlen = 1;
        }
    }

    /// Queues the frame, swapped; its bytes must stay valid until flush().
    void add(std::uint8_t* frame, std::size_t length) {
        ++received_;
        swap_addresses(frame);
        parts_[count_] = {frame, length};
        if (++count_ == kBurst)
            flush();
    }

    /// A frame that the kernel rejects is dropped; the frames after it are still sent.
    void flush() {
        for (unsigned first = 0; first < count_;) {
            const int sent = sendmmsg(fd_, messages_.data() + first, count_ - first, 0);
            echoed_ += static_cast<std::uint64_t>(std::max(sent, 0));
            first += static_cast<unsigned>(std::max(sent, 1));
        }
        count_ = 0;
    }

    std::uint64_t received() const { return received_; }
    std::uint64_t echoed() const { return echoed_; }

  private:
    int fd_;
    unsigned count_ = 0;
    std::array<iovec, kBurst> parts_{};
    std::array<mmsghdr, kBurst> messages_{};
    std::uint64_t received_ = 0;
    std::uint64_t echoed_ = 0;
};

/// Copies the frames, as many per system call as are waiting.
class CallInbox {
  public:
    explicit CallInbox(int fd) : fd_(fd) {
        for (std::size_t i = 0; i < kBurst; ++i) {
            parts_[i] = {frames_[i].data(), kMaxFrame};
            messages_[i].msg_hdr.msg_iov = &parts_[i];
            messages_[i].msg_hdr.msg_iovlen = 1;
        }
    }

    void take_turn(Outbox& outbox) {
        const int received = recvmmsg(fd_, messages_.data(), kBurst, MSG_WAITFORONE, nullptr);
        if (received < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        check(received, "recvmmsg");
        for (std::size_t i = 0; i < static_cast<std::size_t>(received); ++i)
            outbox.add(frames_[i].data(), messages_[i].msg_len);
        outbox.flush();
    }

  private:
    int fd_;
    std::array<std::array<std::uint8_t, kMaxFrame>, kBurst> frames_{};
    std::array<iovec, kBurst> parts_{};
    std::array<mmsghdr, kBurst> messages_{};
};

/// Reads blocks of frames in the kernel's ring (Linux, Documentation/networking/packet_mmap.rst). The kernel
/// hands over a block when it is full or one millisecond old.
class RingInbox {
  public:
    static constexpr unsigned kBlockBytes = 1 << 18;
    static constexpr unsigned kBlocks = kBufferBytes / kBlockBytes;

    static tpacket_req3 request() {
        tpacket_req3 ring{};
        ring.tp_block_size = kBlockBytes;
        ring.tp_block_nr = kBlocks;
        ring.tp_frame_size = kMaxFrame;
        ring.tp_frame_nr = kBlocks * (kBlockBytes / kMaxFrame);
        ring.tp_retire_blk_tov = 1;
        return ring;
    }

    explicit RingInbox(int fd) : fd_(fd) {
        void* memory = mmap(nullptr, kBufferBytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        check(memory == MAP_FAILED ? -1 : 0, "mmap of the ring");
        blocks_ = static_cast<std::uint8_t*>(memory);
    }
    ~RingInbox() { munmap(blocks_, kBufferBytes); }
    RingInbox(const RingInbox&) = delete;
    RingInbox& operator=(const RingInbox&) = delete;

    void take_turn(Outbox& outbox) {
        std::uint8_t* block = blocks_ + std::size_t{next_} * kBlockBytes;
        auto& header = reinterpret_cast<tpacket_block_desc*>(block)->hdr.bh1;
        const std::atomic_ref<std::uint32_t> status(header.block_status);
        if ((status.load(std::memory_order_acquire) & TP_STATUS_USER) == 0) {
            pollfd wait{fd_, POLLIN, 0};
            if (poll(&wait, 1, 100) < 0 && errno != EINTR)
                check(-1, "poll");
            return;
        }
        std::uint8_t* frame = block + header.offset_to_first_pkt;
        for (std::uint32_t i = 0; i < header.num_pkts; ++i) {
            const auto& packet = *reinterpret_cast<const tpacket3_hdr*>(frame);
            outbox.add(frame + packet.tp_mac, packet.tp_snaplen);
            frame += packet.tp_next_offset;
        }
        outbox.flush();
        status.store(TP_STATUS_KERNEL, std::memory_order_release);
        next_ = (next_ + 1) % kBlocks;
    }

  private:
    int fd_;
    std::uint8_t* blocks_ = nullptr;
    unsigned next_ = 0;
};

void echo_until_stopped(const char* interface, const RawSocket& socket, auto& inbox) {
    Outbox outbox(socket.fd());
    fmt::print(stderr, "Ready: echoing on {}\n", interface);
    while (stop_requested == 0)
        inbox.take_turn(outbox);
    fmt::print("{{\"received\":{},\"echoed\":{},\"dropped\":{},\"missed\":{}}}\n", outbox.received(),
               outbox.echoed(), outbox.received() - outbox.echoed(), socket.missed());
}

void run(const char* interface, bool with_ring) {
    struct sigaction action {};
    action.sa_handler = [](int) { stop_requested = 1; };
    check(sigaction(SIGINT, &action, nullptr), "sigaction");
    check(sigaction(SIGTERM, &action, nullptr), "sigaction");
    const tpacket_req3 ring = RingInbox::request();
    const RawSocket socket(interface, with_ring ? &ring : nullptr);
    if (with_ring) {
        RingInbox inbox(socket.fd());
        echo_until_stopped(interface, socket, inbox);
    } else {
        const auto inbox = std::make_unique<CallInbox>(socket.fd());
        echo_until_stopped(interface, socket, *inbox);
    }
}

}  // namespace

int main(int argc, char** argv) {
    const bool with_ring = argc == 3 && std::string_view(argv[2]) == "ring";
    if (argc != 2 && !with_ring) {
        fmt::print(stderr, "usage: socket_echo INTERFACE [ring]\n");
        return 2;
    }
    try {
        run(argv[1], with_ring);
        return 0;
    } catch (const std::exception& error) {
        fmt::print(stderr, "socket_echo: error: {}\n", error.what());
        return 1;
    }
}
