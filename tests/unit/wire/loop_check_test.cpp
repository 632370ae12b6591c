#include "l2echo/wire/loop_check.hpp"

#include <gtest/gtest.h>

#include "exact_bytes.hpp"
#include "test_packets.hpp"

namespace l2echo::wire {
namespace {

using namespace packets;

constexpr std::uint64_t kNonce = 0x0123'4567'89AB'CDEF;

Bytes check_of(MacAddress mac, std::uint64_t nonce) {
    ExactBytes frame(Bytes(kLoopCheckLength, 0xEE));
    write_loop_check(frame.data(), mac, nonce);
    return frame.bytes();
}
LoopCheckSender read(const Bytes& bytes) {
    ExactBytes frame(bytes);
    return read_loop_check(frame.view(), read_headers(frame.view()), kNonce);
}
Bytes tagged(const Bytes& frame) {
    return join({Bytes(frame.begin(), frame.begin() + 12), word(0x8100), word(5),
                 Bytes(frame.begin() + 12, frame.end())});
}

TEST(LoopCheck, IsAWholeUnicastFrameFromThePort) {
    const Bytes check = check_of(kOurMac, kNonce);
    EXPECT_EQ(check.size(), 60u);
    EXPECT_EQ(Bytes(check.begin(), check.begin() + 14),
              join({{0x02, 0x45, 0x43, 0x48, 0x43, 0x4B}, kOurs, word(0x88B5)}));
    EXPECT_EQ(std::string(check.begin() + 14, check.begin() + 30), "l2echo loop chk1");
    EXPECT_EQ(Bytes(check.begin() + 38, check.end()), Bytes(22, 0)) << "nothing of the mbuf leaks";
}

TEST(LoopCheck, OurOwnIsKnownSwappedAndTagged) {
    Bytes check = check_of(kOurMac, kNonce);
    EXPECT_EQ(read(check), LoopCheckSender::Ourselves);
    EXPECT_EQ(read(tagged(check)), LoopCheckSender::Ourselves);
    reference::exchange(check, 0, 6);
    EXPECT_EQ(read(check), LoopCheckSender::Ourselves);
    EXPECT_EQ(read(tagged(check)), LoopCheckSender::Ourselves);
}

TEST(LoopCheck, AnothersIsKnownByItsNonce) {
    EXPECT_EQ(read(check_of(kOurMac, kNonce ^ 1)), LoopCheckSender::Another);
    EXPECT_EQ(read(check_of(kTesterMac, kNonce ^ 1ULL << 63)), LoopCheckSender::Another);
}

TEST(LoopCheck, OtherFramesAreNone) {
    Bytes check = check_of(kOurMac, kNonce);
    EXPECT_EQ(read(Bytes(check.begin(), check.begin() + 37)), LoopCheckSender::NoCheck) << "cut off";
    EXPECT_EQ(read(Bytes(check.begin(), check.begin() + 38)), LoopCheckSender::Ourselves);
    EXPECT_EQ(read(udp4_frame()), LoopCheckSender::NoCheck);
    check[29] ^= 1;
    EXPECT_EQ(read(check), LoopCheckSender::NoCheck) << "somebody else's experiment";
    check[29] ^= 1;
    check[13] = 0xB6;
    EXPECT_EQ(read(check), LoopCheckSender::NoCheck) << "the second experimental EtherType";
}

}  // namespace
}  // namespace l2echo::wire
