// libFuzzer target: any rules, any frame. Makes the same decisions in the same order as a worker and checks
// the invariants; the sanitizers see every access outside the frame.

#include <rte_mbuf.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>

#include "echo/datapath/header_vector.hpp"
#include "l2echo/dpdk/frame_view.hpp"
#include "l2echo/echo/rules.hpp"
#include "l2echo/report/trace_text.hpp"
#include "l2echo/wire/byte_order.hpp"
#include "l2echo/wire/loop_check.hpp"
#include "reference_frame.hpp"

namespace {

using namespace l2echo;
using reference::Bytes;
using reference::Layout;

constexpr wire::MacAddress kOwnMac = 0x55'44'33'22'11'02;  // the same as in make_corpus.py
constexpr wire::MacAddress kTesterMac = 0xEE'DD'CC'BB'AA'02;

void require(bool holds, const char* what) {
    if (holds)
        return;
    std::fprintf(stderr, "frame_fuzzer: violated invariant: %s\n", what);
    std::abort();
}

/// Consumes the input from the front; zeros after its end.
class Input {
  public:
    Input(const std::uint8_t* data, std::size_t size) : at_(data), end_(data + size) {}
    std::uint8_t byte() { return at_ == end_ ? std::uint8_t{0} : *at_++; }
    bool flag(unsigned one_in = 2) { return byte() % one_in == 1; }
    Bytes rest() const { return {at_, end_}; }

  private:
    const std::uint8_t* at_;
    const std::uint8_t* end_;
};

template <std::size_t Length>
std::array<std::byte, Length> address_of(std::initializer_list<int> bytes) {
    std::array<std::byte, Length> address{};
    std::size_t at = 0;
    for (const int byte : bytes)
        address.at(at++) = static_cast<std::byte>(byte);
    return address;
}

echo::MaskedMac take_mac(Input& input) {
    const wire::MacAddress mask = wire::kMacMask >> 8 * (input.byte() % 7);
    return {(input.flag() ? kOwnMac : kTesterMac) & mask, mask};
}

echo::IpPrefix take_prefix(Input& input) {
    echo::IpPrefix prefix;
    prefix.version = input.flag() ? 6 : 4;
    const std::size_t bytes = input.byte() % (prefix.version == 6 ? 17 : 5);
    for (std::size_t i = 0; i < bytes; ++i) {
        prefix.mask.at(i) = std::byte{0xFF};
        prefix.value.at(i) = static_cast<std::byte>(input.byte());
    }
    return prefix;
}

echo::PortRange take_ports(Input& input) {
    const std::uint8_t protocol = input.flag() ? wire::kProtocolTcp : wire::kProtocolUdp;
    const std::uint16_t from = input.byte();
    return {protocol, from, static_cast<std::uint16_t>(from + 256u * input.byte())};
}

echo::MatchRule take_rule(Input& input) {
    echo::MatchRule rule;
    const unsigned keys = input.byte();
    rule.echo = input.flag();
    if ((keys & 1) != 0)
        rule.source = take_mac(input);
    if ((keys & 2) != 0)
        rule.destination = take_mac(input);
    if ((keys & 4) != 0)
        rule.vlan_id = input.flag(3) ? echo::MatchRule::kNoVlan : input.byte();
    if ((keys & 8) != 0)
        rule.ether_type = wire::wire_order(static_cast<std::uint16_t>(input.flag() ? 0x0800 : 0x86DD));
    if ((keys & 16) != 0)
        rule.ip_source = take_prefix(input);
    if ((keys & 32) != 0)
        rule.ip_destination = take_prefix(input);
    if ((keys & 64) != 0)
        rule.source_port = take_ports(input);
    if ((keys & 128) != 0)
        rule.destination_port = take_ports(input);
    return rule;
}

echo::WireRules take_rules(Input& input) {
    const unsigned flags = input.byte();
    echo::WireRules rules({}, {.own_mac = kOwnMac});
    rules.level = static_cast<wire::SwapLevel>(input.byte() % 3);
    rules.raw = (flags & 1) != 0 && rules.level == wire::SwapLevel::Mac;
    rules.accept_own_only = (flags & 2) != 0;
    rules.group_own_source = (flags & 4) != 0;
    rules.only_from = (flags & 8) != 0 ? kTesterMac : 0;
    if ((flags & 16) != 0) {
        rules.answers.ipv4 = {{address_of<4>({192, 0, 2, 1}), 24}, {address_of<4>({10, 0, 0, 1}), 32}};
        rules.answers.ipv6 = {
            {address_of<16>({0x20, 1, 0x0D, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}), 64}};
    }
    rules.answers.eth_loopback = (flags & 32) != 0;
    if ((flags & 64) != 0)
        rules.own_macs.add(kOwnMac);
    if ((flags & 128) != 0)
        rules.max_untagged_length = 60;
    for (unsigned count = input.byte() % 4; count > 0; --count)
        rules.match.add(take_rule(input));
    return rules;
}

/// One or two segments, each in a buffer of exactly its length; the first one also has the room to grow.
class FuzzFrame {
  public:
    FuzzFrame(const Bytes& bytes, std::size_t first, std::size_t room)
        : head_bytes_(std::make_unique<std::uint8_t[]>(first + room)),
          tail_bytes_(std::make_unique<std::uint8_t[]>(bytes.size() - first)) {
        set_up(*head_, head_bytes_.get(), bytes.data(), first, room);
        set_up(*tail_, tail_bytes_.get(), bytes.data() + first, bytes.size() - first, 0);
        head_->pkt_len = static_cast<std::uint32_t>(bytes.size());
        if (tail_->data_len > 0) {
            head_->nb_segs = 2;
            head_->next = tail_.get();
        }
    }
    rte_mbuf& mbuf() { return *head_; }
    wire::FrameView view() const { return dpdk::view_of(*head_); }
    std::byte* data() { return reinterpret_cast<std::byte*>(head_bytes_.get()); }
    Bytes bytes() const {
        Bytes all(head_bytes_.get(), head_bytes_.get() + head_->data_len);
        all.insert(all.end(), tail_bytes_.get(), tail_bytes_.get() + tail_->data_len);
        require(all.size() == head_->pkt_len, "pkt_len equals the sum of all data_len");
        return all;
    }

  private:
    static void set_up(rte_mbuf& mbuf, std::uint8_t* memory, const std::uint8_t* bytes, std::size_t length,
                       std::size_t room) {
        if (length > 0)
            std::memcpy(memory, bytes, length);
        mbuf.buf_addr = memory;
        mbuf.buf_len = static_cast<std::uint16_t>(length + room);
        mbuf.data_len = static_cast<std::uint16_t>(length);
        mbuf.nb_segs = 1;
    }

    std::unique_ptr<std::uint8_t[]> head_bytes_;
    std::unique_ptr<std::uint8_t[]> tail_bytes_;
    std::unique_ptr<rte_mbuf> head_ = std::make_unique<rte_mbuf>();
    std::unique_ptr<rte_mbuf> tail_ = std::make_unique<rte_mbuf>();
};

Bytes mac_bytes(wire::MacAddress mac) {
    Bytes bytes;
    for (unsigned i = 0; i < 6; ++i)
        bytes.push_back(static_cast<std::uint8_t>(mac >> 8 * i));
    return bytes;
}
Bytes part(const Bytes& frame, std::size_t at, std::size_t length) {
    const auto begin = frame.begin() + static_cast<std::ptrdiff_t>(at);
    return {begin, begin + static_cast<std::ptrdiff_t>(length)};
}

void check_headers(const wire::FrameHeaders& headers, const Layout& layout) {
    require(headers.type == wire::wire_order(static_cast<std::uint16_t>(layout.type)) &&
                headers.tags == layout.tags && headers.network == layout.payload,
            "tags and EtherType match the reference");
    require(headers.ip_version == layout.version, "IP is valid exactly if the reference says so");
    if (layout.version != 0)
        require(headers.protocol == layout.protocol && headers.transport == layout.transport &&
                    headers.end == layout.end && headers.fragment == layout.fragment &&
                    headers.later_fragment == layout.later_fragment &&
                    headers.source_routed == layout.source_routed,
                "IP's fields are those of the reference");
    require(headers.ports == (layout.has_ports ? layout.transport : 0),
            "the port offset matches the reference");
}

void check_sums(const Bytes& before, const Layout& was, const Bytes& after, std::size_t reach) {
    const Layout is = reference::lay_out(after, reach);
    require(!reference::ip_checksum_is_right(before, was) || reference::ip_checksum_is_right(after, is),
            "a right IPv4 checksum stays right");
    require(!reference::transport_checksum_is_right(before, was) ||
                reference::transport_checksum_is_right(after, is),
            "a right transport checksum stays right");
}

void check_answer(const Bytes& before, const Layout& was, FuzzFrame& frame, const echo::WireRules& rules) {
    const Bytes after = frame.bytes();
    const bool advertisement = was.version == 6 && was.protocol == 58 && before[was.transport] == 135;
    require(after.size() == before.size() || (advertisement && after.size() <= before.size() + 8),
            "an answer is as long as its request, an advertisement up to 8 bytes longer");
    require(part(after, 6, 6) == mac_bytes(kOwnMac), "an answer comes from the port's own MAC");
    require((before[0] & 1) != 0 || part(before, 0, 6) == mac_bytes(kOwnMac),
            "a request is addressed to us or to a group");
    require(part(after, 0, 6) == part(before, 6, 6) || (advertisement && after[0] == 0x33),
            "an answer goes to the requester or to all nodes");
    require(part(after, 12, was.payload - 12) == part(before, 12, was.payload - 12), "tags are unchanged");
    require(!(before[0] == 1 && before[1] == 0x80 && before[2] == 0xC2),
            "a reserved address is never answered");
    check_sums(before, was, after, frame.mbuf().data_len);
    if (advertisement) {
        const Layout is = reference::lay_out(after, frame.mbuf().data_len);
        require(reference::transport_checksum_is_right(after, is), "an advertisement has a right checksum");
    }
    echo::WireRules asker = rules;
    asker.own_mac = wire::load_mac_pair(frame.data()).destination;
    require(!echo::answer(frame.mbuf(), wire::read_headers(frame.view()), asker.own_mac, asker.answers),
            "an answer is not itself a request");
}

void check_echo(const Bytes& before, const Layout& was, FuzzFrame& frame, const wire::FrameHeaders& headers,
                const echo::WireRules& rules) {
    echo::swap_by_rules(frame.data(), headers, rules);
    const Bytes after = frame.bytes();
    Bytes expected = reference::echo_of(before, was, static_cast<int>(rules.level));
    const bool to_group = (before[0] & 1) != 0 && !rules.raw;
    if (to_group) {
        const Bytes own = mac_bytes(rules.own_mac);
        std::copy(own.begin(), own.end(), expected.begin() + 6);
    }
    require(after == expected, "an echo differs from its frame only in the fields that the level swaps");
    require(rules.raw || (after[6] & 1) == 0, "an echo never has a group source");
    check_sums(before, was, after, frame.mbuf().data_len);
    if (to_group)
        return;
    echo::swap_by_rules(frame.data(), wire::read_headers(frame.view()), rules);
    require(frame.bytes() == before, "swapping twice restores the frame");
}

/// The frame at each position among three ordinary ones. Needs a frame of at least 16 bytes.
bool are_ordinary_anywhere(std::byte* data, const echo::WireRules& rules) {
    std::array<std::byte, echo::kHeaderVectorLength> ordinary{};
    store_swapped(ordinary.data(), wire::MacPair{kTesterMac ^ 0x0200, 0x01'02'03'04'05'02});
    ordinary[12] = std::byte{0x08};
    bool any = false;
    for (std::size_t place = 0; place < 4; ++place) {
        echo::FourHeaders headers;
        headers.fill(echo::load_header(ordinary.data()));
        require(echo::are_ordinary(headers, rules.own_macs), "the other three frames are ordinary");
        headers.at(place) = echo::load_header(data);
        any = echo::are_ordinary(headers, rules.own_macs) || any;
    }
    return any;
}

/// Every frame that is_ordinary() or are_ordinary() accepts must pass first_refusal().
void check_fast_path(FuzzFrame& frame, const echo::WireRules& rules, verdict::Reason reason, bool is_check) {
    if (!rules.fast_path_decides())
        return;
    const wire::FrameView view = frame.view();
    const bool one = echo::is_ordinary(view, wire::load_mac_pair(view.data), rules);
    const bool four = view.length >= echo::kHeaderVectorLength &&
                      view.frame_length <= rules.max_untagged_length &&
                      are_ordinary_anywhere(frame.data(), rules);
    require(!(one || four) || (reason == verdict::Reason::None && !is_check),
            "the fast path agrees with the slow path");
    require(one || !four, "the vector test is at least as strict as the scalar test");
}

/// The four-frame swap must match the single-frame swap on every frame.
void check_vector_swap(const Bytes& before) {
    if (before.size() < echo::kHeaderVectorLength)
        return;
    Bytes swapped = before;
    auto* data = reinterpret_cast<std::byte*>(swapped.data());
    echo::store_swapped(data, echo::load_header(data));
    require(swapped == reference::echo_of(before, {}, 0), "the vector swap matches the reference");
}

void describe(const FuzzFrame& frame, std::size_t first) {
    const Bytes bytes = frame.bytes();
    verdict::TraceRecord record;
    record.verdict = {verdict::Next::Refuse, verdict::Reason::Runt};
    record.length = static_cast<std::uint32_t>(bytes.size());
    record.captured =
        static_cast<std::uint16_t>(std::min<std::size_t>(first, verdict::TraceRecord::kMaxBytes));
    for (std::size_t i = 0; i < record.captured; ++i)
        record.bytes.at(i) = static_cast<std::byte>(bytes[i]);
    require(report::describe_trace(record).find('\n') == std::string::npos, "a trace is one line");
}

void check_frame(FuzzFrame& frame, std::size_t reach, const echo::WireRules& rules) {
    const Bytes before = frame.bytes();
    const Layout was = reference::lay_out(before, reach);
    const wire::FrameHeaders headers = wire::read_headers(frame.view());
    check_headers(headers, was);
    check_vector_swap(before);
    if (rules.raw)
        return check_echo(before, was, frame, headers, rules);
    if (rules.answers.any() && echo::answer(frame.mbuf(), headers, rules.own_mac, rules.answers))
        return check_answer(before, was, frame, rules);
    require(frame.bytes() == before, "an unanswered frame does not change");
    const bool is_check = wire::read_loop_check(frame.view(), headers).has_value();
    const verdict::Reason reason = echo::first_refusal(frame.view(), headers, rules, verdict::Reason::None);
    check_fast_path(frame, rules, reason, is_check);
    require(frame.bytes() == before, "classifying does not change the frame");
    if (!is_check && reason == verdict::Reason::None)
        check_echo(before, was, frame, headers, rules);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Input input(data, size);
    const echo::WireRules rules = take_rules(input);
    const bool repair = input.flag();
    const bool trace = input.flag(8);
    const std::size_t cut = input.byte();  // 0: a single segment
    const std::size_t room = input.byte() % 16;
    Bytes bytes = input.rest();
    const std::size_t first =
        cut == 0 ? bytes.size() : std::min(bytes.size(), wire::kEthernetHeaderLength + cut - 1);
    if (first < wire::kEthernetHeaderLength)
        return 0;
    if (repair)
        reference::repair_checksums(bytes);
    FuzzFrame frame(bytes, first, room);
    if (trace)
        describe(frame, first);
    check_frame(frame, first, rules);
    return 0;
}
