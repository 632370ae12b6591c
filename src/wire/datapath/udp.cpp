#include "l2echo/wire/udp.hpp"

#include <cstring>

#include "l2echo/wire/byte_order.hpp"

namespace l2echo::wire {

HeaderRead read_header(std::span<const std::byte> datagram, UdpHeader& header) noexcept {
    const std::byte* udp = datagram.data();
    if (datagram.size() < kUdpHeaderLength)
        return {0, HeaderFault::Truncated};
    const std::uint16_t length = load_be16(udp + 4);
    if (length < kUdpHeaderLength || length > datagram.size())
        return {0, HeaderFault::PacketLength};
    header = {.source_port = load_be16(udp),
              .destination_port = load_be16(udp + 2),
              .total_length = length,
              .has_checksum = load_be16(udp + kUdpChecksumOffset) != 0};
    return {kUdpHeaderLength};
}

void write_header(const UdpHeader& header, std::byte* to) noexcept {
    store_be16(to, header.source_port);
    store_be16(to + 2, header.destination_port);
    store_be16(to + 4, header.total_length);
    store_be16(to + kUdpChecksumOffset, 0);
}

void store_udp_checksum(std::byte* datagram, Sum sum) noexcept {
    std::byte* field = datagram + kUdpChecksumOffset;
    store_checksum(field, sum);
    if (load_be16(field) == 0)
        store_be16(field, 0xFFFF);
}

}  // namespace l2echo::wire
