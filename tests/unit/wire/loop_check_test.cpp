#include "l2echo/wire/loop_check.hpp"

#include <gtest/gtest.h>

#include <optional>

#include "exact_bytes.hpp"
#include "test_packets.hpp"

namespace l2echo::wire {
namespace {

using namespace packets;

constexpr LoopCheckSender kSender{0x0123'4567'89AB, 0xCDEF};

Bytes check_of(MacAddress mac, const LoopCheckSender& sender) {
    ExactBytes frame(Bytes(kLoopCheckLength, 0xEE));
    write_loop_check(frame.data(), mac, sender);
    return frame.bytes();
}
std::optional<LoopCheck> read(const Bytes& bytes) {
    ExactBytes frame(bytes);
    return read_loop_check(frame.view(), read_headers(frame.view()));
}
Bytes tagged(const Bytes& frame) {
    return join({Bytes(frame.begin(), frame.begin() + 12), word(0x8100), word(5),
                 Bytes(frame.begin() + 12, frame.end())});
}

TEST(LoopCheck, IsAWholeUnicastFrameFromThePort) {
    const Bytes check = check_of(kOurMac, kSender);
    EXPECT_EQ(check.size(), 60u);
    EXPECT_EQ(Bytes(check.begin(), check.begin() + 14),
              join({{0x02, 0x45, 0x43, 0x9A, 0x57, 0x68}, kOurs, word(0x88B5)}));
    EXPECT_EQ(std::string(check.begin() + 14, check.begin() + 30), "l2echo loop chk1");
    EXPECT_EQ(Bytes(check.begin() + 38, check.end()), Bytes(22, 0)) << "no earlier content of the mbuf leaks";
}

TEST(LoopCheck, IdentifiesItsSenderAndWhetherItWasReturned) {
    Bytes check = check_of(kOurMac, kSender);
    for (const Bytes& frame : {check, tagged(check)}) {
        const auto found = read(frame);
        ASSERT_TRUE(found);
        EXPECT_EQ(found->sender, kSender);
        EXPECT_FALSE(found->returned);
    }
    reference::exchange(check, 0, 6);
    for (const Bytes& frame : {check, tagged(check)}) {
        const auto found = read(frame);
        ASSERT_TRUE(found);
        EXPECT_EQ(found->sender, kSender);
        EXPECT_TRUE(found->returned);
    }
}

TEST(LoopCheck, CarriesEveryProcessAndPort) {
    for (const LoopCheckSender& sender :
         {LoopCheckSender{0, 0}, LoopCheckSender{0xFFFF'FFFF'FFFF, 0}, LoopCheckSender{0, 0xFFFF}})
        EXPECT_EQ(read(check_of(kTesterMac, sender))->sender, sender);
}

TEST(LoopCheck, OtherFramesAreNotLoopChecks) {
    Bytes check = check_of(kOurMac, kSender);
    EXPECT_FALSE(read(Bytes(check.begin(), check.begin() + 37))) << "cut off";
    EXPECT_TRUE(read(Bytes(check.begin(), check.begin() + 38)));
    EXPECT_FALSE(read(udp4_frame()));
    check[29] ^= 1;
    EXPECT_FALSE(read(check)) << "another experiment";
    check[29] ^= 1;
    check[13] = 0xB6;
    EXPECT_FALSE(read(check)) << "the second experimental EtherType";
    check[13] = 0xB5;
    check[0] ^= 4;
    EXPECT_FALSE(read(check)) << "neither to nor from the loop-check MAC";
}

TEST(LoopCheck, EachPortHasItsOwnUnicastMac) {
    EXPECT_NE(loop_check_mac({1, 0}), loop_check_mac({1, 1}));
    for (const LoopCheckSender& sender : {LoopCheckSender{0, 0}, LoopCheckSender{0xFFFF'FFFF'FFFF, 0xFFFF}})
        EXPECT_EQ(loop_check_mac(sender) & 0xFF'FFFF, 0x43'4502u);
}

}  // namespace
}  // namespace l2echo::wire
