#include "echo/datapath/four_lengths.hpp"

#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "test_frame.hpp"

namespace l2echo::echo {
namespace {

// The fields next to the lengths in an mbuf are all ones.
TEST(FourLengths, FindsMinimumMaximumAndSumAtAnyPosition) {
    std::vector<TestFrame> frames;
    std::array<rte_mbuf*, 4> mbufs{};
    for (std::size_t i = 0; i < 4; ++i)
        frames.emplace_back(std::vector<std::uint8_t>(60));
    for (std::size_t i = 0; i < 4; ++i) {
        mbufs[i] = &frames[i].mbuf();
        mbufs[i]->packet_type = mbufs[i]->hash.rss = ~0U;
        mbufs[i]->vlan_tci = 0xFFFF;
    }
    FrameBytes bytes;
    for (std::size_t place = 0; place < 4; ++place)
        for (const std::uint32_t base : {100U, 0x7FFFU, 0xFFF0U}) {
            for (rte_mbuf* mbuf : mbufs) {
                mbuf->data_len = static_cast<std::uint16_t>(base);
                mbuf->pkt_len = base;
            }
            mbufs[place]->data_len = static_cast<std::uint16_t>(base - 1);
            mbufs[place]->pkt_len = base + 1;
            const FourLengths lengths(mbufs.data());
            EXPECT_EQ(lengths.shortest_data(), base - 1) << place;
            EXPECT_EQ(lengths.longest_frame(), base + 1) << place;
            const std::uint64_t before = bytes.sum();
            lengths.add_to(bytes);
            EXPECT_EQ(bytes.sum() - before, 4 * base + 1) << place;
        }
}

}  // namespace
}  // namespace l2echo::echo
