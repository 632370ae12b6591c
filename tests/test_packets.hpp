// Builds frames from their parts, with checksums computed by the reference.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <vector>

#include "reference_frame.hpp"

namespace packets {

using Bytes = std::vector<std::uint8_t>;

inline const Bytes kOurs{0x02, 0x11, 0x22, 0x33, 0x44, 0x55};
inline const Bytes kTester{0x02, 0xAA, 0xBB, 0xCC, 0xDD, 0xEE};
inline const Bytes kBroadcast(6, 0xFF);
inline constexpr std::uint64_t kOurMac = 0x5544'3322'1102;
inline constexpr std::uint64_t kTesterMac = 0xEEDD'CCBB'AA02;

inline const Bytes kOur4{192, 0, 2, 1};
inline const Bytes kTester4{192, 0, 2, 77};
inline const Bytes kFar4{198, 51, 100, 9};
inline const Bytes kOur6{0x20, 0x01, 0x0D, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
inline const Bytes kTester6{0x20, 0x01, 0x0D, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x77};
inline const Bytes kSolicited6{0xFF, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xFF, 0, 0, 1};

inline Bytes join(std::initializer_list<Bytes> parts) {
    Bytes all;
    for (const Bytes& part : parts)
        all.insert(all.end(), part.begin(), part.end());
    return all;
}
inline Bytes word(unsigned value) {
    return {static_cast<std::uint8_t>(value >> 8), static_cast<std::uint8_t>(value)};
}
inline Bytes byte(unsigned value) {
    return {static_cast<std::uint8_t>(value)};
}
inline Bytes counting(std::size_t length) {
    Bytes bytes(length);
    for (std::size_t i = 0; i < length; ++i)
        bytes[i] = static_cast<std::uint8_t>(i);
    return bytes;
}

struct Ip {
    unsigned protocol = 17;
    Bytes source;
    Bytes destination;
    unsigned hops = 64;
    unsigned fragment = 0;  ///< IPv4: flags and fragment offset
    Bytes options{};        ///< IPv4: a multiple of 4 bytes
};
inline Bytes ipv4(const Ip& ip, const Bytes& payload) {
    const std::size_t header = 20 + ip.options.size();
    return join({byte(0x40 | header / 4), byte(0), word(static_cast<unsigned>(header + payload.size())),
                 word(0x1234), word(ip.fragment), byte(ip.hops), byte(ip.protocol), word(0), ip.source,
                 ip.destination, ip.options, payload});
}
inline Bytes ipv6(const Ip& ip, const Bytes& payload) {
    return join({word(0x6000), word(0), word(static_cast<unsigned>(payload.size())), byte(ip.protocol),
                 byte(ip.hops), ip.source, ip.destination, payload});
}
inline Bytes udp(unsigned source = 5000, unsigned destination = 53, std::size_t payload = 18) {
    return join({word(source), word(destination), word(static_cast<unsigned>(8 + payload)), word(0),
                 counting(payload)});
}
inline Bytes tcp(unsigned source = 40000, unsigned destination = 80) {
    return join({word(source), word(destination), Bytes(8), word(0x5002), word(0x4000), word(0), word(0)});
}

/// Tags and EtherType are 16-bit words; checksums are right.
inline Bytes ethernet(const Bytes& destination, const Bytes& source, std::initializer_list<unsigned> words,
                      const Bytes& payload) {
    Bytes frame = join({destination, source});
    for (const unsigned value : words)
        frame = join({frame, word(value)});
    frame = join({frame, payload});
    reference::repair_checksums(frame);
    return frame;
}
inline Bytes udp4_frame() {
    return ethernet(kOurs, kTester, {0x0800}, ipv4({17, kTester4, kFar4}, udp()));
}
inline Bytes tcp6_frame() {
    return ethernet(kOurs, kTester, {0x86DD}, ipv6({6, kTester6, kOur6}, tcp()));
}

inline bool checksums_are_right(const Bytes& frame) {
    const reference::Layout layout = reference::lay_out(frame, frame.size());
    return layout.version != 0 && (layout.version == 6 || reference::ip_checksum_is_right(frame, layout)) &&
           reference::transport_checksum_is_right(frame, layout);
}

}  // namespace packets
