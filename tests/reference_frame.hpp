// An independent second parser of frames, written byte by byte from the standards: what an echo must look
// like, and whether checksums are right. Shares no code with the code under test.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace reference {

using Bytes = std::vector<std::uint8_t>;

inline unsigned word(const Bytes& frame, std::size_t at) {
    return static_cast<unsigned>(frame[at]) << 8 | frame[at + 1];
}

/// The layout of a frame whose first segment holds its first `reach` bytes.
struct Layout {
    unsigned type = 0;  ///< EtherType after all tags
    std::size_t tags = 0;
    std::size_t payload = 0;  ///< offset of the Ethernet payload
    int version = 0;          ///< IP version, 0 if the packet is malformed
    unsigned protocol = 0;
    std::size_t transport = 0;
    std::size_t end = 0;  ///< end of the IP packet
    bool fragment = false;
    bool later_fragment = false;
    bool source_routed = false;
    bool has_ports = false;
};

inline void lay_out_ipv4(const Bytes& frame, std::size_t reach, Layout& layout) {
    const std::size_t ip = layout.payload;
    if (ip + 20 > reach || frame[ip] >> 4 != 4)
        return;
    const std::size_t header = (frame[ip] & 15u) * 4;
    const std::size_t total = word(frame, ip + 2);
    if (header < 20 || ip + header > reach || total < header || ip + total > frame.size())
        return;
    layout.version = 4;
    layout.protocol = frame[ip + 9];
    layout.transport = ip + header;
    layout.end = ip + total;
    layout.later_fragment = (word(frame, ip + 6) & 0x1FFF) != 0;
    layout.fragment = layout.later_fragment || (word(frame, ip + 6) & 0x2000) != 0;
    for (std::size_t at = ip + 20; at < layout.transport;) {
        const unsigned kind = frame[at];
        if (kind == 131 || kind == 137)
            layout.source_routed = true;
        if (kind == 0)
            break;
        if (kind == 1)
            ++at;
        else if (at + 1 >= layout.transport || frame[at + 1] < 2)
            break;
        else
            at += frame[at + 1];
    }
}

inline void lay_out_ipv6(const Bytes& frame, std::size_t reach, Layout& layout) {
    const std::size_t ip = layout.payload;
    if (ip + 40 > reach || frame[ip] >> 4 != 6)
        return;
    const std::size_t end = ip + 40 + word(frame, ip + 4);
    if (end > frame.size())
        return;
    unsigned next = frame[ip + 6];
    std::size_t at = ip + 40;
    while (!layout.later_fragment && (next == 0 || next == 43 || next == 44 || next == 60)) {
        if (at + 8 > reach || at + 8 > end)
            return;
        const std::size_t length = next == 44 ? 8 : 8 + std::size_t{8} * frame[at + 1];
        if (at + length > reach || at + length > end)
            return;
        if (next == 44) {
            layout.fragment = true;
            layout.later_fragment = word(frame, at + 2) >= 8;
        }
        if (next == 43 && frame[at + 3] != 0)
            layout.source_routed = true;
        next = frame[at];
        at += length;
    }
    layout.version = 6;
    layout.protocol = next;
    layout.transport = at;
    layout.end = end;
}

inline Layout lay_out(const Bytes& frame, std::size_t reach) {
    Layout layout;
    std::size_t type_at = 12;
    layout.type = word(frame, type_at);
    while ((layout.type == 0x8100 || layout.type == 0x88A8 || layout.type == 0x9100) &&
           type_at + 6 <= reach) {
        type_at += 4;
        ++layout.tags;
        layout.type = word(frame, type_at);
    }
    layout.payload = type_at + 2;
    if (layout.type == 0x0800)
        lay_out_ipv4(frame, reach, layout);
    if (layout.type == 0x86DD)
        lay_out_ipv6(frame, reach, layout);
    layout.has_ports = layout.version != 0 && (layout.protocol == 6 || layout.protocol == 17) &&
                       !layout.later_fragment && layout.transport + 4 <= reach &&
                       layout.transport + 4 <= layout.end;
    return layout;
}

inline std::size_t source_address(const Layout& layout) {
    return layout.payload + (layout.version == 4 ? 12 : 8);
}
inline std::size_t address_length(const Layout& layout) {
    return layout.version == 4 ? 4 : 16;
}

inline void exchange(Bytes& frame, std::size_t at, std::size_t length) {
    for (std::size_t i = 0; i < length; ++i)
        std::swap(frame[at + i], frame[at + length + i]);
}

/// The expected echo. Level 0 swaps MACs; 1 also IP addresses; 2 also ports.
inline Bytes echo_of(Bytes frame, const Layout& layout, int level) {
    exchange(frame, 0, 6);
    if (level >= 1)
        exchange(frame, source_address(layout), address_length(layout));
    if (level >= 2 && layout.has_ports)
        exchange(frame, layout.transport, 2);
    return frame;
}

/// One's-complement sum (RFC 1071), not inverted: 0xFFFF over data that includes its right checksum.
inline unsigned sum_over(const Bytes& frame, std::size_t from, std::size_t to, std::uint64_t sum = 0) {
    for (std::size_t at = from; at < to; ++at)
        sum += (at - from) % 2 == 0 ? frame[at] * 256u : frame[at];
    while (sum > 0xFFFF)
        sum = sum % 0x10000 + sum / 0x10000;
    return static_cast<unsigned>(sum);
}

/// Offset of the transport checksum, if it can be computed: the packet is complete and the address field
/// holds its real destination.
inline std::optional<std::size_t> transport_checksum(const Layout& layout) {
    const auto at = [&](std::size_t offset, std::size_t header) -> std::optional<std::size_t> {
        if (layout.transport + header > layout.end)
            return std::nullopt;
        return layout.transport + offset;
    };
    if (layout.version == 0 || layout.fragment || layout.source_routed)
        return std::nullopt;
    if (layout.protocol == 17)
        return at(6, 8);
    if (layout.protocol == 6)
        return at(16, 20);
    if ((layout.protocol == 1 && layout.version == 4) || (layout.protocol == 58 && layout.version == 6))
        return at(2, 8);
    return std::nullopt;
}

inline unsigned transport_sum(const Bytes& frame, const Layout& layout) {
    std::uint64_t pseudo = 0;
    if (layout.protocol != 1) {
        const std::size_t addresses = source_address(layout);
        pseudo = sum_over(frame, addresses, addresses + 2 * address_length(layout)) + layout.protocol +
                 (layout.end - layout.transport);
    }
    return sum_over(frame, layout.transport, layout.end, pseudo);
}

inline bool ip_checksum_is_right(const Bytes& frame, const Layout& layout) {
    return layout.version == 4 && sum_over(frame, layout.payload, layout.transport) == 0xFFFF;
}
inline bool transport_checksum_is_right(const Bytes& frame, const Layout& layout) {
    return transport_checksum(layout) && transport_sum(frame, layout) == 0xFFFF;
}

/// Makes both checksums right, so that changed bytes get past checks of the checksum.
inline void repair_checksums(Bytes& frame) {
    const Layout layout = lay_out(frame, frame.size());
    const auto store = [&](std::size_t at, unsigned sum) {
        frame[at] = static_cast<std::uint8_t>((0xFFFF - sum) >> 8);
        frame[at + 1] = static_cast<std::uint8_t>(0xFFFF - sum);
    };
    if (layout.version == 4) {
        store(layout.payload + 10, 0xFFFF);
        store(layout.payload + 10, sum_over(frame, layout.payload, layout.transport));
    }
    if (const auto at = transport_checksum(layout)) {
        store(*at, 0xFFFF);
        store(*at, transport_sum(frame, layout));
    }
}

}  // namespace reference
