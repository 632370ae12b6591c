// tun_host: one TCP connection of the library over a tun device. Sends the pattern of
// tests/foreign/pattern.py, checks what it receives, or echoes it, and prints the outcome as JSON.

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <system_error>

#include "l2echo/cli/endpoint.hpp"
#include "l2echo/cli/option_table.hpp"
#include "l2echo/process/program.hpp"
#include "packet_host.hpp"

namespace l2echo {
namespace {

constexpr std::size_t kMaxPacket = 65536;
constexpr int kPacketsPerTurn = 64;

struct ProgramOptions {
    std::string tun;
    HostOptions host{};
    std::optional<std::string> print;
};

ProgramOptions parse_options(const std::vector<std::string>& arguments) {
    cli::OptionTable table("tun_host", "One TCP connection over a tun device", "");
    ProgramOptions options;
    HostOptions& host = options.host;
    std::string address;
    cli::Endpoint peer;
    double seconds = 0;
    constexpr const char* kGroup = "Host";
    const auto add = [&](const char* name, cli::OptionValue value, const char* help) {
        table.add({.name = name, .group = kGroup, .value = std::move(value), .help = help});
    };
    add("--tun", cli::text(options.tun, "NAME"), "Existing tun device");
    add("--address", cli::text(address, "ADDRESS"), "Address of this host, IPv4 or IPv6");
    add("--listen", cli::number(host.listen_port), "Accept one connection at this port");
    add("--connect", cli::converted(peer, "ADDRESS:PORT", cli::parse_endpoint),
        "Open a connection to this endpoint");
    add("--send", cli::number(host.bytes_to_send), "Bytes of the pattern to send");
    add("--seconds", cli::time(seconds), "Stop sending after this time; 0: when all bytes are sent");
    add("--echo", cli::flag(host.echo), "Send back what arrives instead");
    add("--mtu", cli::number(host.mtu, {.min = 576}), "MTU of the link");
    add("--congestion",
        cli::choice(host.settings.congestion, {{"cubic", tcp::CongestionAlgorithm::Cubic},
                                               {"newreno", tcp::CongestionAlgorithm::NewReno}}),
        "Congestion control");
    options.print = table.parse(arguments);
    if (options.print)
        return options;
    host.address = parse_address(address);
    if (!peer.empty())
        host.peer = parse_address(peer.address);
    host.peer_port = peer.port;
    host.send_for = std::chrono::duration_cast<tcp::Micros>(std::chrono::duration<double>(seconds));
    return options;
}

tcp::Micros now() {
    return std::chrono::duration_cast<tcp::Micros>(std::chrono::steady_clock::now().time_since_epoch());
}

class Tun {
  public:
    explicit Tun(const std::string& name)
        : descriptor_(open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC)) {
        if (descriptor_ < 0)
            throw std::system_error(errno, std::generic_category(), "/dev/net/tun");
        ifreq request{};
        name.copy(request.ifr_name, IFNAMSIZ - 1);
        request.ifr_flags = IFF_TUN | IFF_NO_PI;
        if (ioctl(descriptor_, TUNSETIFF, &request) != 0)
            throw std::system_error(errno, std::generic_category(), "--tun " + name);
    }
    ~Tun() { close(descriptor_); }
    Tun(const Tun&) = delete;
    Tun& operator=(const Tun&) = delete;

    std::span<const std::byte> receive() {
        const ssize_t length = read(descriptor_, packet_.data(), packet_.size());
        return std::span(packet_).first(static_cast<std::size_t>(std::max<ssize_t>(length, 0)));
    }

    /// What the device refuses is lost, as on a wire.
    void send(std::span<const std::byte> packet) const {
        [[maybe_unused]] const ssize_t written = write(descriptor_, packet.data(), packet.size());
    }

    void wait(std::optional<tcp::Micros> deadline) const {
        pollfd wanted{.fd = descriptor_, .events = POLLIN, .revents = 0};
        timespec timeout{1, 0};
        if (deadline) {
            const auto left = std::clamp(*deadline - now(), tcp::Micros(0), tcp::Micros(999'999));
            timeout = {0, static_cast<long>(left.count() * 1000)};
        }
        ppoll(&wanted, 1, &timeout, nullptr);
    }

  private:
    int descriptor_;
    std::array<std::byte, kMaxPacket> packet_{};
};

nlohmann::ordered_json describe(const HostOutcome& outcome) {
    const tcp::Info& info = outcome.info;
    return {
        {"outcome", outcome.end},
        {"sent", outcome.sent},
        {"received", outcome.received},
        {"wrong_at", outcome.wrong_at ? nlohmann::json(*outcome.wrong_at) : nlohmann::json()},
        {"receive_seconds", std::chrono::duration<double>(outcome.last_byte - outcome.first_byte).count()},
        {"retransmitted", info.segments_retransmitted},
        {"timeouts", info.timeouts},
        {"recoveries", info.recoveries},
        {"undone", info.undone},
        {"probes", info.probes},
        {"smoothed_rtt_us", info.smoothed_rtt.count()},
        {"sack", info.sack},
        {"timestamps", info.timestamps},
        {"window_scaling", info.window_scaling},
        {"arena_bytes_in_use", outcome.arena_bytes_in_use}};
}

void run(const ProgramOptions& options) {
    Tun tun(options.tun);
    PacketHost host(
        options.host, [&](std::span<const std::byte> packet) { tun.send(packet); }, now());
    fmt::print(stderr, "Ready\n");
    while (!host.ended()) {
        tun.wait(host.deadline());
        for (int i = 0; i < kPacketsPerTurn; ++i) {
            const auto packet = tun.receive();
            if (packet.empty())
                break;
            host.take(packet, now());
        }
        host.turn(now());
    }
    fmt::print("{}\n", describe(host.outcome()).dump());
}

}  // namespace
}  // namespace l2echo

int main(int argc, char** argv) {
    return l2echo::process::run_program(argv[0], [&](const std::string&) {
        const auto options = l2echo::parse_options({argv, argv + argc});
        if (options.print)
            fmt::print("{}", *options.print);
        else
            l2echo::run(options);
    });
}
