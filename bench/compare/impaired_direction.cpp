#include "impaired_direction.hpp"

#include <rte_cycles.h>
#include <rte_ethdev.h>

#include <algorithm>
#include <array>

namespace l2echo {
namespace {

constexpr std::uint16_t kBurst = 32;
constexpr std::uint64_t kMillion = 1'000'000;

}  // namespace

ImpairedDirection::ImpairedDirection(std::uint16_t from, std::uint16_t to, std::size_t capacity,
                                     Impairment impairment, std::uint64_t seed)
    : from_(from), to_(to), capacity_(capacity), impairment_(impairment), random_(seed) {}

ImpairedDirection::~ImpairedDirection() {
    for (const Held& held : line_)
        rte_pktmbuf_free(held.frame);
}

void ImpairedDirection::poll() {
    take_in();
    let_out();
}

void ImpairedDirection::take_in() {
    std::array<rte_mbuf*, kBurst> frames;
    while (line_.size() < capacity_) {
        const auto max = static_cast<std::uint16_t>(std::min<std::size_t>(kBurst, capacity_ - line_.size()));
        const std::uint16_t received = rte_eth_rx_burst(from_, 0, frames.data(), max);
        if (received == 0)
            return;
        const std::uint64_t now = rte_rdtsc();
        received_ += received;
        for (std::uint16_t i = 0; i < received; ++i) {
            if (random_() % kMillion < impairment_.loss_per_million) {
                rte_pktmbuf_free(frames[i]);
                ++dropped_;
            } else {
                line_.push_back({frames[i], now});
            }
        }
    }
}

std::uint16_t ImpairedDirection::due_frames(rte_mbuf** frames, std::uint16_t max, std::uint64_t now) const {
    std::uint16_t count = 0;
    while (count < max && count < line_.size() && now - line_[count].since >= impairment_.delay_cycles) {
        frames[count] = line_[count].frame;
        ++count;
    }
    return count;
}

void ImpairedDirection::let_out() {
    std::array<rte_mbuf*, kBurst> frames;
    std::uint16_t due = 0;
    std::uint16_t taken = 0;
    do {
        const std::uint64_t now = rte_rdtsc();
        due = due_frames(frames.data(), kBurst, now);
        taken = due == 0 ? std::uint16_t{0} : rte_eth_tx_burst(to_, 0, frames.data(), due);
        for (std::uint16_t i = 0; i < taken; ++i) {
            hold_time_.add(now - line_.front().since);
            line_.pop_front();
        }
        forwarded_ += taken;
    } while (taken == kBurst);
}

}  // namespace l2echo
