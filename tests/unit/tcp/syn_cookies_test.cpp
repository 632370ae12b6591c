#include "l2echo/tcp/syn_cookies.hpp"

#include <gtest/gtest.h>

#include <random>

#include "unit/tcp/tuples.hpp"

namespace l2echo::tcp {
namespace {

using std::chrono::seconds;

constexpr hash::SipKey kCookieKey{3, 4};
constexpr Sequence kPeerIsn(0xFFFF'FFFF);
constexpr Micros kCookieTime = seconds(1'000'040);  // 20 s into a minute

std::optional<CookieOptions> check_answer(const SynCookies& cookies, const Cookie& cookie, Micros now) {
    return cookies.check(ipv4_tuple(), kPeerIsn, cookie.isn,
                         cookie.options.timestamps ? std::optional(cookie.timestamp) : std::nullopt, now);
}

TEST(SynCookies, OptionsComeBackWithTheAck) {
    const SynCookies cookies(kCookieKey);
    for (std::uint8_t scale = 0; scale <= 15; ++scale)
        for (const bool sack : {false, true})
            for (const std::uint32_t timestamp : {0U, 17U, 0x7FFF'FFFFU, 0xFFFF'FFFFU}) {
                CookieOptions offer{1460, true, scale, sack};
                if (scale == 15)
                    offer.window_scale.reset();
                const Cookie cookie = cookies.make(ipv4_tuple(), kPeerIsn, offer, timestamp, kCookieTime);
                EXPECT_EQ(cookie.options, offer);
                EXPECT_LT(timestamp - cookie.timestamp, 32u) << "not in the future, and not old";
                EXPECT_EQ(check_answer(cookies, cookie, kCookieTime + seconds(1)), offer);
            }
}

TEST(SynCookies, WithoutTimestampsOnlyTheMssIsKept) {
    const SynCookies cookies(kCookieKey);
    const Cookie cookie =
        cookies.make(ipv4_tuple(), kPeerIsn, {1460, false, std::uint8_t{7}, true}, 1, kCookieTime);
    EXPECT_EQ(cookie.options, (CookieOptions{1460, false, std::nullopt, false}));
    EXPECT_EQ(check_answer(cookies, cookie, kCookieTime), cookie.options);
}

TEST(SynCookies, MssIsRoundedDown) {
    const SynCookies cookies(kCookieKey);
    const auto kept = [&](std::uint16_t mss) {
        const Cookie cookie =
            cookies.make(ipv4_tuple(), kPeerIsn, {mss, false, std::nullopt, false}, 1, kCookieTime);
        EXPECT_EQ(check_answer(cookies, cookie, kCookieTime)->mss, cookie.options.mss);
        return cookie.options.mss;
    };
    EXPECT_EQ(kept(65'535), 8940);
    EXPECT_EQ(kept(8960), 8940);
    EXPECT_EQ(kept(1460), 1460);
    EXPECT_EQ(kept(1459), 1440);
    EXPECT_EQ(kept(1220), 1220);
    EXPECT_EQ(kept(1219), 536);
    EXPECT_EQ(kept(535), 88);
    EXPECT_EQ(kept(10), 88) << "nothing is smaller";
}

TEST(SynCookies, CookieIsValidForOneToTwoMinutes) {
    const SynCookies cookies(kCookieKey);
    const Cookie cookie = cookies.make(ipv4_tuple(), kPeerIsn, {}, 1, kCookieTime);
    EXPECT_TRUE(check_answer(cookies, cookie, kCookieTime + seconds(99)));
    EXPECT_FALSE(check_answer(cookies, cookie, kCookieTime + seconds(100)));
    EXPECT_FALSE(check_answer(cookies, cookie, kCookieTime + seconds(160))) << "the same parity again";
    EXPECT_FALSE(check_answer(cookies, cookie, kCookieTime - seconds(60))) << "from the future";
    EXPECT_TRUE(check_answer(cookies, cookies.make(ipv4_tuple(), kPeerIsn, {}, 1, Micros(0)), Micros(5)));
    EXPECT_FALSE(cookies.check(ipv4_tuple(), kPeerIsn, Sequence(0xFFFF'FFFF), std::nullopt, Micros(5)));
}

TEST(SynCookies, OnlyItsOwnConnectionCanUseIt) {
    const SynCookies cookies(kCookieKey);
    const Cookie cookie =
        cookies.make(ipv4_tuple(), kPeerIsn, {1460, true, std::uint8_t{7}, true}, 1000, kCookieTime);
    EXPECT_FALSE(cookies.check(ipv4_tuple(1), kPeerIsn, cookie.isn, cookie.timestamp, kCookieTime))
        << "another port";
    EXPECT_FALSE(cookies.check(ipv4_tuple(), kPeerIsn + 1, cookie.isn, cookie.timestamp, kCookieTime))
        << "another SYN";
    EXPECT_FALSE(cookies.check(ipv4_tuple(), kPeerIsn, cookie.isn, cookie.timestamp ^ 1, kCookieTime))
        << "another window scale";
    EXPECT_FALSE(cookies.check(ipv4_tuple(), kPeerIsn, cookie.isn, std::nullopt, kCookieTime))
        << "without timestamps";
    EXPECT_FALSE(SynCookies({3, 5}).check(ipv4_tuple(), kPeerIsn, cookie.isn, cookie.timestamp, kCookieTime))
        << "another key";
    EXPECT_TRUE(cookies.check(ipv4_tuple(), kPeerIsn, cookie.isn, cookie.timestamp, kCookieTime));
}

TEST(SynCookies, GuessesAreRefused) {
    const SynCookies cookies(kCookieKey);
    std::mt19937 random(1);
    for (int i = 0; i < 100'000; ++i)
        EXPECT_FALSE(cookies.check(ipv4_tuple(), kPeerIsn, Sequence(random()), random(), kCookieTime));
}

}  // namespace
}  // namespace l2echo::tcp
