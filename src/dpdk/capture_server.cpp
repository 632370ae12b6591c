#include "l2echo/dpdk/capture_server.hpp"

#include <fmt/format.h>
#include <rte_alarm.h>
#include <rte_bpf.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_malloc.h>
#include <rte_mempool.h>
#include <rte_memzone.h>
#include <rte_pdump.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <deque>
#include <iterator>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dpdk/datapath/capture_burst.hpp"
#include "dpdk/interrupt_thread.hpp"
#include "l2echo/dpdk/log.hpp"
#include "l2echo/dpdk/polling_lcore.hpp"
#include "l2echo/dpdk/port.hpp"
#include "l2echo/process/error.hpp"
#include "l2echo/process/file_descriptor.hpp"

namespace l2echo::dpdk {
namespace {

constexpr const char* kAction = "mp_pdump";             // lib/pdump/rte_pdump.c: PDUMP_MP
constexpr const char* kStatistics = "rte_pdump_stats";  // the same: MZ_RTE_PDUMP_STATS

/// dpdk-dumpcap waits this long for an answer, and then frees its memory without one.
constexpr std::chrono::seconds kPatience{5};
constexpr std::uint64_t kAtOnce = 1;             // us; 0 is rejected
constexpr std::uint64_t kLookEvery = 1'000'000;  // us

/// pcapng's options after a frame: flags, queue and hash, 8, 8 and 12 bytes, and the length of the block and
/// up to 3 bytes of padding. rte_pcapng_mbuf_size() forgets the hash (DPDK 22.11).
constexpr std::uint32_t kTrailer = 8 + 8 + 12 + 4 + 4;

enum : std::uint16_t { kDisable = 1, kEnable = 2 };  // enum pdump_operation
enum : std::uint16_t { kPcap = 1, kPcapng = 2 };     // enum pdump_version

/// struct pdump_request of lib/pdump/rte_pdump.c, which no header declares.
struct Request {
    std::uint16_t version;
    std::uint16_t operation;
    std::uint32_t flags;
    char device[RTE_DEV_NAME_MAX_LEN];  // NOLINT(modernize-avoid-c-arrays): the layout of C
    std::uint16_t queue;
    rte_ring* ring;
    rte_mempool* mempool;
    const rte_bpf_prm* filter;
    std::uint32_t max_length;
};
static_assert(sizeof(Request) <= RTE_MP_MAX_PARAM_LEN);

/// struct pdump_response, likewise.
struct Response {
    std::uint16_t version;
    std::uint16_t operation;
    std::int32_t error;
};

/// What kStatistics contains; rte_pdump_stats() reads it in the capturing process.
struct Statistics {
    using Queues = struct rte_pdump_stats[RTE_MAX_QUEUES_PER_PORT];  // NOLINT(modernize-avoid-c-arrays)
    Queues received[RTE_MAX_ETHPORTS];                               // NOLINT(modernize-avoid-c-arrays)
    Queues sent[RTE_MAX_ETHPORTS];                                   // NOLINT(modernize-avoid-c-arrays)
};

void reply(const Request& request, int error, const std::string& peer) {
    rte_mp_msg message{};
    const Response response{request.version, request.operation, error};
    std::string_view(kAction).copy(message.name, sizeof message.name - 1);
    std::memcpy(message.param, &response, sizeof response);
    message.len_param = sizeof response;
    (void)rte_mp_reply(&message, peer.c_str());  // fails if the process has ended, which is noticed elsewhere
}

/// True if a process still receives from its socket for EAL's messages.
bool is_alive(const std::string& peer) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    peer.copy(address.sun_path, sizeof address.sun_path - 1);
    const process::FileDescriptor socket_to(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    return !socket_to.valid() ||
           connect(socket_to.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

/// True if the mempool's handler is the same here as in the process that created it: the number of a handler
/// depends on the drivers that a process has loaded, and in which order.
bool has_ring_handler(const rte_mempool& mempool) {
    const auto index = static_cast<std::uint32_t>(mempool.ops_index);
    return index < rte_mempool_ops_table.num_ops &&
           std::string_view(rte_mempool_ops_table.ops[index].name) == "ring_mp_mc";
}

struct FreeFilter {
    void operator()(rte_bpf* filter) const noexcept {
#ifdef L2ECHO_HAS_BPF
        rte_bpf_destroy(filter);
#else
        (void)filter;
#endif
    }
};
using Filter = std::unique_ptr<rte_bpf, FreeFilter>;

/// Returns an error number, or 0 and the filter, which is null if the request has none.
std::pair<int, Filter> load_filter(const Request& request) {
    if (request.filter == nullptr)
        return {0, nullptr};
#ifdef L2ECHO_HAS_BPF
    if (request.filter->prog_arg.type != RTE_BPF_ARG_PTR_MBUF)
        return {EINVAL, nullptr};
    Filter filter(rte_bpf_load(request.filter));
    return {filter ? 0 : rte_errno, std::move(filter)};
#else
    return {ENOTSUP, nullptr};
#endif
}

/// A callback on one direction of one queue, from construction to destruction. After its removal, a burst in
/// progress may still be in it.
struct Callback {
    CapturePoint point;
    const rte_eth_rxtx_callback* handle = nullptr;
    std::uint16_t port = 0;
    std::uint16_t queue = 0;
    bool receives = false;

    void install() {
        handle = receives ? rte_eth_add_first_rx_callback(port, queue, capture_received, &point)
                          : rte_eth_add_tx_callback(port, queue, capture_sent, &point);
    }
    void remove() const {
        if (handle != nullptr)
            (void)(receives ? rte_eth_remove_rx_callback(port, queue, handle)
                            : rte_eth_remove_tx_callback(port, queue, handle));
    }
};

/// One request to capture.
struct Capture {
    std::string peer;  ///< path of the process's socket
    std::uint16_t port = 0;
    std::uint16_t queue = 0;
    std::uint32_t directions = 0;
    // The memory may be gone when they are needed.
    std::string ring_name;
    std::string mempool_name;
    Filter filter;
    CaptureTarget target;
    std::deque<Callback> callbacks;  ///< a deque, because DPDK keeps pointers to its elements
};

/// Frees the memory of a chunk as rte_mempool_populate_default() reserved it.
void free_chunk(rte_mempool_memhdr*, void* memzone) {
    (void)rte_memzone_free(static_cast<const rte_memzone*>(memzone));
}

/// Its members run on the interrupt thread, except where they say otherwise.
class Captures {
  public:
    Captures();   ///< main lcore
    ~Captures();  ///< main lcore
    Captures(const Captures&) = delete;
    Captures& operator=(const Captures&) = delete;

  private:
    struct Waiting {
        rte_mp_msg message;
        std::string peer;
    };

    static int take_request(const rte_mp_msg* message, const void* peer) noexcept;
    static void serve_requests(void* self);
    static void look_at_processes(void* self);

    int serve(const Request& request, const std::string& peer);
    int enable(const Request& request, std::uint16_t port, const std::string& peer);
    int disable(const Request& request, std::uint16_t port, const std::string& peer);
    void add_callbacks(Capture& capture, std::uint16_t first, std::uint16_t end, bool receives);
    void remove_callbacks(Capture& capture);
    void free_memory_of(const Capture& dead);
    void restore_promiscuous_mode();
    void look_later();
    void clear();

    /// EAL's actions have no argument of ours, and one may be running while it is withdrawn.
    struct Registered {
        std::mutex mutex;
        Captures* captures = nullptr;
    };
    static Registered& registered() {
        static Registered one;
        return one;
    }

    Statistics* statistics_ = nullptr;
    const rte_memzone* memory_ = nullptr;
    std::vector<std::pair<std::uint16_t, bool>> promiscuous_;  ///< port, and its mode before any capture
    std::deque<Waiting> waiting_;                              ///< protected by registered().mutex
    std::list<Capture> captures_;
};

Captures::Captures() : memory_(rte_memzone_reserve(kStatistics, sizeof(Statistics), SOCKET_ID_ANY, 0)) {
    if (memory_ == nullptr)
        throw process::StartupError(
            fmt::format("--allow-dumpcap: no memory for the {} MiB of counters that dpdk-dumpcap reads; "
                        "give EAL more with -m",
                        sizeof(Statistics) >> 20U));
    statistics_ = static_cast<Statistics*>(memory_->addr);
    std::memset(memory_->addr, 0, sizeof(Statistics));
    std::uint16_t port = 0;
    RTE_ETH_FOREACH_DEV(port)
    promiscuous_.emplace_back(port, rte_eth_promiscuous_get(port) == 1);
    const std::scoped_lock lock(registered().mutex);
    if (rte_mp_action_register(kAction, take_request) != 0) {
        rte_memzone_free(memory_);
        throw process::UsageError(
            fmt::format("--allow-dumpcap: EAL takes no requests of other processes ({}); "
                        "leave out --in-memory, --no-shconf and --no-huge",
                        rte_strerror(rte_errno)));
    }
    registered().captures = this;
}

Captures::~Captures() {
    rte_mp_action_unregister(kAction);
    {
        const std::scoped_lock lock(registered().mutex);
        registered().captures = nullptr;
    }
    rte_eal_alarm_cancel(serve_requests, this);
    rte_eal_alarm_cancel(look_at_processes, this);
    run_on_interrupt_thread([this] { clear(); });
    rte_memzone_free(memory_);
}

void Captures::clear() {
    for (Capture& capture : captures_)
        remove_callbacks(capture);
    captures_.clear();
}

/// Runs on EAL's thread for messages. That thread must not allocate EAL's memory, because EAL then asks the
/// other processes and would wait for itself.
int Captures::take_request(const rte_mp_msg* message, const void* peer) noexcept {
    const std::scoped_lock lock(registered().mutex);
    Captures* const self = registered().captures;
    if (self == nullptr)
        return -1;
    self->waiting_.push_back({*message, static_cast<const char*>(peer)});
    return rte_eal_alarm_set(kAtOnce, serve_requests, self);
}

void Captures::serve_requests(void* self) {
    auto& captures = *static_cast<Captures*>(self);
    std::deque<Waiting> waiting;
    {
        const std::scoped_lock lock(registered().mutex);
        waiting.swap(captures.waiting_);
    }
    for (const Waiting& one : waiting) {
        Request request{};
        int error = EINVAL;
        if (one.message.len_param == sizeof request) {
            std::memcpy(&request, one.message.param, sizeof request);
            error = captures.serve(request, one.peer);
        }
        reply(request, -error, one.peer);
    }
}

/// Returns 0 or an error number, as all members that serve a request.
int Captures::serve(const Request& request, const std::string& peer) {
    std::uint16_t port = 0;
    const std::string device(request.device, strnlen(request.device, sizeof request.device));
    if (request.version != kPcap && request.version != kPcapng)
        return EINVAL;
    if (rte_eth_dev_get_port_by_name(device.c_str(), &port) != 0)
        return ENODEV;
    switch (request.operation) {
        case kEnable:
            return enable(request, port, peer);
        case kDisable:
            return disable(request, port, peer);
        default:
            return EINVAL;
    }
}

int Captures::enable(const Request& request, std::uint16_t port, const std::string& peer) {
    rte_eth_dev_info info{};
    if (request.ring == nullptr || request.mempool == nullptr || rte_eth_dev_info_get(port, &info) != 0)
        return EINVAL;
    if (!has_ring_handler(*request.mempool)) {
        log_warning(
            fmt::format("{}: a capture is refused: the process has loaded other drivers than this program",
                        port_label(port)));
        return EINVAL;
    }
    const std::uint32_t overhead = RTE_PKTMBUF_HEADROOM + kTrailer;
    const std::uint32_t room = rte_pktmbuf_data_room_size(request.mempool);
    const bool all = request.queue == RTE_PDUMP_ALL_QUEUES;
    const std::uint16_t first = all ? 0 : request.queue;
    const auto end_of = [&](std::uint16_t queues) {
        return all ? queues : static_cast<std::uint16_t>(request.queue + 1U);
    };
    if (room <= overhead || (!all && request.queue >= std::min(info.nb_rx_queues, info.nb_tx_queues)))
        return EINVAL;
    auto [error, filter] = load_filter(request);
    if (error != 0)
        return error;

    Capture& capture = captures_.emplace_back();
    capture.peer = peer;
    capture.port = port;
    capture.queue = request.queue;
    capture.directions = request.flags;
    capture.ring_name = request.ring->name;
    capture.mempool_name = request.mempool->name;
    capture.filter = std::move(filter);
    capture.target.ring = request.ring;
    capture.target.mempool = request.mempool;
    capture.target.filter = capture.filter.get();
#ifdef L2ECHO_HAS_BPF
    capture.target.matches = rte_bpf_exec_burst;
#endif
    capture.target.max_length = std::min(request.max_length, room - overhead);
    capture.target.pcapng = request.version == kPcapng;
    // The mempool's caches are numbered by lcore, and both processes may have an lcore of that number.
    // Nothing has been taken from the mempool yet.
    request.mempool->cache_size = 0;
    if ((request.flags & RTE_PDUMP_FLAG_RX) != 0)
        add_callbacks(capture, first, end_of(info.nb_rx_queues), true);
    if ((request.flags & RTE_PDUMP_FLAG_TX) != 0)
        add_callbacks(capture, first, end_of(info.nb_tx_queues), false);
    if (std::ranges::any_of(capture.callbacks, [](const Callback& one) { return one.handle == nullptr; })) {
        remove_callbacks(capture);
        captures_.pop_back();
        return ENOMEM;
    }
    log_info("{}: a capture began", port_label(port));
    look_later();
    return 0;
}

void Captures::add_callbacks(Capture& capture, std::uint16_t first, std::uint16_t end, bool receives) {
    auto& counts = (receives ? statistics_->received : statistics_->sent)[capture.port];
    for (std::uint16_t queue = first; queue < end; ++queue) {
        counts[queue] = {};
        Callback& callback = capture.callbacks.emplace_back();
        callback.point = {&capture.target, &counts[queue]};
        callback.port = capture.port;
        callback.queue = queue;
        callback.receives = receives;
        callback.install();
    }
}

/// When this returns, no worker uses the capture.
void Captures::remove_callbacks(Capture& capture) {
    for (const Callback& callback : capture.callbacks)
        callback.remove();
    PollingLcores* const lcores = PollingLcores::current();
    if (lcores != nullptr && !lcores->wait_for_turn(kPatience))
        log_warning(fmt::format(
            "{}: a capture ends while an lcore has not ended its turn for {} s; "
            "if it still copies a frame, it uses memory that the capturing process has freed by now",
            port_label(capture.port), kPatience.count()));
    for (const Callback& callback : capture.callbacks)
        // The caller of rte_eth_add_rx_callback() owns it, says its documentation.
        // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast)
        rte_free(const_cast<rte_eth_rxtx_callback*>(callback.handle));
    capture.callbacks.clear();
}

int Captures::disable(const Request& request, std::uint16_t port, const std::string& peer) {
    const auto found = std::ranges::find_if(captures_, [&](const Capture& capture) {
        return capture.peer == peer && capture.port == port && capture.queue == request.queue &&
               capture.directions == request.flags;
    });
    if (found == captures_.end())
        return EINVAL;
    remove_callbacks(*found);
    captures_.erase(found);
    log_info("{}: a capture ended", port_label(port));
    look_later();
    return 0;
}

/// Frees what a process that was killed has left. It may have ended in a different way and freed them itself:
/// then their names are gone.
void Captures::free_memory_of(const Capture& dead) {
    if (rte_mempool_lookup(dead.mempool_name.c_str()) == dead.target.mempool) {
        // A chunk of memory has a pointer to the function that frees it, in the process that is gone.
        for (rte_mempool_memhdr* chunk = STAILQ_FIRST(&dead.target.mempool->mem_list); chunk != nullptr;
             chunk = STAILQ_NEXT(chunk, next))
            if (chunk->free_cb != nullptr)  // chunks that continue another have none
                chunk->free_cb = free_chunk;
        rte_mempool_free(dead.target.mempool);
    }
    if (rte_ring_lookup(dead.ring_name.c_str()) == dead.target.ring)
        rte_ring_free(dead.target.ring);
}

/// dpdk-dumpcap without -p switches promiscuous mode off at its end, whatever it was before.
void Captures::restore_promiscuous_mode() {
    for (const auto& [port, wanted] : promiscuous_)
        if (rte_eth_promiscuous_get(port) == (wanted ? 0 : 1))
            (void)(wanted ? rte_eth_promiscuous_enable(port) : rte_eth_promiscuous_disable(port));
}

void Captures::look_later() {
    rte_eal_alarm_cancel(look_at_processes, this);
    rte_eal_alarm_set(kLookEvery, look_at_processes, this);
}

void Captures::look_at_processes(void* self) {
    auto& captures = *static_cast<Captures*>(self);
    std::list<Capture> dead;
    for (auto capture = captures.captures_.begin(); capture != captures.captures_.end();) {
        const auto next = std::next(capture);
        if (!is_alive(capture->peer)) {
            captures.remove_callbacks(*capture);
            log_warning(
                fmt::format("{}: a process that captured has ended without saying so; its capture is removed",
                            port_label(capture->port)));
            dead.splice(dead.end(), captures.captures_, capture);
        }
        capture = next;
    }
    // All captures of the process are removed: they may share ring and mempool.
    for (const Capture& one : dead)
        captures.free_memory_of(one);
    if (captures.captures_.empty())
        captures.restore_promiscuous_mode();
    else
        captures.look_later();
}

/// Owned here, because DPDK's callbacks take no argument of ours.
std::unique_ptr<Captures>& instance() {
    static std::unique_ptr<Captures> captures;
    return captures;
}

}  // namespace

CaptureServer::CaptureServer() {
    instance() = std::make_unique<Captures>();
}

CaptureServer::~CaptureServer() {
    instance().reset();
}

}  // namespace l2echo::dpdk
