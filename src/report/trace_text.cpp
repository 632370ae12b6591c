#include "l2echo/report/trace_text.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <array>

#include "l2echo/wire/byte_order.hpp"

namespace l2echo::report {
namespace {

std::string format_address(const std::byte* address, std::uint8_t version) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    inet_ntop(version == 4 ? AF_INET : AF_INET6, address, text.data(), text.size());
    return text.data();
}

std::string describe_network(const std::byte* data, const wire::FrameHeaders& headers) {
    if (headers.ip_version == 0)
        return fmt::format("EtherType 0x{:04x}", wire::wire_order(headers.type));
    const std::byte* source = data + wire::ip_source_offset(headers);
    std::string text =
        fmt::format("IPv{} {} > {}", headers.ip_version, format_address(source, headers.ip_version),
                    format_address(source + wire::ip_address_length(headers), headers.ip_version));
    if (headers.ports != 0)
        text += fmt::format(", {} {} > {}", headers.protocol == wire::kProtocolUdp ? "UDP" : "TCP",
                            wire::load_be16(data + headers.ports), wire::load_be16(data + headers.ports + 2));
    else
        text += fmt::format(", protocol {}{}", headers.protocol,
                            headers.later_fragment ? ", later fragment" : "");
    return text;
}

std::string describe_frame(const engine::TraceRecord& record) {
    if (record.captured < wire::kEthernetHeaderLength)
        return "no Ethernet header";
    // The frame again, as far as it was written down.
    std::array<std::byte, engine::TraceRecord::kMostBytes> bytes = record.bytes;
    rte_mbuf frame{};
    frame.buf_addr = bytes.data();
    frame.data_len = record.captured;
    frame.pkt_len = record.length;
    const wire::FrameHeaders headers = wire::read_headers(frame);
    const wire::MacPair macs = wire::load_mac_pair(bytes.data());
    std::string text =
        fmt::format("{} > {}", wire::format_mac(macs.source), wire::format_mac(macs.destination));
    if (headers.tags > 0)
        text += fmt::format(", VLAN {}{}", headers.vlan_id,
                            headers.tags > 1 ? fmt::format(" and {} more", headers.tags - 1) : "");
    return text + fmt::format(", {}", describe_network(bytes.data(), headers));
}

}  // namespace

std::string describe_decision(const engine::TraceRecord& record) {
    switch (record.decision.fate) {
        case engine::Decision::Fate::Echo:
            return fmt::format(
                "echoed ({})",
                record.raw ? "raw" : wire::kSwapLevelNames[static_cast<std::size_t>(record.level)]);
        case engine::Decision::Fate::Answer:
            return "answered";
        case engine::Decision::Fate::Refuse:
            break;
    }
    return fmt::format("refused, {}",
                       echo::kRefusalTable[static_cast<std::size_t>(record.decision.reason)].name);
}

std::string describe_trace(const engine::TraceRecord& record) {
    return fmt::format("port {} queue {}, {} bytes, {}: {}", record.port, record.queue, record.length,
                       describe_frame(record), describe_decision(record));
}

}  // namespace l2echo::report
