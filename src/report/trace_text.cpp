#include "l2echo/report/trace_text.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>

#include "l2echo/wire/byte_order.hpp"
#include "l2echo/wire/frame_headers.hpp"

namespace l2echo::report {
namespace {

struct ProtocolName {
    unsigned number;
    const char* name;
};

/// EtherTypes (IEEE registry) that reach an echo, those that it refuses included.
constexpr std::array kEtherTypeNames{
    ProtocolName{0x0800, "IPv4"}, ProtocolName{0x0806, "ARP"},   ProtocolName{0x8100, "VLAN"},
    ProtocolName{0x86DD, "IPv6"}, ProtocolName{0x8808, "PAUSE"}, ProtocolName{0x8809, "slow protocol"},
    ProtocolName{0x8847, "MPLS"}, ProtocolName{0x888E, "EAPOL"}, ProtocolName{0x88A8, "VLAN"},
    ProtocolName{0x88CC, "LLDP"}, ProtocolName{0x88F7, "PTP"},   ProtocolName{0x8902, "CFM"},
};

/// IP protocols (IANA registry).
constexpr std::array kIpProtocolNames{
    ProtocolName{wire::kProtocolIcmp, "ICMP"},
    ProtocolName{2, "IGMP"},
    ProtocolName{wire::kProtocolTcp, "TCP"},
    ProtocolName{wire::kProtocolUdp, "UDP"},
    ProtocolName{47, "GRE"},
    ProtocolName{50, "ESP"},
    ProtocolName{wire::kProtocolIcmpv6, "ICMPv6"},
    ProtocolName{89, "OSPF"},
    ProtocolName{112, "VRRP"},
    ProtocolName{132, "SCTP"},
};

std::string protocol_name(std::span<const ProtocolName> names, unsigned number,
                          const std::string& otherwise) {
    const auto known = std::ranges::find(names, number, &ProtocolName::number);
    return known == names.end() ? otherwise : known->name;
}

std::string format_address(const std::byte* address, std::uint8_t version) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    inet_ntop(version == 4 ? AF_INET : AF_INET6, address, text.data(), text.size());
    return text.data();
}

std::string describe_network(const std::byte* data, const wire::FrameHeaders& headers) {
    const std::uint16_t type = wire::wire_order(headers.type);
    if (headers.ip_version == 0)
        return protocol_name(kEtherTypeNames, type, fmt::format("EtherType 0x{:04x}", type));
    const std::byte* source = data + wire::ip_source_offset(headers);
    std::string text =
        fmt::format("IPv{} {} > {}", headers.ip_version, format_address(source, headers.ip_version),
                    format_address(source + wire::ip_address_length(headers), headers.ip_version));
    text += ", " +
            protocol_name(kIpProtocolNames, headers.protocol, fmt::format("protocol {}", headers.protocol));
    if (headers.ports != 0)
        text += fmt::format(" {} > {}", wire::load_be16(data + headers.ports),
                            wire::load_be16(data + headers.ports + 2));
    return text + (headers.later_fragment ? ", later fragment" : "");
}

std::string describe_frame(const verdict::TraceRecord& record) {
    if (record.captured < wire::kEthernetHeaderLength)
        return "no Ethernet header";
    const wire::FrameHeaders headers =
        wire::read_headers({record.bytes.data(), record.captured, record.length});
    const wire::MacPair macs = wire::load_mac_pair(record.bytes.data());
    std::string text =
        fmt::format("{} > {}", wire::format_mac(macs.source), wire::format_mac(macs.destination));
    if (headers.tags > 0)
        text += fmt::format(", VLAN {}{}", headers.vlan_id,
                            headers.tags > 1 ? fmt::format(" and {} more", headers.tags - 1) : "");
    return text + fmt::format(", {}", describe_network(record.bytes.data(), headers));
}

}  // namespace

std::string describe_verdict(const verdict::TraceRecord& record) {
    switch (record.verdict.next) {
        case verdict::Next::Echo:
            return fmt::format("echoed ({})", record.echoed_as);
        case verdict::Next::Answer:
            return "answered";
        case verdict::Next::Refuse:
            break;
    }
    return fmt::format("refused, {}", verdict::row_of(record.verdict.reason).name);
}

std::string describe_trace(const verdict::TraceRecord& record) {
    return fmt::format("port {} queue {}, {} bytes, {}: {}", record.port, record.queue, record.length,
                       describe_frame(record), describe_verdict(record));
}

}  // namespace l2echo::report
