// The size of segments: path MTU discovery (RFC 1191, 8201) that believes only errors about segments in
// flight (RFC 5927).
#include <algorithm>
#include <array>

#include "l2echo/tcp/connection.hpp"
#include "tcp/datapath/sizes.hpp"

namespace l2echo::tcp {
namespace {

constexpr std::uint16_t kTimestampBytes = 12;
constexpr std::uint32_t kMinMtuIpv4 =
    552;  // Linux' route.min_pmtu: a smaller one is an attack (RFC 5927 7.1)
constexpr std::uint32_t kMinMtuIpv6 = 1280;  // RFC 8200 5
constexpr std::uint16_t kMinPayload = 8;
constexpr Micros kRaiseAfter = std::chrono::minutes(10);  // RFC 1191 6.3, RFC 8201 4

// MTUs of RFC 1191 table 7-1, for routers that do not say theirs.
constexpr std::array<std::uint16_t, 8> kPlateaus = {32000, 17914, 8166, 4352, 2002, 1492, 1006, 552};

}  // namespace

/// `mss` is the peer's option; 0 if it sent none.
void Connection::use_peer_mss(std::uint16_t mss) noexcept {
    peer_mss_ = mss == 0 ? (is_ipv6_ ? kDefaultMssIpv6 : kDefaultMssIpv4) : std::max(mss, settings_->min_mss);
    send_mss_ = segment_size(path_mtu_);
    congestion_ = Congestion(*settings_, send_mss_);
}

/// The later choice of path_mtu_; segments in flight keep their size until they are lost.
std::uint16_t Connection::segment_size(std::uint32_t mtu) const noexcept {
    const std::uint32_t headers = is_ipv6_ ? kIpv6Headers : kIpv4Headers;
    const std::uint32_t options = timestamps_ ? kTimestampBytes : 0;
    const auto segment = std::min<std::uint32_t>({mtu - headers, peer_mss_, settings_->max_mss});
    return static_cast<std::uint16_t>(std::max<std::uint32_t>(segment - options, kMinPayload));
}

Events Connection::on_icmp(const IcmpError& error, Micros now) noexcept {
    events_ = {};
    if (state_ == State::Closed || state_ == State::TimeWait)
        return {};
    const bool in_flight = is_synchronized()
                               ? error.sequence >= records_.una() && error.sequence < records_.next()
                               : error.sequence == initial_send_;
    if (!in_flight)
        return {};
    switch (error.kind) {
        case IcmpError::Kind::PacketTooBig:
            reduce_path_mtu(error, now);
            break;
        case IcmpError::Kind::ProtocolUnreachable:
            // A hard error ends only a connection that is not open yet (RFC 5461 4.1, RFC 5927 5.2).
            if (state_ == State::SynSent || state_ == State::SynReceived)
                end(Event::Unreachable);
            else
                events_ |= Event::Suspect;
            break;
        case IcmpError::Kind::RouteUnreachable:
            events_ |= Event::Suspect;
            break;
    }
    return events_;
}

void Connection::reduce_path_mtu(const IcmpError& error, Micros now) noexcept {
    const std::uint32_t least = is_ipv6_ ? kMinMtuIpv6 : kMinMtuIpv4;
    std::uint32_t mtu = error.mtu;
    if (mtu == 0 && !is_ipv6_) {
        const auto* const plateau =
            std::ranges::find_if(kPlateaus, [this](std::uint16_t size) { return size < path_mtu_; });
        mtu = plateau == kPlateaus.end() ? least : *plateau;
    }
    mtu = std::max(mtu, least);
    if (mtu >= path_mtu_)
        return;
    path_mtu_raise_at_ = now + kRaiseAfter;
    set_path_mtu(mtu);
    // What was too big is lost, without congestion (RFC 8201 4).
    records_.mark_longer_lost(send_mss_);
}

/// Routers say when a path becomes narrower, and not when it becomes wider.
void Connection::raise_path_mtu() noexcept {
    path_mtu_raise_at_ = kNever;
    set_path_mtu(link_mtu_);
}

void Connection::set_path_mtu(std::uint32_t mtu) noexcept {
    path_mtu_ = static_cast<std::uint16_t>(mtu);
    send_mss_ = segment_size(mtu);
    congestion_.set_mss(send_mss_);
}

}  // namespace l2echo::tcp
