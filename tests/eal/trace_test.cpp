#include "l2echo/engine/trace.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "test_frame.hpp"
#include "test_packets.hpp"

namespace l2echo {
namespace {

using namespace packets;

class FrameTraceOverARing : public testing::Test {
  protected:
    void trace(const Bytes& bytes, const verdict::Verdict& verdict, std::uint64_t tsc = 1) {
        TestFrame frame(bytes);
        trace_.begin(frame.mbuf(), tsc);
        std::fill_n(frame.data(), bytes.size(), std::byte{0xEE});  // overwritten, as by a swap
        trace_.end(verdict, "mac+ip");
    }
    std::vector<verdict::TraceRecord> read_all() {
        std::vector<verdict::TraceRecord> records;
        for (verdict::TraceRecord record; trace_.read(record);)
            records.push_back(record);
        return records;
    }

    engine::TraceBudget budget_;
    engine::FrameTrace trace_{budget_, 3, 5, SOCKET_ID_ANY};
};

TEST_F(FrameTraceOverARing, KeepsTheFrameAsReceivedAndItsVerdict) {
    budget_.set(2);
    trace(udp4_frame(), {verdict::Next::Echo, verdict::Reason::None}, 42);
    trace(counting(300), {verdict::Next::Refuse, verdict::Reason::Control}, 43);
    const auto records = read_all();
    ASSERT_EQ(records.size(), 2u);
    EXPECT_EQ(records[0].tsc, 42u);
    EXPECT_EQ(records[0].length, 60u);
    EXPECT_EQ(records[0].captured, 60u);
    EXPECT_EQ(records[0].port, 3);
    EXPECT_EQ(records[0].queue, 5);
    EXPECT_STREQ(records[0].echoed_as, "mac+ip");
    EXPECT_EQ(records[0].verdict.next, verdict::Next::Echo);
    EXPECT_EQ(std::memcmp(records[0].bytes.data(), udp4_frame().data(), 60), 0);
    EXPECT_EQ(records[1].verdict.reason, verdict::Reason::Control);
    EXPECT_EQ(records[1].length, 300u);
    EXPECT_EQ(records[1].captured, 128u);
    EXPECT_EQ(std::memcmp(records[1].bytes.data(), counting(128).data(), 128), 0);
}

TEST_F(FrameTraceOverARing, RecordsTheRequestedNumberOfFrames) {
    EXPECT_FALSE(trace_.wanted());
    trace(udp4_frame(), {});
    EXPECT_TRUE(read_all().empty());
    budget_.set(3);
    EXPECT_TRUE(trace_.wanted());
    for (int i = 0; i < 10; ++i)
        trace(udp4_frame(), {});
    EXPECT_FALSE(trace_.wanted());
    EXPECT_EQ(read_all().size(), 3u);
}

TEST_F(FrameTraceOverARing, FullRingDoesNotConsumeTheBudget) {
    constexpr std::size_t kFitting = 1023;
    budget_.set(2000);
    for (int i = 0; i < 5000; ++i)
        trace(udp4_frame(), {});
    EXPECT_TRUE(trace_.wanted());
    EXPECT_EQ(read_all().size(), kFitting);
    for (int i = 0; i < 5000; ++i)
        trace(udp4_frame(), {});
    EXPECT_EQ(read_all().size(), 2000 - kFitting);
    EXPECT_FALSE(trace_.wanted());
}

TEST(TraceBudget, IsSharedByAllWorkers) {
    engine::TraceBudget budget;
    engine::FrameTrace first(budget, 0, 0, SOCKET_ID_ANY);
    engine::FrameTrace second(budget, 0, 1, SOCKET_ID_ANY);
    budget.set(3);
    TestFrame frame(udp4_frame());
    std::size_t records = 0;
    for (int i = 0; i < 5; ++i)
        for (engine::FrameTrace* trace : {&first, &second}) {
            trace->begin(frame.mbuf(), 1);
            trace->end({}, "mac");
            verdict::TraceRecord record;
            records += trace->read(record) ? 1 : 0;
        }
    EXPECT_EQ(records, 3u);
    budget.set(0);
    EXPECT_FALSE(budget.take());
}

}  // namespace
}  // namespace l2echo
