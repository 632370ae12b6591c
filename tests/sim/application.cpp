#include "application.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "random.hpp"

namespace l2echo::sim {

using tcp::Micros;

namespace {

constexpr std::size_t kPeriod =
    65'521;  // a prime: a FIFO that is off by a power of two is off in the bytes, too
constexpr std::size_t kMaxPiece = 65'536;
constexpr std::int64_t kRequest = 768;  // bytes; the answer is 8 bytes
constexpr std::int64_t kAnswer = 8;
constexpr Micros kMemoryRetry = std::chrono::milliseconds(50);
constexpr std::int64_t kMaxPauses =
    50;  // after them an application runs at full speed, so that schedules end

const std::vector<std::byte>& pattern() {
    static const std::vector<std::byte> bytes = [] {
        std::vector<std::byte> made(kPeriod + kMaxPiece);
        Random random(1);
        for (std::size_t i = 0; i < kPeriod; ++i)
            made[i] = static_cast<std::byte>(random.next());
        for (std::size_t i = kPeriod; i < made.size(); ++i)
            made[i] = made[i - kPeriod];
        return made;
    }();
    return bytes;
}

}  // namespace

Stream::Stream(std::uint32_t connection, Side from) noexcept
    : offset_(static_cast<std::size_t>(Random(connection, from).below(kPeriod))) {}

std::span<const std::byte> Stream::at(std::int64_t position, std::size_t length) const noexcept {
    return std::span(pattern()).subspan((offset_ + static_cast<std::size_t>(position)) % kPeriod,
                                        std::min(length, kMaxPiece));
}

bool Stream::matches(std::int64_t position, std::span<const std::byte> bytes) const noexcept {
    while (!bytes.empty()) {
        const auto expected = at(position, bytes.size());
        if (std::memcmp(expected.data(), bytes.data(), expected.size()) != 0)
            return false;
        position += static_cast<std::int64_t>(expected.size());
        bytes = bytes.subspan(expected.size());
    }
    return true;
}

Application::Application(const Schedule& schedule, Side side, std::uint32_t connection)
    : schedule_(schedule),
      side_(side),
      service_(static_cast<Service>(schedule.at(Key::Service))),
      ending_(static_cast<Ending>(schedule.at(Key::Ending))),
      own_stream_(connection, side),
      peer_stream_(connection, schedule.at(Key::Service) == Echo ? Client : other(side)),
      echoes_(side == Server && service_ == Echo) {
    std::array<std::int64_t, 2> totals{};
    for (const Side from : {Client, Server}) {
        Random random(static_cast<std::uint64_t>(schedule.at(Key::Seed)), 200U + 2U * connection + from);
        // The first connection sends as much as the schedule says, the others up to that.
        const std::int64_t bytes = schedule.at(Key::Bytes, from);
        totals[from] = connection == 0 ? bytes : random.between(0, bytes);
    }
    // If the ACK of a SYN-ACK with a cookie is lost, only another segment of the client opens the connection.
    // A client that waits for the server's bytes or end must therefore say something first.
    totals[Client] = std::max<std::int64_t>(totals[Client], 1);
    switch (service_) {
        case BothSend:
            break;
        case Echo:
            totals[Server] = totals[Client];
            break;
        case AnswerLength:
            totals[Client] = (totals[Client] + kRequest - 1) / kRequest * kRequest;
            totals[Server] = totals[Client] / kRequest * kAnswer;
            break;
        case Discard:
            totals[Server] = 0;
            break;
    }
    if (service_ == Echo && (ending_ == ServerFirst || ending_ == BothAtOnce))
        ending_ = ClientFirst;  // an echo ends after its client
    total_ = totals[side];
    expected_ = totals[other(side)];
}

void Application::start(tcp::Connection& connection, Micros now) {
    started_ = now;
    connection.set_no_delay(schedule_.flag(Key::NoDelay));
    if (schedule_.flag(Key::Keepalive))
        connection.set_keepalive(true, now);
    if (echoes_ && !connection.echo())
        fault_ = "echo() was refused although nothing was written";
}

void Application::take(tcp::Connection& connection, std::size_t count) {
    // read() and peek() with consume() in turn.
    if (received_ % 2 == 0) {
        std::array<std::byte, 4096> buffer;
        const std::size_t taken = connection.read(std::span(buffer).first(std::min(count, buffer.size())));
        if (!peer_stream_.matches(received_, std::span(buffer).first(taken)))
            fault_ = "the application read wrong bytes";
        received_ += static_cast<std::int64_t>(taken);
        return;
    }
    const fifo::Bytes bytes = connection.peek();
    const auto first = bytes.first.first(std::min(count, bytes.first.size()));
    const auto second = bytes.second.first(std::min(count - first.size(), bytes.second.size()));
    if (!peer_stream_.matches(received_, first) ||
        !peer_stream_.matches(received_ + static_cast<std::int64_t>(first.size()), second))
        fault_ = "the application saw wrong bytes";
    received_ += static_cast<std::int64_t>(first.size() + second.size());
    connection.consume(first.size() + second.size());
}

std::optional<Micros> Application::read(tcp::Connection& connection, Micros now) {
    if (echoes_)
        return {};
    while (connection.readable() > 0 && fault_ == nullptr) {
        if (schedule_.at(Key::StallSide) == side_ && !has_stalled_ &&
            received_ >= schedule_.at(Key::StallAt)) {
            has_stalled_ = true;
            next_read_ = std::max(next_read_, now + Micros(schedule_.at(Key::StallFor)));
        }
        if (now < next_read_)
            return next_read_;
        const std::int64_t before = received_;
        take(connection,
             std::min(connection.readable(), static_cast<std::size_t>(schedule_.at(Key::ReadChunk, side_))));
        if (received_ == before)
            fault_ = "readable() promised bytes, and none came";
        if (received_ > expected_)
            fault_ = "the application received more than was sent";
        const std::int64_t pause = schedule_.at(Key::ReadPause, side_);
        if (pause > 0 && read_pauses_ < kMaxPauses) {
            ++read_pauses_;
            next_read_ = now + Micros(pause);
        }
    }
    return {};
}

std::int64_t Application::may_have_written() const noexcept {
    if (service_ != AnswerLength)
        return total_;
    const std::int64_t may =
        side_ == Client ? (received_ / kAnswer + 1) * kRequest : received_ / kRequest * kAnswer;
    return std::min(may, total_);
}

std::optional<Micros> Application::write(tcp::Connection& connection, Micros now) {
    if (echoes_ || has_shut_down_)
        return {};
    while (written_ < may_have_written()) {
        if (now < next_write_)
            return next_write_;
        const auto chunk = static_cast<std::size_t>(
            std::min(schedule_.at(Key::WriteChunk, side_), may_have_written() - written_));
        const std::size_t taken = connection.write(own_stream_.at(written_, chunk));
        written_ += static_cast<std::int64_t>(taken);
        if (taken < chunk) {
            // If the FIFO is full, an ACK makes room. If the arena is empty, nothing says when it no longer
            // is.
            if (connection.writable() == 0)
                return {};
            next_write_ = now + kMemoryRetry;
            return next_write_;
        }
        const std::int64_t pause = schedule_.at(Key::WritePause, side_);
        if (pause > 0 && write_pauses_ < kMaxPauses) {
            ++write_pauses_;
            next_write_ = now + Micros(pause);
        }
    }
    return {};
}

void Application::end(tcp::Connection& connection, Micros now) {
    const bool aborts =
        (ending_ == ClientAborts && side_ == Client) || (ending_ == ServerAborts && side_ == Server);
    if (aborts && now >= started_ + Micros(schedule_.at(Key::AbortAfter))) {
        connection.abort();
        has_left_ = true;
        return;
    }
    const bool has_sent = echoes_ ? connection.peer_closed() : written_ == total_;
    const bool peer_ended = connection.peer_closed() && connection.readable() == 0;
    const bool closes =
        (ending_ == ClientCloses && side_ == Client) || (ending_ == ServerCloses && side_ == Server);
    if (closes && has_sent) {
        if (schedule_.flag(Key::Linger))
            connection.set_linger(Micros(schedule_.at(Key::Linger) - 1));
        connection.close(now);
        has_left_ = true;
        return;
    }
    const bool first = ending_ == BothAtOnce || (ending_ == ServerFirst ? side_ == Server : side_ == Client);
    if (!has_shut_down_ && has_sent && (first || peer_ended || echoes_)) {
        connection.shutdown();
        has_shut_down_ = true;
    }
    if (has_shut_down_ && (echoes_ ? connection.peer_closed() : peer_ended)) {
        connection.close(now);
        has_left_ = true;
    }
}

std::optional<Micros> Application::act(tcp::Connection& connection, Micros now) {
    if (has_left_)
        return {};
    std::optional<Micros> next = read(connection, now);
    if (const auto write_at = write(connection, now); write_at)
        next = next ? std::min(*next, *write_at) : *write_at;
    end(connection, now);
    if (has_left_)
        return {};
    const bool aborts =
        (ending_ == ClientAborts && side_ == Client) || (ending_ == ServerAborts && side_ == Server);
    if (const Micros abort_at = started_ + Micros(schedule_.at(Key::AbortAfter)); aborts && now < abort_at)
        next = next ? std::min(*next, abort_at) : abort_at;
    return next;
}

}  // namespace l2echo::sim
