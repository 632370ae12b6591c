#include "l2echo/wire/tcp.hpp"

#include <gtest/gtest.h>

#include <array>

#include "exact_bytes.hpp"
#include "test_packets.hpp"

namespace l2echo::wire {
namespace {

using namespace packets;

/// A segment from port 0x0102 to 0x0304 with these options, which must fill whole words.
Bytes segment_with(const Bytes& options, const Bytes& payload = {}) {
    return join({word(0x0102),
                 word(0x0304),
                 {0xFF, 0xFF, 0xFF, 0xF0, 0x80, 0, 0, 1},
                 byte(static_cast<unsigned>(5 + options.size() / 4) << 4),
                 byte(0x12),
                 word(0xABCD),
                 word(0),
                 word(7),
                 options,
                 payload});
}

struct Segment {
    HeaderRead read;
    TcpHeader header;
};
Segment read_segment(const Bytes& bytes) {
    Segment segment;
    ExactBytes exact(bytes);
    segment.read = read_header(std::span<const std::byte>(exact.data(), bytes.size()), segment.header);
    return segment;
}
TcpOptions options_of(const Bytes& options) {
    const Segment segment = read_segment(segment_with(options));
    EXPECT_EQ(segment.read.fault, HeaderFault::None);
    EXPECT_EQ(segment.read.length, 20 + options.size());
    return segment.header.options;
}
HeaderFault fault_with(const Bytes& options) {
    return read_segment(segment_with(options)).read.fault;
}
Bytes written(const TcpHeader& header) {
    // Exactly as long as header_length() says, so that the sanitizers see every overrun.
    ExactBytes exact(Bytes(header_length(header), 0xA5));
    EXPECT_EQ(write_header(header, exact.data()), header_length(header));
    return exact.bytes();
}

const Bytes kSackOfTwo{1, 1, 5, 18, 0, 0, 0, 1, 0, 0, 0, 2, 0xFF, 0xFF, 0xFF, 0xFE, 0, 0, 0, 3};

TEST(TcpHeader, IsReadFieldByField) {
    const auto [read, header] = read_segment(segment_with({}, counting(3)));
    ASSERT_EQ(read.fault, HeaderFault::None);
    EXPECT_EQ(read.length, 20);
    EXPECT_EQ(header, (TcpHeader{.source_port = 0x0102,
                                 .destination_port = 0x0304,
                                 .sequence = 0xFFFF'FFF0,
                                 .acknowledgment = 0x8000'0001,
                                 .flags = {.syn = true, .ack = true},
                                 .window = 0xABCD,
                                 .urgent_pointer = 7,
                                 .options = {}}));
}

TEST(TcpHeader, HasEachFlagAtItsBit) {
    for (unsigned bit = 0; bit < 8; ++bit) {
        Bytes bytes = segment_with({});
        bytes[13] = static_cast<std::uint8_t>(1U << bit);
        const TcpFlags flags = read_segment(bytes).header.flags;
        const std::array<bool, 8> found{flags.fin, flags.syn, flags.rst, flags.psh,
                                        flags.ack, flags.urg, flags.ece, flags.cwr};
        for (unsigned i = 0; i < 8; ++i)
            EXPECT_EQ(found[i], i == bit) << bit << ' ' << i;
    }
}

TEST(TcpOptions, OfASynAreRead) {
    const TcpOptions options =
        options_of({2, 4, 0x05, 0xB4, 4, 2, 8, 10, 1, 2, 3, 4, 0xFF, 0xFE, 0xFD, 0xFC, 1, 3, 3, 15});
    EXPECT_EQ(options.mss, 1460);
    EXPECT_TRUE(options.sack_permitted);
    EXPECT_EQ(options.timestamps, (TcpTimestamps{0x0102'0304, 0xFFFE'FDFC}));
    EXPECT_EQ(options.window_scale, 15) << "the limit of 14 is for the connection to apply";
    EXPECT_EQ(options.sack_blocks, 0);
}

TEST(TcpOptions, TimestampsAreReadAlignedOrNot) {
    EXPECT_EQ(options_of({1, 1, 8, 10, 0, 0, 0, 9, 0, 0, 0, 8}).timestamps, (TcpTimestamps{9, 8}));
    EXPECT_EQ(options_of({8, 10, 0, 0, 0, 9, 0, 0, 0, 8, 1, 1}).timestamps, (TcpTimestamps{9, 8}));
    EXPECT_FALSE(options_of({1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}).timestamps);
}

TEST(TcpOptions, SackBlocksAreReadInTheirOrder) {
    const TcpOptions options = options_of(kSackOfTwo);
    ASSERT_EQ(options.sack_blocks, 2);
    EXPECT_EQ(options.sack[0], (SackBlock{1, 2}));
    EXPECT_EQ(options.sack[1], (SackBlock{0xFFFF'FFFE, 3}));
}

TEST(TcpOptions, ThatAreUnknownAreSkippedByTheirLength) {
    EXPECT_EQ(options_of({254, 6, 2, 4, 1, 1, 34, 2, 2, 4, 0x02, 0x18}).mss, 536);
    // The value of an unknown option is not an option: here it looks like an MSS.
    EXPECT_EQ(options_of({254, 8, 2, 4, 1, 1, 0, 0}).mss, 0);
}

TEST(TcpOptions, AfterTheEndOfTheListAreNotRead) {
    EXPECT_EQ(options_of({0, 2, 4, 1, 1, 8, 200, 1}).mss, 0);
}

TEST(TcpOptions, OfAWrongLengthAreMalformed) {
    EXPECT_EQ(fault_with({2, 0, 1, 1}), HeaderFault::Option) << "length 0 must not loop (RFC 9293 MUST-7)";
    EXPECT_EQ(fault_with({254, 1, 1, 1}), HeaderFault::Option);
    EXPECT_EQ(fault_with({1, 1, 1, 2}), HeaderFault::Option) << "no length byte";
    EXPECT_EQ(fault_with({254, 5, 1, 1}), HeaderFault::Option) << "beyond the header";
    EXPECT_EQ(fault_with({2, 3, 1, 1}), HeaderFault::Option);
    EXPECT_EQ(fault_with({3, 4, 1, 1}), HeaderFault::Option);
    EXPECT_EQ(fault_with({4, 3, 1, 1}), HeaderFault::Option);
    EXPECT_EQ(fault_with({5, 2, 1, 1}), HeaderFault::Option) << "no block";
    EXPECT_EQ(fault_with({5, 11, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}), HeaderFault::Option) << "no whole blocks";
    EXPECT_EQ(fault_with({8, 9, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1}), HeaderFault::Option);
}

TEST(TcpHeader, IsRefusedIfItIsTruncated) {
    const Bytes whole = segment_with(kSackOfTwo);
    for (std::size_t length = 0; length < whole.size(); ++length)
        EXPECT_EQ(read_segment(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length)))
                      .read.fault,
                  HeaderFault::Truncated)
            << length;
    Bytes short_offset = whole;
    short_offset[12] = 0x40;
    EXPECT_EQ(read_segment(short_offset).read.fault, HeaderFault::HeaderLength);
}

TEST(TcpHeader, IsWrittenAsTheReferenceBuildsIt) {
    Segment segment = read_segment(segment_with(kSackOfTwo));
    EXPECT_EQ(written(segment.header), segment_with(kSackOfTwo));
    const Bytes syn{2, 4, 0x05, 0xB4, 4, 2, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8, 1, 3, 3, 7};
    segment = read_segment(segment_with(syn));
    EXPECT_EQ(written(segment.header), segment_with(syn));
    const Bytes sack_permitted{1, 1, 4, 2};
    segment = read_segment(segment_with(sack_permitted));
    EXPECT_EQ(written(segment.header), segment_with(sack_permitted));
}

TEST(TcpHeader, IsReadAsItWasWrittenWithAnyOptions) {
    for (unsigned options = 0; options < 16; ++options) {
        for (std::uint8_t blocks = 0; blocks <= kMaxSackBlocks; ++blocks) {
            TcpHeader header{.source_port = 1, .destination_port = 2, .sequence = 3, .acknowledgment = 4};
            header.flags = {.fin = true, .psh = true, .cwr = true};
            if ((options & 1) != 0)
                header.options.mss = 0xFFFF;
            if ((options & 2) != 0)
                header.options.window_scale = 0;
            if ((options & 4) != 0)
                header.options.sack_permitted = true;
            if ((options & 8) != 0)
                header.options.timestamps = TcpTimestamps{0, 0xFFFF'FFFF};
            header.options.sack_blocks = blocks;
            for (std::uint8_t i = 0; i < blocks; ++i)
                header.options.sack[i] = {i + 1U, 0xFFFF'FFFFU - i};
            const auto [read, back] = read_segment(written(header));
            ASSERT_EQ(read.fault, HeaderFault::None) << options << ' ' << unsigned{blocks};
            EXPECT_EQ(read.length, header_length(header));
            EXPECT_LE(read.length, kMaxTcpHeaderLength);
            for (std::size_t i = back.options.sack_blocks; i < kMaxSackBlocks; ++i)
                header.options.sack[i] = {};
            header.options.sack_blocks = back.options.sack_blocks;
            EXPECT_EQ(back, header) << options << ' ' << unsigned{blocks};
        }
    }
}

TEST(TcpHeader, HasRoomForFourSackBlocksAloneAndThreeBesideTimestamps) {
    TcpHeader header;
    header.options.sack_blocks = 4;
    EXPECT_EQ(header_length(header), 56U);
    EXPECT_EQ(read_segment(written(header)).header.options.sack_blocks, 4);
    header.options.timestamps = TcpTimestamps{};
    EXPECT_EQ(header_length(header), 60U);
    EXPECT_EQ(read_segment(written(header)).header.options.sack_blocks, 3);
}

}  // namespace
}  // namespace l2echo::wire
