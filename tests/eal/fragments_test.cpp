#include "l2echo/net/fragments.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <random>

#include "l2echo/dpdk/mempool.hpp"
#include "l2echo/process/error.hpp"
#include "ring_wire.hpp"
#include "test_addresses.hpp"

namespace l2echo::net {
namespace {

using namespace packets;
using namespace std::chrono_literals;

constexpr unsigned kMore = 0x2000;
constexpr std::uint16_t kLink = 14;
constexpr std::uint16_t kTaggedLink = 18;

/// Bytes of a packet; which are at which place shows in each.
Bytes payload_of(std::size_t length, unsigned seed = 0) {
    Bytes bytes(length);
    for (std::size_t i = 0; i < length; ++i)
        bytes[i] = static_cast<std::uint8_t>(i * 7 + i / 256 + seed);
    return bytes;
}
Bytes part_of(const Bytes& payload, std::size_t from, std::size_t length) {
    const auto begin = payload.begin() + static_cast<std::ptrdiff_t>(from);
    return {begin, begin + static_cast<std::ptrdiff_t>(length)};
}
/// A frame with a fragment of an IPv4 packet.
Bytes fragment4(const Bytes& payload, std::size_t from, std::size_t length, bool more,
                unsigned identification = 9) {
    Bytes ip = ipv4({17, kTester4, kOur4, 64, static_cast<unsigned>(from / 8) | (more ? kMore : 0)},
                    part_of(payload, from, length));
    ip[4] = static_cast<std::uint8_t>(identification >> 8);
    ip[5] = static_cast<std::uint8_t>(identification);
    return ethernet(kOurs, kTester, {0x0800}, ip);
}
Bytes fragment6(const Bytes& payload, std::size_t from, std::size_t length, bool more,
                unsigned identification = 9) {
    return ethernet(kOurs, kTester, {0x86DD},
                    ipv6({44, kTester6, kOur6}, join({{17, 0},
                                                      word(static_cast<unsigned>(from) | (more ? 1 : 0)),
                                                      word(0),
                                                      word(identification),
                                                      part_of(payload, from, length)})));
}

class Fragments : public testing::Test {
  public:
    Fragments() { start({}); }
    ~Fragments() override {
        reassembly_.reset();
        for (const dpdk::Mempool* pool : {&pool_, &headers_, &clones_})
            EXPECT_EQ(rte_mempool_in_use_count(pool->get()), 0U) << "every mbuf is back in its pool";
    }

    void start(const ReassemblySettings& settings) {
        reassembly_.reset();
        reassembly_.emplace(settings);
    }

    rte_mbuf* frame(const Bytes& bytes) {
        rte_mbuf* mbuf = rte_pktmbuf_alloc(pool_.get());
        EXPECT_NE(mbuf, nullptr);
        std::memcpy(rte_pktmbuf_append(mbuf, static_cast<std::uint16_t>(bytes.size())), bytes.data(),
                    bytes.size());
        mbuf->ol_flags = RTE_MBUF_F_RX_L4_CKSUM_GOOD | RTE_MBUF_F_RX_IP_CKSUM_GOOD;
        return mbuf;
    }
    /// A frame in mbufs of 1500 bytes each.
    rte_mbuf* long_frame(const Bytes& bytes) {
        rte_mbuf* first = nullptr;
        for (std::size_t at = 0; at < bytes.size(); at += 1500) {
            rte_mbuf* next = frame(part_of(bytes, at, std::min<std::size_t>(1500, bytes.size() - at)));
            if (first == nullptr)
                first = next;
            else
                EXPECT_EQ(rte_pktmbuf_chain(first, next), 0);
        }
        return first;
    }
    /// All bytes of a frame, which is freed.
    static Bytes bytes_of(rte_mbuf* mbuf) {
        Bytes bytes(mbuf->pkt_len);
        std::size_t at = 0;
        for (const rte_mbuf* segment = mbuf; segment != nullptr; segment = segment->next) {
            EXPECT_GT(segment->data_len, 0);
            std::memcpy(bytes.data() + at, rte_pktmbuf_mtod(segment, const void*), segment->data_len);
            at += segment->data_len;
        }
        EXPECT_EQ(at, bytes.size());
        rte_pktmbuf_free(mbuf);
        return bytes;
    }

    /// The whole frame, once it is complete.
    std::optional<Bytes> take(const Bytes& bytes, Micros now = 0s, std::uint16_t link = kLink) {
        const std::uint64_t joined = counts().joined;
        rte_mbuf* whole = reassembly_->take(frame(bytes), link, now);
        EXPECT_EQ(counts().fragments, counts().joined + counts().malformed + counts().unsupported +
                                          counts().no_room + counts().inconsistent + counts().timed_out +
                                          reassembly_->held());
        if (whole == nullptr)
            return std::nullopt;
        EXPECT_TRUE(whole->ol_flags == 0 || counts().joined == joined) << "nobody verified the checksums";
        EXPECT_EQ(whole->l2_len, link);
        return bytes_of(whole);
    }
    const ReassemblyCounts& counts() const { return reassembly_->counts(); }
    Reassembly& reassembly() { return *reassembly_; }
    FragmentPools pools() { return {headers_.get(), clones_.get()}; }
    rte_mempool* pool() { return pool_.get(); }
    rte_mempool* clones() { return clones_.get(); }

  private:
    dpdk::Mempool pool_{unique_name("frames"), 511, 0, 2176, SOCKET_ID_ANY};
    dpdk::Mempool headers_{unique_name("headers"), 255, 0, 256, SOCKET_ID_ANY};
    dpdk::Mempool clones_{unique_name("clones"), 255, 0, 0, SOCKET_ID_ANY};
    std::optional<Reassembly> reassembly_;
};

TEST_F(Fragments, AreJoinedInAnyOrder) {
    const Bytes payload = payload_of(40);
    Bytes expected4 = ethernet(kOurs, kTester, {0x0800}, ipv4({17, kTester4, kOur4}, payload));
    expected4[kLink + 4] = 0;
    expected4[kLink + 5] = 9;
    reference::repair_checksums(expected4);
    std::copy(payload.begin(), payload.end(), expected4.begin() + kLink + 20);  // the payload is no datagram
    const Bytes expected6 = join({kOurs, kTester, word(0x86DD), ipv6({17, kTester6, kOur6}, payload)});
    std::array<unsigned, 3> order{0, 1, 2};
    do {
        for (const bool four : {true, false}) {
            std::optional<Bytes> whole;
            for (const unsigned part : order) {
                EXPECT_FALSE(whole) << "complete too early";
                const std::size_t from = std::array<std::size_t, 3>{0, 16, 32}[part];
                const std::size_t length = part == 2 ? 8 : 16;
                whole = take(four ? fragment4(payload, from, length, part != 2)
                                  : fragment6(payload, from, length, part != 2));
            }
            ASSERT_TRUE(whole);
            EXPECT_EQ(*whole, four ? expected4 : expected6);
            EXPECT_EQ(reassembly().held(), 0U);
        }
    } while (std::next_permutation(order.begin(), order.end()));
    EXPECT_EQ(counts().joined, 6U * 2 * 3);
}

TEST_F(Fragments, AreJoinedWithTagsPaddingAndOptions) {
    const Bytes payload = payload_of(24);
    const auto tagged = [&](std::size_t from, std::size_t length, unsigned fragment) {
        Bytes frame =
            ethernet(kOurs, kTester, {0x8100, 5, 0x0800},
                     ipv4({17, kTester4, kOur4, 64, fragment, {1, 1, 1, 0}}, part_of(payload, from, length)));
        frame.resize(std::max<std::size_t>(frame.size(), 64));
        return frame;
    };
    EXPECT_FALSE(take(tagged(16, 8, 2), 0s, kTaggedLink));
    const auto whole = take(tagged(0, 16, kMore), 0s, kTaggedLink);
    ASSERT_TRUE(whole);
    ASSERT_EQ(whole->size(), 18U + 24 + 24);
    EXPECT_EQ(part_of(*whole, 42, 24), payload);
    EXPECT_TRUE(reference::ip_checksum_is_right(*whole, reference::lay_out(*whole, whole->size())));
}

TEST_F(Fragments, OfDifferentPacketsAreNotMixed) {
    const Bytes one = payload_of(16, 1), two = payload_of(16, 2);
    EXPECT_FALSE(take(fragment4(one, 0, 8, true, 1)));
    EXPECT_FALSE(take(fragment4(two, 0, 8, true, 2)));
    EXPECT_FALSE(take(fragment6(one, 0, 8, true, 1)));
    const auto second = take(fragment4(two, 8, 8, false, 2));
    ASSERT_TRUE(second);
    EXPECT_EQ(part_of(*second, 34, 16), two);
    const auto first = take(fragment4(one, 8, 8, false, 1));
    ASSERT_TRUE(first);
    EXPECT_EQ(part_of(*first, 34, 16), one);
    EXPECT_EQ(reassembly().held(), 1U);
}

TEST_F(Fragments, ThatAreWholePacketsAreNotHeld) {
    const Bytes payload = payload_of(24);
    // RFC 6946: also while fragments with the same identification wait.
    EXPECT_FALSE(take(fragment6(payload, 0, 8, true)));
    const auto whole = take(fragment6(payload, 0, 24, false));
    ASSERT_TRUE(whole);
    EXPECT_EQ(*whole, join({kOurs, kTester, word(0x86DD), ipv6({17, kTester6, kOur6}, payload)}));
    EXPECT_EQ(reassembly().held(), 1U);
    // A frame without fragments passes unchanged.
    for (const Bytes& plain : {udp4_frame(), tcp6_frame()}) {
        rte_mbuf* mbuf = frame(plain);
        EXPECT_EQ(reassembly().take(mbuf, kLink, 0s), mbuf);
        EXPECT_EQ(bytes_of(mbuf), plain);
    }
    EXPECT_EQ(counts().fragments, 2U);
}

// Teardrop and its relatives (RFC 1858, RFC 3128, RFC 5722): nothing is ever made of fragments that overlap.
TEST_F(Fragments, ThatOverlapAreDropped) {
    struct Part {
        std::size_t from, length;
        bool more;
    };
    const Bytes payload = payload_of(400);
    unsigned identification = 100;
    for (const auto& [why, parts] : std::vector<std::pair<const char*, std::vector<Part>>>{
             {"teardrop: the second lies within the first", {{0, 40, true}, {24, 4, false}}},
             {"the second begins within the first", {{0, 40, true}, {24, 32, false}}},
             {"the same in reverse order", {{24, 32, false}, {0, 40, true}}},
             {"an overlap and a gap of the same length",
              {{0, 16, true}, {8, 16, true}, {32, 8, false}, {0, 8, true}}},
             {"the length is right, one part occurs twice and one is missing",
              {{0, 8, true}, {16, 8, true}, {16, 8, true}, {24, 8, false}}},
             {"an exact duplicate of the first", {{0, 16, true}, {0, 16, true}}},
             {"two last fragments", {{0, 16, true}, {24, 8, false}, {40, 8, false}}},
             {"the last one ends before others", {{0, 16, true}, {32, 16, true}, {16, 8, false}}},
             {"a first fragment that is rewritten",
              {{0, 8, true}, {8, 8, true}, {0, 16, true}, {16, 8, false}}},
         }) {
        for (const bool four : {true, false}) {
            ++identification;
            for (const Part& part : parts)
                EXPECT_FALSE(
                    take(four ? fragment4(payload, part.from, part.length, part.more, identification)
                              : fragment6(payload, part.from, part.length, part.more, identification)))
                    << why;
        }
    }
    EXPECT_EQ(counts().joined, 0U);
    EXPECT_GT(counts().inconsistent, 20U);
    reassembly().expire(100s);
    EXPECT_EQ(reassembly().held(), 0U);
}

TEST_F(Fragments, ThatCannotBeRightAreRefused) {
    const Bytes payload = payload_of(65536);
    for (const auto& [why, bytes] : std::vector<std::pair<const char*, Bytes>>{
             {"no bytes", fragment4(payload, 8, 0, true)},
             {"no bytes at the end", fragment4(payload, 8, 0, false)},
             {"not a multiple of 8", fragment4(payload, 0, 12, true)},
             {"beyond 65535 bytes (ping of death)", fragment4(payload, 65528, 7, false)},
             {"a wrong header checksum", changed(fragment4(payload, 0, 8, true), kLink + 8, 63)},
             {"beyond 65535 bytes (IPv6)", fragment6(payload, 65528, 8, false)},
             {"no bytes (IPv6)", fragment6(payload, 8, 0, true)},
             {"not a multiple of 8 (IPv6)", fragment6(payload, 0, 12, true)},
             {"half a fragment header",
              ethernet(kOurs, kTester, {0x86DD}, ipv6({44, kTester6, kOur6}, {17, 0, 0, 1}))},
             {"half an extension header in the first fragment",
              ethernet(kOurs, kTester, {0x86DD},
                       ipv6({44, kTester6, kOur6}, {60, 0, 0, 1, 0, 0, 0, 9, 17, 1, 1, 4, 0, 0, 0, 0}))},
             {"nothing but a link header", join({kOurs, kTester, word(0x0800)})},
         }) {
        const std::uint64_t before = counts().malformed;
        EXPECT_FALSE(take(bytes)) << why;
        EXPECT_EQ(counts().malformed, before + 1) << why;
    }
    EXPECT_EQ(reassembly().held(), 0U);
    EXPECT_FALSE(take(ethernet(kOurs, kTester, {0x86DD},
                               ipv6({0, kTester6, kOur6}, {44, 0, 1, 4, 0, 0, 0, 0, 17, 0, 0, 1,
                                                           0,  0, 0, 9, 1, 2, 3, 4, 5,  6, 7, 8}))));
    EXPECT_EQ(counts().unsupported, 1U) << "a header before the fragment header";
    EXPECT_EQ(reassembly().take(long_frame(fragment4(payload, 0, 1600, true)), kLink, 0s), nullptr);
    EXPECT_EQ(counts().unsupported, 2U) << "several mbufs";
}

TEST_F(Fragments, WhoseHeadersDifferInLengthDoNotMakeAPacketOfAWrongLength) {
    // 65515 bytes of payload fit behind a header of 20 bytes, and not behind one of 60.
    const Bytes payload = payload_of(65515);
    const std::size_t step = 9352;  // a multiple of 8; eight parts
    const auto part = [&](std::size_t from, std::size_t length, unsigned flags, const Bytes& options) {
        return ethernet(kOurs, kTester, {0x0800},
                        ipv4({17, kTester4, kOur4, 64, static_cast<unsigned>(from / 8) | flags, options},
                             part_of(payload, from, length)));
    };
    dpdk::Mempool large(unique_name("large"), 15, 0, 9600, SOCKET_ID_ANY);
    const auto send = [&](const Bytes& first_options) {
        rte_mbuf* whole = nullptr;
        for (std::size_t from = 0; from < payload.size(); from += step) {
            const std::size_t length = std::min(step, payload.size() - from);
            const Bytes bytes = part(from, length, from + length == payload.size() ? 0 : kMore,
                                     from == 0 ? first_options : Bytes{});
            rte_mbuf* mbuf = rte_pktmbuf_alloc(large.get());
            std::memcpy(rte_pktmbuf_append(mbuf, static_cast<std::uint16_t>(bytes.size())), bytes.data(),
                        bytes.size());
            EXPECT_EQ(whole, nullptr);
            whole = reassembly().take(mbuf, kLink, 0s);
        }
        return whole;
    };
    rte_mbuf* whole = send({});
    ASSERT_NE(whole, nullptr) << "the longest packet of all";
    EXPECT_EQ(whole->pkt_len, kLink + 65535U);
    EXPECT_EQ(part_of(bytes_of(whole), kLink + 20, payload.size()), payload);
    EXPECT_EQ(send(Bytes(40, 1)), nullptr);
    EXPECT_EQ(counts().malformed, 8U);
    EXPECT_EQ(reassembly().held(), 0U);
    EXPECT_EQ(rte_mempool_in_use_count(large.get()), 0U);
}

TEST_F(Fragments, HaveABoundedNumberPerPacket) {
    const Bytes payload = payload_of(400);
    for (const unsigned parts : {Reassembly::kMaxFragments, Reassembly::kMaxFragments + 1}) {
        std::optional<Bytes> whole;
        for (unsigned i = 0; i < parts; ++i)
            whole = take(fragment4(payload, std::size_t{8} * i, 8, i + 1 != parts, parts));
        EXPECT_EQ(whole.has_value(), parts == Reassembly::kMaxFragments);
    }
    EXPECT_EQ(counts().inconsistent, Reassembly::kMaxFragments);
    // The last fragment of the packet in error waits alone.
    reassembly().expire(100s);
    EXPECT_EQ(reassembly().held(), 0U);
}

TEST_F(Fragments, AreBoundedInAll) {
    start({.packets = 64, .held = 10});
    const Bytes payload = payload_of(64);
    for (unsigned i = 0; i < 15; ++i)
        EXPECT_FALSE(take(fragment4(payload, 8, 8, true, i)));
    EXPECT_FALSE(take(fragment6(payload, 8, 8, true)));
    EXPECT_EQ(reassembly().held(), 10U);
    EXPECT_EQ(counts().no_room, 6U);
    EXPECT_EQ(rte_mempool_in_use_count(pool()), 10U);
    start({.packets = 8, .held = 100});
    for (unsigned i = 0; i < 50; ++i) {
        EXPECT_FALSE(take(fragment4(payload, 8, 8, true, i)));
        EXPECT_FALSE(take(fragment6(payload, 8, 8, true, i)));
    }
    EXPECT_LE(reassembly().held(), 16U);
    EXPECT_GT(reassembly().held(), 8U);
    EXPECT_EQ(counts().no_room, 100U - reassembly().held());
    EXPECT_EQ(counts().inconsistent, 0U);
}

TEST_F(Fragments, TimeOutAfterTheTimeOfTheirVersion) {
    const Bytes payload = payload_of(64);
    EXPECT_FALSE(take(fragment4(payload, 0, 16, true), 1s));
    EXPECT_FALSE(take(fragment4(payload, 16, 16, true), 20s));
    EXPECT_FALSE(take(fragment6(payload, 0, 16, true), 1s));
    reassembly().expire(31s);
    EXPECT_EQ(reassembly().held(), 3U);
    reassembly().expire(31s + 1us);
    EXPECT_EQ(reassembly().held(), 1U);
    EXPECT_EQ(counts().timed_out, 2U);
    rte_mbuf* first = reassembly().take_expired();
    ASSERT_NE(first, nullptr);
    EXPECT_EQ(first->l2_len, kLink);
    EXPECT_EQ(bytes_of(first), fragment4(payload, 0, 16, true)) << "as it arrived";
    EXPECT_EQ(reassembly().take_expired(), nullptr) << "only the first one";
    EXPECT_FALSE(take(fragment4(payload, 32, 8, false), 61s)) << "too late";
    reassembly().expire(61s + 1us);
    EXPECT_EQ(reassembly().held(), 1U);
    first = reassembly().take_expired();
    ASSERT_NE(first, nullptr);
    EXPECT_EQ(bytes_of(first), fragment6(payload, 0, 16, true));
}

TEST_F(Fragments, ThatTimeOutAreCountedAlsoWhenTheNextOneArrives) {
    const Bytes payload = payload_of(64);
    EXPECT_FALSE(take(fragment4(payload, 0, 16, true), 0s));
    EXPECT_FALSE(take(fragment4(payload, 16, 16, false), 40s)) << "of a packet whose time is over";
    EXPECT_EQ(counts().timed_out, 1U);
    EXPECT_EQ(reassembly().held(), 1U);
    EXPECT_FALSE(take(fragment4(payload, 8, 8, true), 41s));
    const auto whole = take(fragment4(payload, 0, 8, true), 42s);
    ASSERT_TRUE(whole) << "a new packet with its identification";
    EXPECT_EQ(part_of(*whole, 34, 32), part_of(payload, 0, 32));
}

TEST_F(Fragments, ThatTimeOutInGreatNumberAllComeBack) {
    start({.packets = 256, .held = 500});
    const Bytes payload = payload_of(64);
    for (unsigned i = 0; i < 200; ++i) {
        EXPECT_FALSE(take(fragment4(payload, 0, 8, true, i)));
        EXPECT_FALSE(take(fragment4(payload, 8, 8, true, i)));
    }
    const std::uint32_t held = reassembly().held();
    EXPECT_GT(held, 350U);
    reassembly().expire(60s);
    EXPECT_EQ(reassembly().held(), 0U);
    EXPECT_EQ(counts().timed_out, held);
    unsigned firsts = 0;
    while (rte_mbuf* first = reassembly().take_expired()) {
        EXPECT_EQ(bytes_of(first).size(), kLink + 28U);
        ++firsts;
    }
    EXPECT_EQ(firsts, 32U);
}

TEST_F(Fragments, OfAPacketSplitAreThatPacket) {
    std::mt19937 random(3);
    for (unsigned round = 0; round < 300; ++round) {
        const bool four = round % 2 == 0;
        const std::uint16_t link = round % 4 < 2 ? kLink : kTaggedLink;
        const auto mtu = static_cast<std::uint16_t>(four ? 600 + random() % 900 : 1280 + random() % 220);
        const Bytes payload = payload_of(mtu + random() % (6U * 500U), round);
        const Bytes ip = four ? ipv4({17, kOur4, kTester4}, payload) : ipv6({17, kOur6, kTester6}, payload);
        const unsigned type = four ? 0x0800 : 0x86DD;
        Bytes bytes =
            join({kTester, kOurs, link == kLink ? Bytes{} : join({word(0x8100), word(5)}), word(type), ip});
        std::array<rte_mbuf*, 16> out;
        const std::uint16_t count = split(long_frame(bytes), link, mtu, 0xABCD'0000 + round, pools(), out);
        ASSERT_GT(count, 1) << round;
        std::vector<Bytes> parts;
        for (rte_mbuf* part : std::span(out).first(count)) {
            EXPECT_LE(part->pkt_len, link + std::uint32_t{mtu});
            EXPECT_EQ(part->l2_len, link);
            parts.push_back(bytes_of(part));
            EXPECT_TRUE(!four || reference::ip_checksum_is_right(
                                     parts.back(), reference::lay_out(parts.back(), parts.back().size())));
        }
        std::shuffle(parts.begin(), parts.end(), random);
        std::optional<Bytes> whole;
        for (const Bytes& part : parts) {
            EXPECT_FALSE(whole);
            whole = take(part, 0s, link);
        }
        if (four) {
            bytes[link + 4U] = static_cast<std::uint8_t>(round >> 8);
            bytes[link + 5U] = static_cast<std::uint8_t>(round);
            bytes[link + 10U] = bytes[link + 11U] = 0;
            const unsigned sum = reference::sum_over(bytes, link, link + 20U);
            bytes[link + 10U] = static_cast<std::uint8_t>((0xFFFF - sum) >> 8);
            bytes[link + 11U] = static_cast<std::uint8_t>(0xFFFF - sum);
        }
        ASSERT_EQ(whole.has_value(), count <= Reassembly::kMaxFragments) << round;
        if (whole) {
            ASSERT_EQ(*whole, bytes) << round;
        }
        reassembly().expire(Micros(0));
    }
}

TEST_F(Fragments, OfAPacketThatCannotBeSplitAreNone) {
    std::array<rte_mbuf*, 4> out;
    const Bytes payload = payload_of(3000);
    const auto count = [&](const Bytes& ip, std::uint16_t mtu, std::span<rte_mbuf*> room) {
        return split(long_frame(join({kTester, kOurs, word(0x0800), ip})), kLink, mtu, 1, pools(), room);
    };
    const Bytes plain = ipv4({17, kOur4, kTester4}, payload);
    EXPECT_EQ(count(ipv4({17, kOur4, kTester4, 64, 0x4000}, payload), 1500, out), 0) << "don't fragment";
    EXPECT_EQ(count(plain, 67, out), 0) << "an MTU that no link has";
    EXPECT_EQ(count(ipv6({17, kOur6, kTester6}, payload), 1279, out), 0);
    EXPECT_EQ(count(plain, 600, out), 0) << "more fragments than there is room for";
    EXPECT_EQ(count(plain, 1500, {}), 0);
    EXPECT_EQ(count(Bytes(3000, 0x55), 1500, out), 0) << "not IP";
    EXPECT_EQ(count(Bytes(10, 0x45), 1500, out), 0) << "half a header";
    std::vector<rte_mbuf*> taken(rte_mempool_avail_count(clones()));
    ASSERT_EQ(rte_pktmbuf_alloc_bulk(clones(), taken.data(), static_cast<unsigned>(taken.size()) - 1), 0);
    EXPECT_EQ(count(plain, 1500, out), 0) << "the pool is nearly empty";
    rte_pktmbuf_free_bulk(taken.data(), static_cast<unsigned>(taken.size()) - 1);
    const std::uint16_t fragments = count(plain, 1500, out);
    EXPECT_EQ(fragments, 3);
    for (rte_mbuf* fragment : std::span(out).first(fragments))
        rte_pktmbuf_free(fragment);
}

TEST_F(Fragments, AreAllFreedAtTheEnd) {
    const Bytes payload = payload_of(64);
    EXPECT_FALSE(take(fragment4(payload, 0, 16, true)));
    EXPECT_FALSE(take(fragment6(payload, 16, 16, true)));
    reassembly().expire(40s);
    EXPECT_EQ(rte_mempool_in_use_count(pool()), 2U) << "one waits, one is for take_expired()";
}

TEST(Reassembly, NeedsMemoryAtTheStart) {
    EXPECT_THROW(Reassembly({.packets = 1U << 24}), process::StartupError);
}

// Any bytes as fragments: nothing is lost, and nothing is joined that is not a packet.
TEST_F(Fragments, OfRandomBytesComeBack) {
    std::mt19937 random(11);
    Micros now(0);
    for (unsigned round = 0; round < 20'000; ++round) {
        const Bytes payload = payload_of(256, random());
        const std::size_t from = 8 * (random() % 16);
        const std::size_t length = random() % 8 == 0 ? random() % 64 : 8 * (random() % 8);
        const bool more = random() % 3 != 0;
        const unsigned identification = random() % 20;
        Bytes bytes = random() % 2 == 0 ? fragment4(payload, from, length, more, identification)
                                        : fragment6(payload, from, length, more, identification);
        if (random() % 4 == 0) {
            bytes[kLink + 1 + random() % (bytes.size() - kLink - 1)] ^=
                static_cast<std::uint8_t>(1U << random() % 8);
            if (random() % 2 == 0)
                reference::repair_checksums(bytes);
        }
        now += Micros(random() % 400'000);
        if (const auto whole = take(bytes, now)) {
            const reference::Layout layout = reference::lay_out(*whole, whole->size());
            EXPECT_TRUE(layout.version != 0 && layout.end == whole->size());
        }
        while (rte_mbuf* first = reassembly().take_expired())
            rte_pktmbuf_free(first);
    }
    EXPECT_GT(counts().joined, 100U);
    EXPECT_GT(counts().inconsistent, 100U);
    EXPECT_GT(counts().timed_out, 100U);
    EXPECT_GT(counts().malformed, 100U);
}

}  // namespace
}  // namespace l2echo::net
