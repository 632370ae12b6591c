// cross_wire: two ports with crossed rings, each polled by its own lcore. The far end writes and sends
// frames. The echo returns them while their bytes are still in the other core's cache, as after a NIC wrote
// them. Then the far end checks each frame. The two alternate, so that the echo always finds full bursts.
// Prints JSON.
//
// cross_wire EAL-ARGUMENTS -- --loop raw|default|testpmd-pattern --frames N --rounds N

#include <fmt/format.h>
#include <rte_cycles.h>
#include <rte_errno.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_ring.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "burst_loops.hpp"
#include "l2echo/cli/option_table.hpp"
#include "l2echo/dpdk/eal.hpp"
#include "l2echo/dpdk/mempool.hpp"
#include "l2echo/dpdk/result.hpp"
#include "l2echo/dpdk/version.hpp"
#include "l2echo/echo/echo_pair.hpp"
#include "l2echo/process/error.hpp"
#include "l2echo/process/program.hpp"

namespace l2echo {
namespace {

constexpr std::uint16_t kBurst = 32;
constexpr std::uint16_t kFrameLength = 60;

struct Header {
    std::array<std::uint8_t, 14> ethernet;
    std::uint8_t padding[2];
    std::uint32_t number;
};

constexpr std::array<std::uint8_t, 14> kSent{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0};
constexpr std::array<std::uint8_t, 14> kReturned{2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0};

struct Settings {
    std::string loop = "raw";
    std::uint32_t frames = 8192;
    std::uint32_t rounds = 1000;
    std::vector<std::string> eal;
    std::optional<std::string> print;
};

class Ring {
  public:
    Ring(const char* name, std::uint32_t entries)
        : ring_(rte_ring_create(name, rte_align32pow2(entries + 1), SOCKET_ID_ANY,
                                RING_F_SP_ENQ | RING_F_SC_DEQ)) {
        if (ring_ == nullptr)
            throw process::StartupError(
                fmt::format("ring of {} entries: {}", entries, rte_strerror(rte_errno)));
    }
    ~Ring() { rte_ring_free(ring_); }
    Ring(const Ring&) = delete;
    Ring& operator=(const Ring&) = delete;

    rte_ring* get() const { return ring_; }

  private:
    rte_ring* ring_;
};

/// A started port that uses two rings.
class RingPort {
  public:
    RingPort(const char* name, const Ring& rx, const Ring& tx, const dpdk::Mempool& pool) {
        rte_ring* from = rx.get();
        rte_ring* to = tx.get();
        const int port = rte_eth_from_rings(name, &from, 1, &to, 1, 0);
        dpdk::throw_if_failed(port, name);
        id_ = static_cast<std::uint16_t>(port);
        const rte_eth_conf conf{};
        dpdk::throw_if_failed(rte_eth_dev_configure(id_, 1, 1, &conf), "rte_eth_dev_configure");
        dpdk::throw_if_failed(rte_eth_rx_queue_setup(id_, 0, 512, 0, nullptr, pool.get()),
                              "rte_eth_rx_queue_setup");
        dpdk::throw_if_failed(rte_eth_tx_queue_setup(id_, 0, 512, 0, nullptr), "rte_eth_tx_queue_setup");
        dpdk::throw_if_failed(rte_eth_dev_start(id_), "rte_eth_dev_start");
    }
    ~RingPort() {
        rte_eth_dev_stop(id_);
        rte_eth_dev_close(id_);
    }
    RingPort(const RingPort&) = delete;
    RingPort& operator=(const RingPort&) = delete;

    std::uint16_t id() const { return id_; }

  private:
    std::uint16_t id_ = 0;
};

/// Writes all frames, sends them, and checks those that return: each exactly once, in order, with swapped
/// addresses.
class FarEnd {
  public:
    FarEnd(std::uint16_t port, const dpdk::Mempool& pool, std::uint32_t frames)
        : port_(port), frames_(frames) {
        if (rte_pktmbuf_alloc_bulk(pool.get(), frames_.data(), frames) != 0)
            throw process::StartupError("cannot allocate enough mbufs from the new mempool");
        for (rte_mbuf* frame : frames_)
            std::memset(rte_pktmbuf_append(frame, kFrameLength), 0, kFrameLength);
        std::shuffle(frames_.begin(), frames_.end(), std::mt19937(1));
    }
    ~FarEnd() { rte_pktmbuf_free_bulk(frames_.data(), static_cast<unsigned>(frames_.size())); }
    FarEnd(const FarEnd&) = delete;
    FarEnd& operator=(const FarEnd&) = delete;

    void send_all() {
        const Header header{kSent, {}, 0};
        std::uint32_t number = 0;
        for (rte_mbuf* frame : frames_) {
            auto* bytes = rte_pktmbuf_mtod(frame, Header*);
            *bytes = header;
            bytes->number = number++;
        }
        for (std::size_t sent = 0; sent < frames_.size();)
            sent += rte_eth_tx_burst(
                port_, 0, frames_.data() + sent,
                static_cast<std::uint16_t>(std::min<std::size_t>(kBurst, frames_.size() - sent)));
        frames_.clear();
    }

    void take_all(std::size_t count) {
        std::array<rte_mbuf*, kBurst> burst;
        while (const std::uint16_t taken = rte_eth_rx_burst(port_, 0, burst.data(), kBurst))
            frames_.insert(frames_.end(), burst.begin(), burst.begin() + taken);
        for (std::size_t i = 0; i < frames_.size(); ++i) {
            const auto* bytes = rte_pktmbuf_mtod(frames_[i], const Header*);
            reordered_ += bytes->number != i;
            corrupted_ += bytes->ethernet != kReturned || frames_[i]->pkt_len != kFrameLength;
        }
        lost_ += count - frames_.size();
    }

    std::uint64_t lost() const { return lost_; }
    std::uint64_t reordered() const { return reordered_; }
    std::uint64_t corrupted() const { return corrupted_; }

  private:
    std::uint16_t port_;
    std::vector<rte_mbuf*> frames_;
    std::uint64_t lost_ = 0;
    std::uint64_t reordered_ = 0;
    std::uint64_t corrupted_ = 0;
};

enum class Turn { FarEnd, Echo, Nobody };

/// The echo's end: waits for its turn, returns all frames, records the cycles.
struct EchoEnd {
    std::uint16_t port = 0;
    bool testpmd = false;
    echo::EchoPair& pair;
    std::uint32_t frames = 0;
    std::atomic<Turn>& turn;
    std::vector<std::uint64_t> cycles;  // per round

    std::uint64_t echo_all() noexcept {
        const std::uint64_t began = rte_rdtsc();
        if (testpmd)
            for (std::uint32_t received = 0; received < frames;)
                received += testpmd_poll(port).received;
        else
            for (std::uint32_t received = 0; received < frames;)
                received += pair.poll(began);
        return rte_rdtsc() - began;
    }
};

int run_echo_end(void* argument) {
    auto& end = *static_cast<EchoEnd*>(argument);
    for (;;) {
        Turn turn;
        while ((turn = end.turn.load(std::memory_order_acquire)) == Turn::FarEnd)
            rte_pause();
        if (turn == Turn::Nobody)
            return 0;
        end.cycles.push_back(end.echo_all());
        end.turn.store(Turn::FarEnd, std::memory_order_release);
    }
}

nlohmann::ordered_json describe(const Settings& settings, const EchoEnd& echo, const FarEnd& far_end) {
    // The first round is a warm-up. If it loses frames, the run ends.
    const auto begin = echo.cycles.begin() + (echo.cycles.empty() ? 0 : 1);
    std::vector<std::uint64_t> cycles(begin, echo.cycles.end());
    std::sort(cycles.begin(), cycles.end());
    const auto per_frame = [&](double quantile) -> nlohmann::ordered_json {
        if (cycles.empty())
            return nullptr;
        const auto index = static_cast<std::size_t>(quantile * static_cast<double>(cycles.size() - 1));
        return static_cast<double>(cycles[index]) / settings.frames;
    };
    nlohmann::ordered_json found{{"loop", settings.loop},
                                 {"frames", settings.frames},
                                 {"rounds", cycles.size()},
                                 {"tsc_hz", rte_get_tsc_hz()},
                                 {"cycles_per_frame", per_frame(0.5)},
                                 {"lower_quartile", per_frame(0.25)},
                                 {"upper_quartile", per_frame(0.75)},
                                 {"lost", far_end.lost()},
                                 {"reordered", far_end.reordered()},
                                 {"corrupted", far_end.corrupted()}};
    if (!echo.testpmd) {
        const verdict::FrameCounts counts = echo.pair.queues.counters.read();
        found["echo"] = {{"received", counts[verdict::Count::Received]},
                         {"echoed", counts[verdict::Count::Echoed]},
                         {"answered", counts[verdict::Count::Answered]},
                         {"refused", counts.refused()},
                         {"dropped", counts[verdict::Count::Dropped]}};
    }
    return found;
}

Settings parse(const std::vector<std::string>& arguments) {
    cli::OptionTable table("cross_wire", "Returns frames that another core has just written",
                           dpdk::version_text());
    Settings settings;
    constexpr const char* kGroup = "Benchmark";
    table.add(
        {.name = "--loop",
         .group = kGroup,
         .value = cli::choice(
             settings.loop, {{"raw", "raw"}, {"default", "default"}, {"testpmd-pattern", "testpmd-pattern"}}),
         .help = "Loop that returns the frames"});
    table.add({.name = "--frames",
               .group = kGroup,
               .value = cli::number(settings.frames, {.min = kBurst, .max = 1u << 20, .unit = "frames"}),
               .help = "Frames written and returned in each round"});
    table.add({.name = "--rounds",
               .group = kGroup,
               .value = cli::number(settings.rounds, {.min = 1, .max = 1u << 20, .unit = "rounds"}),
               .help = "Rounds measured after one warm-up round"});
    settings.print = table.parse(arguments);
    settings.eal = table.eal_arguments();
    return settings;
}

void run(const std::string& program, const std::vector<std::string>& arguments) {
    const Settings settings = parse(arguments);
    if (settings.print) {
        fmt::print("{}", *settings.print);
        return;
    }
    const dpdk::Eal eal(program, settings.eal);
    const unsigned echo_lcore = rte_get_next_lcore(-1, 1, 0);
    if (echo_lcore == RTE_MAX_LCORE)
        throw process::StartupError("a wire has two ends: give two lcores, such as -l 0-1");

    const dpdk::Mempool pool("frames", settings.frames, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
    const Ring there("there", settings.frames);
    const Ring back("back", settings.frames);
    const RingPort near_port("near", there, back, pool);
    const RingPort far_port("far", back, there, pool);

    constexpr wire::MacAddress kOwnMac = 0x0300'0000'0002;  // 02:00:00:00:00:03, of no station here
    echo::EchoPort echo_port(
        std::make_unique<const echo::WireRules>(echo::RulesRequest{.raw = settings.loop == "raw"},
                                                echo::RulesPort{.own_mac = kOwnMac, .own_macs = {kOwnMac}}));
    echo::EchoPair pair({.queue_pair = {.port = near_port.id()}}, echo_port);
    std::atomic<Turn> turn{Turn::FarEnd};
    EchoEnd echo{near_port.id(), settings.loop == "testpmd-pattern", pair, settings.frames, turn, {}};
    echo.cycles.reserve(settings.rounds + 1);
    FarEnd far_end(far_port.id(), pool, settings.frames);

    dpdk::throw_if_failed(rte_eal_remote_launch(run_echo_end, &echo, echo_lcore), "rte_eal_remote_launch");
    for (std::uint32_t round = 0; round <= settings.rounds; ++round) {
        far_end.send_all();
        turn.store(Turn::Echo, std::memory_order_release);
        while (turn.load(std::memory_order_acquire) != Turn::FarEnd)
            rte_pause();
        far_end.take_all(settings.frames);
        if (far_end.lost() > 0)
            break;
    }
    turn.store(Turn::Nobody, std::memory_order_release);
    rte_eal_wait_lcore(echo_lcore);
    fmt::print("{}\n", describe(settings, echo, far_end).dump());
}

}  // namespace
}  // namespace l2echo

int main(int argc, char** argv) {
    return l2echo::process::run_program(argv[0], [&](const std::string& program) {
        l2echo::run(program, {argv, argv + argc});
    });
}
