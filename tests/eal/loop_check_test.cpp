// Which reflectors stop and which continue, for every combination of ports, cables, switches and other
// reflectors. docs/wire-rules.md has the same table.
#include "l2echo/wire/loop_check.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "echo_port_under_test.hpp"
#include "l2echo/echo/echo_pair.hpp"
#include "l2echo/wire/ethernet.hpp"
#include "ring_wire.hpp"

namespace l2echo {
namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr wire::MacAddress kTester = 0xFE'00'00'00'00'02;
constexpr wire::MacAddress kNobody = 0xFD'00'00'00'00'02;

wire::MacAddress mac_of(std::size_t port) {
    return 0x01'00'00'00'00'02 + (static_cast<wire::MacAddress>(port) << 40);
}

enum class ReflectorKind {
    Any,        ///< an l2echo that echoes to any MAC
    Own,        ///< --accept own
    AnySilent,  ///< --loop-check off
    OwnSilent,
    AnyStopped,  ///< an l2echo whose own checks have already come back
    Swapper,     ///< a blind reflector: testpmd, l2_echo --raw
};

/// A port of an l2echo, single-stepped by the test: no clock, no thread.
class Reflector {
  public:
    Reflector(ReflectorKind kind, std::size_t number, const wire::LoopCheckSender& sender) {
        echo::RulesRequest request;
        request.raw = kind == ReflectorKind::Swapper;
        request.accept_own_only = kind == ReflectorKind::Own || kind == ReflectorKind::OwnSilent;
        port_.rules() = echo::WireRules(request, {.own_mac = mac_of(number), .own_macs = {}});
        sends_ =
            kind == ReflectorKind::Any || kind == ReflectorKind::Own || kind == ReflectorKind::AnyStopped;
        sender_ = sender;
        if (kind == ReflectorKind::AnyStopped)
            gate().face(verdict::Facing::Reflector);
    }
    ~Reflector() {
        EXPECT_EQ(wire_.mbufs_in_use(), 0u);
        EXPECT_EQ(rte_mempool_in_use_count(pool_.get()), 0u);
    }
    Reflector(const Reflector&) = delete;
    Reflector& operator=(const Reflector&) = delete;

    /// `gates` and `macs` are those of all ports of its process.
    void start(std::span<echo::Gate* const> gates, const std::vector<wire::MacAddress>& macs) {
        for (const wire::MacAddress mac : macs)
            port_.rules().own_macs.add(mac);
        pair_.emplace(echo::EchoPairSettings{.queue_pair = {.port = wire_.port()},
                                             .loop_check = {sends_, pool_.get(), sender_, gates}},
                      port_.port());
    }

    echo::Gate& gate() { return port_.gate(); }
    bool stopped() { return gate().facing() != verdict::Facing::Nobody; }

    std::vector<Bytes> send_check() {
        if (sends_ && gate().may_send_checks(0)) {
            EXPECT_TRUE(pair_->send_loop_check());
        }
        return wire_.take();
    }
    std::vector<Bytes> receive(const Bytes& frame) {
        wire_.send(frame);
        EXPECT_EQ(pair_->poll(1), 1u);
        return wire_.take();
    }

  private:
    RingWire wire_{63, 2176, 63};
    dpdk::Mempool pool_{unique_name("checks"), 15, 0, 2176, SOCKET_ID_ANY};
    EchoPortUnderTest port_;
    bool sends_ = false;
    wire::LoopCheckSender sender_;
    std::optional<echo::EchoPair> pair_;
};

enum class Net {
    Cable,    ///< between ports 0 and 1
    Plug,     ///< loopback plug: port 0 receives what it sends
    Switch,   ///< learning switch; floods unknown destinations
    Hairpin,  ///< the same, and also returns frames to the port they came from
    Hub,      ///< sends every frame to all other ports
};

struct Arrangement {
    const char* name;
    Net net;
    std::vector<ReflectorKind> ports;
    bool one_process;
    std::vector<bool> stops;  ///< one per port
    bool storms = false;      ///< no port of ours can detect the loop
};

class Wires {
  public:
    explicit Wires(const Arrangement& arrangement) : net_(arrangement.net) {
        const bool one = arrangement.one_process;
        for (std::size_t number = 0; number < arrangement.ports.size(); ++number) {
            const wire::LoopCheckSender sender{one ? 7 : 7 + 1000 * number,
                                               static_cast<std::uint16_t>(one ? number : 0)};
            ports_.push_back(std::make_unique<Reflector>(arrangement.ports[number], number, sender));
            gates_.push_back(&ports_.back()->gate());
        }
        for (std::size_t number = 0; number < ports_.size(); ++number) {
            const std::size_t first = one ? 0 : number;
            const std::size_t count = one ? ports_.size() : 1;
            std::vector<wire::MacAddress> macs;
            for (std::size_t i = first; i < first + count; ++i)
                macs.push_back(mac_of(i));
            ports_[number]->start(std::span(gates_).subspan(first, count), macs);
        }
    }

    Reflector& port(std::size_t number) { return *ports_[number]; }

    void send_checks() {
        for (std::size_t number = 0; number < ports_.size(); ++number)
            for (const Bytes& check : ports_[number]->send_check())
                forward(number, check);
    }

    /// Sends a frame from another station on the same wires.
    void inject(const Bytes& frame) { forward(ports_.size(), frame); }

    /// Forwards frames until the wires are quiet. False: frames circulate endlessly.
    bool settles() {
        constexpr int kMany = 500;
        for (int carried = 0; carried < kMany; ++carried) {
            if (under_way_.empty())
                return true;
            const auto [to, frame] = std::move(under_way_.front());
            under_way_.pop_front();
            for (const Bytes& echoed : ports_[to]->receive(frame))
                forward(to, echoed);
        }
        while (!under_way_.empty())
            under_way_.pop_front();
        return false;
    }

  private:
    void forward(std::size_t from, const Bytes& frame) {
        const auto macs = wire::load_mac_pair(reinterpret_cast<const std::byte*>(frame.data()));
        const bool learns = net_ == Net::Switch || net_ == Net::Hairpin;
        if (learns)
            learned_[macs.source] = from;
        const auto known = learns ? learned_.find(macs.destination) : learned_.end();
        for (std::size_t to = 0; to < ports_.size(); ++to) {
            const bool back = to == from;
            if (back != (net_ == Net::Plug) && !(back && net_ == Net::Hairpin))
                continue;
            if (known == learned_.end() || known->second == to)
                under_way_.emplace_back(to, frame);
        }
    }

    Net net_;
    std::vector<std::unique_ptr<Reflector>> ports_;
    std::vector<echo::Gate*> gates_;
    std::deque<std::pair<std::size_t, Bytes>> under_way_;
    std::map<wire::MacAddress, std::size_t> learned_;
};

Bytes frame_between(wire::MacAddress destination, wire::MacAddress source) {
    Bytes frame(60);
    std::memcpy(frame.data(), &destination, 6);
    std::memcpy(frame.data() + 6, &source, 6);
    frame[12] = 0x08;
    return frame;
}

class LoopCheckTable : public testing::TestWithParam<Arrangement> {};

/// Runs three seconds of checks. After that, no tester frame circulates, whatever its destination.
TEST_P(LoopCheckTable, StopsExactlyThePortsThatMustStop) {
    const Arrangement& row = GetParam();
    Wires wires(row);
    for (int second = 0; second < 3; ++second) {
        wires.send_checks();
        ASSERT_TRUE(wires.settles()) << "the checks themselves circulate";
    }
    for (std::size_t number = 0; number < row.ports.size(); ++number)
        EXPECT_EQ(wires.port(number).stopped(), row.stops[number]) << "port " << number;
    bool storms = false;
    for (std::size_t number = 0; number <= row.ports.size(); ++number) {
        wires.inject(frame_between(number < row.ports.size() ? mac_of(number) : kNobody, kTester));
        storms = !wires.settles() || storms;
    }
    EXPECT_EQ(storms, row.storms);
}

using enum ReflectorKind;
INSTANTIATE_TEST_SUITE_P(
    Arrangements, LoopCheckTable,
    testing::Values(
        Arrangement{"facing_any_any", Net::Cable, {Any, Any}, false, {true, true}},
        Arrangement{"facing_any_own", Net::Cable, {Any, Own}, false, {false, true}},
        Arrangement{"facing_own_own", Net::Cable, {Own, Own}, false, {false, false}},
        Arrangement{"facing_any_silent", Net::Cable, {Any, AnySilent}, false, {true, false}},
        Arrangement{"facing_own_silent", Net::Cable, {Own, AnySilent}, false, {true, false}},
        Arrangement{"facing_any_stopped", Net::Cable, {Any, AnyStopped}, false, {true, true}},
        Arrangement{"facing_swapper", Net::Cable, {Any, Swapper}, false, {true, false}},
        Arrangement{"facing_swapper_own", Net::Cable, {Own, Swapper}, false, {true, false}},
        Arrangement{"plug_any", Net::Plug, {Any}, false, {true}},
        Arrangement{"plug_own", Net::Plug, {Own}, false, {false}},
        Arrangement{"hairpin_any", Net::Hairpin, {Any}, false, {true}},
        Arrangement{"hairpin_own", Net::Hairpin, {Own}, false, {false}},
        Arrangement{"one_process_on_a_cable_any", Net::Cable, {Any, Any}, true, {true, true}},
        Arrangement{"one_process_on_a_cable_own", Net::Cable, {Own, Own}, true, {false, false}},
        Arrangement{"one_process_on_a_switch_any", Net::Switch, {Any, Any}, true, {true, true}},
        Arrangement{"one_process_on_a_switch_own", Net::Switch, {Own, Own}, true, {false, false}},
        Arrangement{"one_process_on_a_hub_any", Net::Hub, {Any, Any}, true, {true, true}},
        Arrangement{"switch_own_own", Net::Switch, {Own, Own}, false, {false, false}},
        Arrangement{"switch_any_any_any", Net::Switch, {Any, Any, Any}, false, {true, true, true}},
        Arrangement{"switch_any_any_own", Net::Switch, {Any, Any, Own}, false, {true, true, true}},
        Arrangement{"switch_any_own_own", Net::Switch, {Any, Own, Own}, false, {false, true, true}},
        Arrangement{"switch_own_own_own", Net::Switch, {Own, Own, Own}, false, {false, false, false}},
        Arrangement{"switch_any_silent_own", Net::Switch, {Any, AnySilent, Own}, false, {true, false, true}},
        Arrangement{
            "switch_own_own_silent", Net::Switch, {Own, Own, OwnSilent}, false, {false, false, false}},
        Arrangement{"hub_any_any_own", Net::Hub, {Any, Any, Own}, false, {true, true, true}},
        Arrangement{"hub_own_own_own", Net::Hub, {Own, Own, Own}, false, {false, false, false}},
        Arrangement{"facing_both_silent", Net::Cable, {AnySilent, AnySilent}, false, {false, false}, true},
        Arrangement{
            "facing_own_both_silent", Net::Cable, {AnySilent, OwnSilent}, false, {false, false}, true}),
    [](const auto& info) { return std::string(info.param.name); });

/// Reflectors on one switch keep echoing to their testers.
TEST(LoopCheck, ReflectorsOnASwitchKeepEchoingToTheirTester) {
    Wires wires({"", Net::Switch, {Own, Own, Own}, false, {}});
    wires.send_checks();
    ASSERT_TRUE(wires.settles());
    for (std::size_t number = 0; number < 3; ++number) {
        const std::vector<Bytes> echoed = wires.port(number).receive(frame_between(mac_of(number), kTester));
        EXPECT_EQ(echoed, (std::vector<Bytes>{frame_between(kTester, mac_of(number))}));
    }
}

TEST(LoopCheck, PortStoppedByALoopDetectsTheNextOne) {
    Wires wires({"", Net::Cable, {Any, Any}, false, {}});
    wires.send_checks();
    ASSERT_TRUE(wires.settles());
    wires.port(0).gate().forget_peer();
    wires.send_checks();
    ASSERT_TRUE(wires.settles());
    EXPECT_TRUE(wires.port(0).stopped()) << "stopped by a check from a port that had already stopped";
}

}  // namespace
}  // namespace l2echo
