// The TCP library against lwIP, in one process. lwIP has neither SACK nor timestamps, small windows, and
// timers of 250 ms.
//
// Debian's lwIP is built with a size of its packet buffers that its own headers contradict: PBUF_POOL
// overflows the heap. Only PBUF_RAM is used here.

#include <gtest/gtest.h>

extern "C" {
#include <lwip/init.h>
#include <lwip/ip.h>
#include <lwip/netif.h>
#include <lwip/tcp.h>
#include <lwip/timeouts.h>
}

#include <algorithm>
#include <chrono>
#include <deque>
#include <random>
#include <string>
#include <tuple>
#include <vector>

#include "packet_host.hpp"

namespace l2echo {
namespace {

using Packet = std::vector<std::byte>;

constexpr std::uint16_t kPort = 7;
constexpr std::uint64_t kBytes = 300'000;
constexpr auto kPatience = std::chrono::seconds(60);
constexpr unsigned kLossPercent = 1;

tcp::Micros now() {
    return std::chrono::duration_cast<tcp::Micros>(std::chrono::steady_clock::now().time_since_epoch());
}

/// lwIP's interface: what it sends is appended to a queue.
class LwipInterface {
  public:
    static LwipInterface& instance() {
        static LwipInterface only;
        return only;
    }

    std::deque<Packet> sent;

    void take(const Packet& packet) {
        pbuf* buffer = pbuf_alloc(PBUF_RAW, static_cast<u16_t>(packet.size()), PBUF_RAM);
        ASSERT_NE(buffer, nullptr);
        std::memcpy(buffer->payload, packet.data(), packet.size());
        if (ip_input(buffer, &netif_) != ERR_OK)
            pbuf_free(buffer);
    }

  private:
    LwipInterface() {
        lwip_init();
        ip4_addr_t address;
        ip4_addr_t mask;
        ip4_addr_t gateway;
        IP4_ADDR(&address, 198, 51, 100, 1);
        IP4_ADDR(&mask, 255, 255, 255, 0);
        IP4_ADDR(&gateway, 0, 0, 0, 0);
        netif_add(&netif_, &address, &mask, &gateway, this, initialize, ip_input);
        netif_set_default(&netif_);
        netif_set_link_up(&netif_);
        netif_set_up(&netif_);
    }

    static err_t initialize(netif* interface) {
        interface->name[0] = 't';
        interface->name[1] = 't';
        interface->mtu = 1500;
        interface->output = [](netif* self, pbuf* buffer, const ip4_addr_t*) -> err_t {
            Packet packet(buffer->tot_len);
            pbuf_copy_partial(buffer, packet.data(), buffer->tot_len, 0);
            static_cast<LwipInterface*>(self->state)->sent.push_back(std::move(packet));
            return ERR_OK;
        };
        return ERR_OK;
    }

    netif netif_{};
};

/// lwIP's end of the connection: sends the pattern and compares what it receives with it.
class LwipEnd {
  public:
    explicit LwipEnd(std::uint64_t to_send) : to_send_(to_send) {}
    ~LwipEnd() {
        if (pcb_ != nullptr)
            tcp_abort(pcb_);
        if (listener_ != nullptr)
            tcp_close(listener_);
    }
    LwipEnd(const LwipEnd&) = delete;
    LwipEnd& operator=(const LwipEnd&) = delete;

    void listen() {
        tcp_pcb* pcb = tcp_new();
        ASSERT_EQ(tcp_bind(pcb, IP_ADDR_ANY, kPort), ERR_OK);
        listener_ = tcp_listen(pcb);
        tcp_arg(listener_, this);
        tcp_accept(listener_, [](void* self, tcp_pcb* accepted, err_t) -> err_t {
            static_cast<LwipEnd*>(self)->use(accepted);
            return ERR_OK;
        });
    }

    void connect() {
        ip_addr_t peer;
        IP_ADDR4(&peer, 198, 51, 100, 2);
        tcp_pcb* pcb = tcp_new();
        tcp_arg(pcb, this);
        tcp_err(pcb, on_error);
        ASSERT_EQ(tcp_connect(pcb, &peer, kPort,
                              [](void* self, tcp_pcb* connected, err_t) -> err_t {
                                  static_cast<LwipEnd*>(self)->use(connected);
                                  return ERR_OK;
                              }),
                  ERR_OK);
        pcb_ = pcb;
    }

    void write() {
        if (pcb_ == nullptr || !open_ || shut_down_)
            return;
        while (sent_ < to_send_ && tcp_sndbuf(pcb_) > 0) {
            const auto piece =
                pattern_.at(sent_, std::min<std::uint64_t>(to_send_ - sent_, tcp_sndbuf(pcb_)));
            if (tcp_write(pcb_, piece.data(), static_cast<u16_t>(piece.size()), TCP_WRITE_FLAG_COPY) !=
                ERR_OK)
                break;
            sent_ += piece.size();
        }
        tcp_output(pcb_);
        if (sent_ == to_send_ && tcp_shutdown(pcb_, 0, 1) == ERR_OK)
            shut_down_ = true;
    }

    std::uint64_t received = 0;
    bool peer_closed = false;
    bool wrong = false;
    bool failed = false;

  private:
    void use(tcp_pcb* pcb) {
        pcb_ = pcb;
        open_ = true;
        tcp_arg(pcb, this);
        tcp_err(pcb, on_error);
        tcp_recv(pcb, [](void* self, tcp_pcb* from, pbuf* bytes, err_t) -> err_t {
            static_cast<LwipEnd*>(self)->take(from, bytes);
            return ERR_OK;
        });
    }

    void take(tcp_pcb* from, pbuf* bytes) {
        if (bytes == nullptr) {
            peer_closed = true;
            return;
        }
        for (const pbuf* part = bytes; part != nullptr; part = part->next) {
            const auto* const at = static_cast<const std::byte*>(part->payload);
            const auto expected = pattern_.at(received, part->len);
            wrong = wrong || !std::equal(at, at + part->len, expected.begin(), expected.end());
            received += part->len;
        }
        tcp_recved(from, bytes->tot_len);
        pbuf_free(bytes);
    }

    /// lwIP has freed the connection. After both FINs, that is no failure (ERR_CLSD).
    static void on_error(void* self, err_t error) {
        static_cast<LwipEnd*>(self)->pcb_ = nullptr;
        static_cast<LwipEnd*>(self)->failed = error != ERR_CLSD;
    }

    std::uint64_t to_send_;
    std::uint64_t sent_ = 0;
    Pattern pattern_;
    tcp_pcb* listener_ = nullptr;
    tcp_pcb* pcb_ = nullptr;
    bool open_ = false;
    bool shut_down_ = false;
};

enum class Direction { ToLwip, FromLwip, Both, Echo };
enum class Opener { Lwip, Library };

class Lwip : public testing::TestWithParam<std::tuple<Direction, Opener, bool>> {};

TEST_P(Lwip, EveryByteArrivesAndBothEndsClose) {
    const auto [direction, opener, lossy] = GetParam();
    const std::uint64_t from_lwip = direction == Direction::ToLwip ? 0 : kBytes;
    const std::uint64_t to_lwip = direction == Direction::ToLwip || direction == Direction::Both ? kBytes : 0;

    LwipInterface& wire = LwipInterface::instance();
    wire.sent.clear();
    std::deque<Packet> to_lwip_packets;
    std::minstd_rand random(7);
    const auto is_lost = [&, loses = lossy] { return loses && random() % 100 < kLossPercent; };

    HostOptions options{.address = parse_address("198.51.100.2"),
                        .listen_port = kPort,
                        .bytes_to_send = to_lwip,
                        .echo = direction == Direction::Echo};
    LwipEnd lwip(from_lwip);
    if (opener == Opener::Library) {
        options.peer = parse_address("198.51.100.1");
        options.peer_port = kPort;
        lwip.listen();
    }
    PacketHost host(
        options,
        [&](std::span<const std::byte> packet) {
            to_lwip_packets.emplace_back(packet.begin(), packet.end());
        },
        now());
    if (opener == Opener::Lwip)
        lwip.connect();

    const auto end = std::chrono::steady_clock::now() + kPatience;
    while (!(host.ended() && lwip.peer_closed) && !lwip.failed && std::chrono::steady_clock::now() < end) {
        sys_check_timeouts();
        for (; !wire.sent.empty(); wire.sent.pop_front())
            if (!is_lost())
                host.take(wire.sent.front(), now());
        host.turn(now());
        for (; !to_lwip_packets.empty(); to_lwip_packets.pop_front())
            if (!is_lost())
                wire.take(to_lwip_packets.front());
        lwip.write();
    }

    const HostOutcome outcome = host.outcome();
    EXPECT_FALSE(lwip.failed);
    EXPECT_EQ(outcome.end, "closed");
    EXPECT_EQ(outcome.received, from_lwip);
    EXPECT_EQ(outcome.wrong_at, std::nullopt);
    EXPECT_EQ(lwip.received, direction == Direction::Echo ? kBytes : to_lwip);
    EXPECT_FALSE(lwip.wrong);
    EXPECT_TRUE(lwip.peer_closed);
    EXPECT_FALSE(outcome.info.sack);
    EXPECT_EQ(outcome.arena_bytes_in_use, 0u);
}

std::string name_of(const testing::TestParamInfo<Lwip::ParamType>& info) {
    const auto [direction, opener, lossy] = info.param;
    const char* const directions[] = {"ToLwip", "FromLwip", "Both", "Echo"};
    return std::string(directions[static_cast<int>(direction)]) +
           (opener == Opener::Lwip ? "LwipOpens" : "LibraryOpens") + (lossy ? "Lossy" : "");
}

INSTANTIATE_TEST_SUITE_P(Exchanges, Lwip,
                         testing::Combine(testing::Values(Direction::ToLwip, Direction::FromLwip,
                                                          Direction::Both, Direction::Echo),
                                          testing::Values(Opener::Lwip, Opener::Library), testing::Bool()),
                         name_of);

}  // namespace
}  // namespace l2echo
