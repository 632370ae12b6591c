#include "probe/run/self_loop.hpp"

#include <rte_cycles.h>

#include <vector>

namespace l2echo::probe {

Histogram measure_self_loop(const Traffic& traffic) {
    constexpr int kFrames = 20'000;
    Histogram histogram;
    std::vector<std::byte> frame(traffic.largest_size());
    std::vector<std::byte> scratch(traffic.largest_size());
    for (int i = 0; i < kFrames; ++i) {
        const std::span<std::byte> bytes(frame.data(),
                                         traffic.size_of(static_cast<std::uint64_t>(i)) - wire::kFcsLength);
        const std::uint64_t begin = rte_rdtsc();
        Stamp stamp{0, static_cast<std::uint64_t>(i), begin % kStampNumbers};
        traffic.write(bytes, stamp);
        traffic.check(bytes, scratch,
                      stamp);  // the frame is not swapped, so it is found corrupted, after the same work
        histogram.add(rte_rdtsc() - begin);
    }
    return histogram;
}

}  // namespace l2echo::probe
