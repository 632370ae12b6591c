#include "net/stable_address.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

#include "test_addresses.hpp"

namespace l2echo::net {
namespace {

using namespace packets;

StableAddressSource stable_source() {
    return {.secret = {1, 2}, .prefix = link_local_prefix(), .port_name = "0000:01:00.0", .mac = kOurMac};
}

TEST(StableAddress, IsTheSameOnEachStartAndHasThePrefix) {
    const wire::IpAddress address = stable_address(stable_source());
    EXPECT_EQ(stable_address(stable_source()), address);
    EXPECT_TRUE(wire::is_link_local(address));
    EXPECT_EQ(wire::common_prefix(address, link_local_prefix()) >= 64, true);
    StableAddressSource global = stable_source();
    global.prefix = v6(kOur6);
    const wire::IpAddress other = stable_address(global);
    EXPECT_GE(wire::common_prefix(other, v6(kOur6)), 64U);
    EXPECT_FALSE(std::equal(other.bytes.begin() + 8, other.bytes.end(), address.bytes.begin() + 8))
        << "another prefix, another identifier";
}

TEST(StableAddress, DependsOnEachOfItsSources) {
    std::set<wire::IpAddress> addresses{stable_address(stable_source())};
    const auto add = [&addresses](auto change) {
        StableAddressSource source = stable_source();
        change(source);
        EXPECT_TRUE(addresses.insert(stable_address(source)).second);
    };
    add([](auto& source) { source.secret.low ^= 1; });
    add([](auto& source) { source.secret.high ^= 1; });
    add([](auto& source) { source.port_name = "0000:01:00.1"; });
    add([](auto& source) { source.port_name = ""; });
    add([](auto& source) { source.mac ^= 1ULL << 47; });
    add([](auto& source) { source.conflicts = 1; });
    add([](auto& source) { source.conflicts = 2; });
}

TEST(StableAddress, TakesTheFirst64CharactersOfAName) {
    const std::string name(100, 'x');
    StableAddressSource source = stable_source();
    source.port_name = name;
    const wire::IpAddress address = stable_address(source);
    source.port_name = std::string_view(name).substr(0, 64);
    EXPECT_EQ(stable_address(source), address);
    source.port_name = std::string_view(name).substr(0, 63);
    EXPECT_NE(stable_address(source), address);
}

TEST(StableAddress, AvoidsReservedIdentifiers) {
    for (const std::uint64_t reserved : {0x0ULL, 0x0200'5EFF'FE00'0000ULL, 0x0200'5EFF'FEFF'FFFFULL,
                                         0xFDFF'FFFF'FFFF'FF80ULL, 0xFDFF'FFFF'FFFF'FFFFULL})
        EXPECT_TRUE(is_reserved_identifier(reserved)) << std::hex << reserved;
    for (const std::uint64_t free :
         {0x1ULL, 0x0200'5EFF'FDFF'FFFFULL, 0x0200'5EFF'FF00'0000ULL, 0xFDFF'FFFF'FFFF'FF7FULL,
          0xFE00'0000'0000'0000ULL, 0xFFFF'FFFF'FFFF'FFFFULL})
        EXPECT_FALSE(is_reserved_identifier(free)) << std::hex << free;
}

}  // namespace
}  // namespace l2echo::net
