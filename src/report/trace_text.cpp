#include "l2echo/report/trace_text.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <array>

namespace l2echo {
namespace {

std::string format_address(const std::byte* address, std::uint8_t version) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    inet_ntop(version == 4 ? AF_INET : AF_INET6, address, text.data(), text.size());
    return text.data();
}

std::string describe_network(const std::byte* data, const FrameHeaders& headers) {
    if (headers.ip_version == 0)
        return fmt::format("EtherType 0x{:04x}", wire_order(headers.type));
    const std::byte* source = data + ip_source_offset(headers);
    std::string text =
        fmt::format("IPv{} {} > {}", headers.ip_version, format_address(source, headers.ip_version),
                    format_address(source + ip_address_length(headers), headers.ip_version));
    if (headers.ports != 0)
        text += fmt::format(", {} {} > {}", headers.protocol == kProtocolUdp ? "UDP" : "TCP",
                            load_be16(data + headers.ports), load_be16(data + headers.ports + 2));
    else
        text += fmt::format(", protocol {}{}", headers.protocol,
                            headers.later_fragment ? ", later fragment" : "");
    return text;
}

std::string describe_frame(const TraceRecord& record) {
    if (record.captured < kEthernetHeaderLength)
        return "no Ethernet header";
    // The frame again, as far as it was written down.
    std::array<std::byte, TraceRecord::kMostBytes> bytes = record.bytes;
    rte_mbuf frame{};
    frame.buf_addr = bytes.data();
    frame.data_len = record.captured;
    frame.pkt_len = record.length;
    const FrameHeaders headers = read_headers(frame);
    const MacPair macs = load_mac_pair(bytes.data());
    std::string text = fmt::format("{} > {}", format_mac(macs.source), format_mac(macs.destination));
    if (headers.tags > 0)
        text += fmt::format(", VLAN {}{}", headers.vlan_id,
                            headers.tags > 1 ? fmt::format(" and {} more", headers.tags - 1) : "");
    return text + fmt::format(", {}", describe_network(bytes.data(), headers));
}

}  // namespace

std::string describe_decision(const TraceRecord& record) {
    switch (record.decision.fate) {
        case Decision::Fate::Echo:
            return fmt::format("echoed ({})",
                               record.raw ? "raw" : kSwapLevelNames[static_cast<std::size_t>(record.level)]);
        case Decision::Fate::Answer:
            return "answered";
        case Decision::Fate::Refuse:
            break;
    }
    return fmt::format("refused, {}", kRefusalTable[static_cast<std::size_t>(record.decision.reason)].name);
}

std::string describe_trace(const TraceRecord& record) {
    return fmt::format("port {} queue {}, {} bytes, {}: {}", record.port, record.queue, record.length,
                       describe_frame(record), describe_decision(record));
}

}  // namespace l2echo
