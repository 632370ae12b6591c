#include "l2echo/wire/tcp.hpp"

#include <algorithm>
#include <cstring>

#include "l2echo/wire/byte_order.hpp"

namespace l2echo::wire {
namespace {

// Kinds and lengths of the options (RFC 9293 3.2, RFC 2018, RFC 7323).
constexpr unsigned kEnd = 0;
constexpr unsigned kNoOperation = 1;
constexpr unsigned kMss = 2;
constexpr unsigned kWindowScale = 3;
constexpr unsigned kSackPermitted = 4;
constexpr unsigned kSack = 5;
constexpr unsigned kTimestamps = 8;

constexpr std::uint32_t kMssLength = 4;
constexpr std::uint32_t kWindowScaleLength = 3;
constexpr std::uint32_t kSackPermittedLength = 2;
constexpr std::uint32_t kSackBlockLength = 8;
constexpr std::uint32_t kTimestampsLength = 10;
constexpr std::uint32_t kMaxOptionsLength = kMaxTcpHeaderLength - kTcpHeaderLength;

TcpFlags flags_from(std::byte bits) noexcept {
    TcpFlags flags;
    std::memcpy(&flags, &bits, sizeof flags);
    return flags;
}

std::byte bits_of(TcpFlags flags) noexcept {
    std::byte bits;
    std::memcpy(&bits, &flags, sizeof bits);
    return bits;
}

TcpTimestamps load_timestamps(const std::byte* at) noexcept {
    return {load_be32(at), load_be32(at + 4)};
}

/// Reads one option of at least 2 bytes. False if its length is not one that its kind can have.
bool read_option(unsigned kind, std::span<const std::byte> option, TcpOptions& options) noexcept {
    const std::byte* value = option.data() + 2;
    switch (kind) {
        case kMss:
            if (option.size() != kMssLength)
                return false;
            options.mss = load_be16(value);
            return true;
        case kWindowScale:
            if (option.size() != kWindowScaleLength)
                return false;
            options.window_scale = std::to_integer<std::uint8_t>(*value);
            return true;
        case kSackPermitted:
            options.sack_permitted = true;
            return option.size() == kSackPermittedLength;
        case kSack: {
            const std::size_t blocks = (option.size() - 2) / kSackBlockLength;
            if (blocks == 0 || option.size() != 2 + blocks * kSackBlockLength)
                return false;
            options.sack_blocks =
                static_cast<std::uint8_t>(blocks);  // 40 bytes of options have room for four
            for (std::size_t i = 0; i < blocks; ++i, value += kSackBlockLength)
                options.sack[i] = {load_be32(value), load_be32(value + 4)};
            return true;
        }
        case kTimestamps:
            if (option.size() != kTimestampsLength)
                return false;
            options.timestamps = load_timestamps(value);
            return true;
        default:
            return true;
    }
}

bool read_options(std::span<const std::byte> bytes, TcpOptions& options) noexcept {
    // Most segments have timestamps alone, aligned as RFC 7323 appendix A recommends.
    constexpr std::uint32_t kAlignedTimestamps =
        kNoOperation << 24 | kNoOperation << 16 | kTimestamps << 8 | kTimestampsLength;
    if (bytes.size() == 12 && load_be32(bytes.data()) == kAlignedTimestamps) {
        options.timestamps = load_timestamps(bytes.data() + 4);
        return true;
    }
    while (!bytes.empty()) {
        const auto kind = std::to_integer<unsigned>(bytes[0]);
        if (kind == kEnd)
            return true;
        if (kind == kNoOperation) {
            bytes = bytes.subspan(1);
            continue;
        }
        if (bytes.size() < 2)
            return false;
        const auto length = std::to_integer<std::size_t>(bytes[1]);
        if (length < 2 || length > bytes.size() || !read_option(kind, bytes.first(length), options))
            return false;
        bytes = bytes.subspan(length);
    }
    return true;
}

/// Which options are written, each padded to 4 bytes.
struct Layout {
    std::uint32_t length;  // of all options
    std::uint32_t sack_blocks;
};

Layout lay_out(const TcpOptions& options) noexcept {
    std::uint32_t length = 0;
    if (options.mss != 0)
        length += 4;
    if (options.window_scale)
        length += 4;
    if (options.timestamps)  // SACK permitted takes the place of its padding
        length += 12;
    else if (options.sack_permitted)
        length += 4;
    const std::uint32_t room = (kMaxOptionsLength - length - 4) / kSackBlockLength;
    const std::uint32_t blocks = std::min<std::uint32_t>(options.sack_blocks, room);
    return {length + (blocks == 0 ? 0 : 4 + blocks * kSackBlockLength), blocks};
}

std::byte* write_word(std::byte* to, unsigned first, unsigned second, unsigned third,
                      unsigned fourth) noexcept {
    store_be32(to, first << 24 | second << 16 | third << 8 | fourth);
    return to + 4;
}

void write_options(const TcpOptions& options, std::uint32_t sack_blocks, std::byte* to) noexcept {
    if (options.mss != 0)
        to = write_word(to, kMss, kMssLength, options.mss >> 8, options.mss & 0xFFU);
    if (options.timestamps) {
        if (options.sack_permitted)
            to = write_word(to, kSackPermitted, kSackPermittedLength, kTimestamps, kTimestampsLength);
        else
            to = write_word(to, kNoOperation, kNoOperation, kTimestamps, kTimestampsLength);
        store_be32(to, options.timestamps->value);
        store_be32(to + 4, options.timestamps->echo);
        to += 8;
    } else if (options.sack_permitted) {
        to = write_word(to, kNoOperation, kNoOperation, kSackPermitted, kSackPermittedLength);
    }
    if (options.window_scale)
        to = write_word(to, kNoOperation, kWindowScale, kWindowScaleLength, *options.window_scale);
    if (sack_blocks == 0)
        return;
    to = write_word(to, kNoOperation, kNoOperation, kSack, 2 + sack_blocks * kSackBlockLength);
    for (std::uint32_t i = 0; i < sack_blocks; ++i, to += kSackBlockLength) {
        store_be32(to, options.sack[i].left);
        store_be32(to + 4, options.sack[i].right);
    }
}

}  // namespace

HeaderRead read_header(std::span<const std::byte> segment, TcpHeader& header) noexcept {
    const std::byte* tcp = segment.data();
    if (segment.size() < kTcpHeaderLength)
        return {0, HeaderFault::Truncated};
    const std::uint32_t length = std::to_integer<unsigned>(tcp[12]) >> 4 << 2;
    if (length < kTcpHeaderLength)
        return {0, HeaderFault::HeaderLength};
    if (length > segment.size())
        return {0, HeaderFault::Truncated};
    header = {.source_port = load_be16(tcp),
              .destination_port = load_be16(tcp + 2),
              .sequence = load_be32(tcp + 4),
              .acknowledgment = load_be32(tcp + 8),
              .flags = flags_from(tcp[13]),
              .window = load_be16(tcp + 14),
              .urgent_pointer = load_be16(tcp + 18),
              .options = {}};
    if (length > kTcpHeaderLength &&
        !read_options(segment.subspan(kTcpHeaderLength, length - kTcpHeaderLength), header.options))
        return {0, HeaderFault::Option};
    return {static_cast<std::uint16_t>(length)};
}

std::uint32_t header_length(const TcpHeader& header) noexcept {
    return kTcpHeaderLength + lay_out(header.options).length;
}

std::uint32_t write_header(const TcpHeader& header, std::byte* to) noexcept {
    const Layout layout = lay_out(header.options);
    const std::uint32_t length = kTcpHeaderLength + layout.length;
    store_be16(to, header.source_port);
    store_be16(to + 2, header.destination_port);
    store_be32(to + 4, header.sequence);
    store_be32(to + 8, header.acknowledgment);
    to[12] = static_cast<std::byte>(length / 4 << 4);
    to[13] = bits_of(header.flags);
    store_be16(to + 14, header.window);
    store_be16(to + kTcpChecksumOffset, 0);
    store_be16(to + 18, header.urgent_pointer);
    write_options(header.options, layout.sack_blocks, to + kTcpHeaderLength);
    return length;
}

}  // namespace l2echo::wire
