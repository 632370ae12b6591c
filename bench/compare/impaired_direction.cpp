#include "impaired_direction.hpp"

#include <rte_cycles.h>
#include <rte_ethdev.h>

#include <algorithm>
#include <array>

#include "l2echo/wire/line_overhead.hpp"

namespace l2echo {
namespace {

constexpr std::uint16_t kBurst = 32;
constexpr std::uint64_t kMillion = 1'000'000;

}  // namespace

ImpairedDirection::ImpairedDirection(std::uint16_t from, std::uint16_t to, std::size_t capacity,
                                     Impairment impairment, std::uint64_t seed)
    : from_(from), to_(to), capacity_(capacity), impairment_(impairment), random_(seed) {}

ImpairedDirection::~ImpairedDirection() {
    for (const Line* line : {&line_, &overtaken_})
        for (const Held& held : *line)
            rte_pktmbuf_free(held.frame);
}

void ImpairedDirection::poll() {
    take_in();
    let_out(line_);
    let_out(overtaken_);
}

bool ImpairedDirection::happens(std::uint32_t per_million) {
    return per_million > 0 && random_() % kMillion < per_million;
}

void ImpairedDirection::take_in() {
    std::array<rte_mbuf*, kBurst> frames;
    while (held() < capacity_) {
        const auto max = static_cast<std::uint16_t>(std::min<std::size_t>(kBurst, capacity_ - held()));
        const std::uint16_t received = rte_eth_rx_burst(from_, 0, frames.data(), max);
        if (received == 0)
            return;
        const std::uint64_t now = rte_rdtsc();
        for (std::uint16_t i = 0; i < received; ++i)
            take_in(frames[i], now);
    }
}

void ImpairedDirection::take_in(rte_mbuf* frame, std::uint64_t now) {
    ++counts_.received;
    if (happens(impairment_.loss_per_million)) {
        rte_pktmbuf_free(frame);
        ++counts_.lost;
        return;
    }
    rte_mbuf* copy = happens(impairment_.duplicate_per_million)
                         ? rte_pktmbuf_copy(frame, frame->pool, 0, UINT32_MAX)
                         : nullptr;
    if (happens(impairment_.corrupt_per_million))
        corrupt(frame);
    enqueue(frame, now);
    if (copy != nullptr) {
        ++counts_.duplicated;
        enqueue(copy, now);
    }
}

void ImpairedDirection::corrupt(rte_mbuf* frame) {
    const std::uint32_t length = rte_pktmbuf_data_len(frame);
    if (length <= RTE_ETHER_HDR_LEN)
        return;
    const std::uint64_t bit = random_() % ((length - RTE_ETHER_HDR_LEN) * 8);
    auto* const byte = rte_pktmbuf_mtod_offset(frame, std::uint8_t*, RTE_ETHER_HDR_LEN + bit / 8);
    *byte = static_cast<std::uint8_t>(*byte ^ 1U << bit % 8);
    ++counts_.corrupted;
}

void ImpairedDirection::enqueue(rte_mbuf* frame, std::uint64_t now) {
    const double begin = std::max(static_cast<double>(now), wire_free_at_);
    if (impairment_.cycles_per_byte > 0) {
        if (begin - static_cast<double>(now) > static_cast<double>(impairment_.queue_cycles)) {
            rte_pktmbuf_free(frame);
            ++counts_.overflowed;
            return;
        }
        wire_free_at_ =
            begin + impairment_.cycles_per_byte * (rte_pktmbuf_pkt_len(frame) + wire::kLayer1Overhead);
    }
    const std::uint64_t sent = std::max(now, static_cast<std::uint64_t>(wire_free_at_));
    const std::uint64_t due = sent + impairment_.delay_cycles;
    if (happens(impairment_.reorder_per_million)) {
        overtaken_.push_back({frame, now, due + impairment_.reorder_cycles});
        ++counts_.reordered;
    } else {
        line_.push_back({frame, now, due});
    }
}

void ImpairedDirection::let_out(Line& line) {
    std::array<rte_mbuf*, kBurst> frames;
    std::uint16_t taken = 0;
    do {
        const std::uint64_t now = rte_rdtsc();
        std::uint16_t due = 0;
        while (due < kBurst && due < line.size() && line[due].due <= now) {
            frames[due] = line[due].frame;
            ++due;
        }
        taken = due == 0 ? std::uint16_t{0} : rte_eth_tx_burst(to_, 0, frames.data(), due);
        for (std::uint16_t i = 0; i < taken; ++i) {
            hold_time_.add(now - line.front().since);
            line.pop_front();
        }
        counts_.forwarded += taken;
    } while (taken == kBurst);
}

}  // namespace l2echo
