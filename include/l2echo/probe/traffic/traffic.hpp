// The frames that the probe sends. Every byte is determined by stream, sequence number, planned time and
// size, so the expected frame can be generated again and compared completely.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "l2echo/wire/ethernet.hpp"
#include "l2echo/wire/line_overhead.hpp"
#include "l2echo/wire/swap.hpp"

namespace l2echo::probe {

inline constexpr std::uint32_t kSmallestEthernetFrame = 64;

enum class Network { None, Ipv4, Ipv6 };

struct TrafficShape {
    /// None: Ethernet only, EtherType 0x88B6 (IEEE 802, local experimental).
    Network network = Network::Ipv4;
    std::vector<std::uint16_t> vlan_ids{};  ///< none, one (0x8100) or two (0x88A8, 0x8100); outer first
    std::string size_text = "64";           ///< in the syntax of --size; parsed into `sizes` and `random_to`
    std::vector<std::uint32_t> sizes{64};   ///< bytes including FCS, sent in turn
    std::optional<std::uint32_t> random_to{};  ///< instead: random sizes from sizes[0] to this
    /// Number of flows, each a stream of its own: the UDP source port varies from 49152 on (RFC 6335, dynamic
    /// ports), and the source address changes every 16384 flows. Without a network header, the source MAC
    /// varies.
    std::uint16_t flows = 1;
    wire::MacAddress source = 0;
    wire::MacAddress destination = 0;
};

/// Returns the bytes that headers, stamp and FCS of such frames need.
std::uint32_t smallest_size(const TrafficShape& shape) noexcept;
/// Throws UsageError if a size of the shape is smaller.
void throw_if_too_small(const TrafficShape& shape);

/// Sizes of the frames sent, for a result.
struct FrameSizes {
    std::string text = "64";  ///< in the syntax of --size
    std::uint32_t smallest = 64;
    std::uint32_t largest = 64;
};

/// Returns text such as "size imix (68 to 1518 bytes)" or "size 512".
std::string describe(const FrameSizes& sizes);

/// The stamp, carried in the first 18 bytes of the payload.
struct Stamp {
    std::uint16_t stream = 0;
    std::uint64_t sequence = 0;  ///< sequence number in the stream; 48 bits
    std::uint64_t planned = 0;   ///< planned send time in TSC cycles since the run began; 48 bits
};
inline constexpr std::uint32_t kStampLength = 18;

/// Range of the 48-bit numbers in a stamp: 2^48 cycles are 30 hours at 2.6 GHz.
inline constexpr std::uint64_t kStampNumbers = std::uint64_t{1} << 48;

/// Returns the cycles from a stamp's planned time, which has only the lower 48 bits, to `now`. Exact for
/// round trips below 2^47 cycles, regardless of the length of the run. Returns 0 if the stamp is ahead,
/// because another CPU's clock may be.
constexpr std::uint64_t cycles_since(std::uint64_t planned, std::uint64_t now) noexcept {
    const std::uint64_t cycles = (now - planned) % kStampNumbers;
    return cycles < kStampNumbers / 2 ? cycles : 0;
}

/// Read-only after construction: senders and checkers share one.
class Traffic {
  public:
    /// `nonce` distinguishes this run's frames from those of other runs. Throws UsageError if a size is too
    /// small for the stamp.
    Traffic(const TrafficShape& shape, wire::SwapLevel swap_level, std::uint32_t nonce);

    const TrafficShape& shape() const noexcept { return shape_; }
    std::uint32_t header_length() const noexcept { return header_length_; }
    std::uint32_t smallest_size() const noexcept;  ///< the smallest size sent
    std::uint32_t largest_size() const noexcept;
    double mean_size() const noexcept;
    FrameSizes frame_sizes() const { return {shape_.size_text, smallest_size(), largest_size()}; }

    /// Returns the size of a sender's `index`th frame: in turn, or pseudo-random.
    std::uint32_t size_of(std::uint64_t index) const noexcept;

    /// Writes the frame as it is sent. The length of `frame` is the frame size without FCS.
    void write(std::span<std::byte> frame, const Stamp& stamp) const noexcept;

    /// Classification of a returned frame.
    enum class Verdict {
        Intact,     ///< exactly the frame that was sent, with swapped addresses
        Corrupted,  ///< ours according to its stamp, but something differs
        Damaged,    ///< ours according to its addresses, but its stamp is unreadable
        Foreign,    ///< not ours
    };
    /// Checks a returned frame. Sets `stamp` if Intact or Corrupted. `scratch` must be at least as long as
    /// `frame`.
    Verdict check(std::span<const std::byte> frame, std::span<std::byte> scratch,
                  Stamp& stamp) const noexcept;

  private:
    struct Flow {
        std::vector<std::byte> sent_header;
        std::vector<std::byte> returned_header;
        /// One's-complement sum of the constant part of the UDP checksum.
        std::uint32_t checksum_base = 0;
    };

    Flow make_flow(std::uint16_t index, wire::SwapLevel swap_level) const;
    void write_with(std::span<std::byte> frame, const Stamp& stamp, const Flow& flow,
                    const std::vector<std::byte>& header) const noexcept;
    std::uint32_t check_value(const std::byte* stamp, std::size_t frame_length) const noexcept;
    bool has_returned_addresses(std::span<const std::byte> frame) const noexcept;

    TrafficShape shape_;
    std::uint32_t nonce_;
    std::uint32_t network_offset_;
    std::uint32_t header_length_;
    std::vector<std::byte> filler_;               ///< bytes after the stamp, for the longest frame
    std::vector<std::uint32_t> filler_checksum_;  ///< sum of its first 2 * i bytes
    std::vector<Flow> flows_;
};

/// Parses "64", "64,512", "512-1024" (random) or "imix" (7 of 64, 4 of 594, 1 of 1518) into `shape`. Its
/// network and tags must be set: if they leave no room for a stamp in 64 bytes, imix uses the smallest frames
/// that have room. Throws UsageError.
void parse_sizes(const std::string& text, TrafficShape& shape);

}  // namespace l2echo::probe
