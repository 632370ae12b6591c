// The two applications of a connection: what they write, how they read, and how they end it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "l2echo/tcp/connection.hpp"
#include "l2echo/tcp/events.hpp"
#include "schedule.hpp"

namespace l2echo::sim {

/// The stream that a side of a connection writes. Every position has its byte, so that what arrives can be
/// checked without being kept.
class Stream {
  public:
    Stream(std::uint32_t connection, Side from) noexcept;
    /// Up to `length` bytes from `position` on; at least one.
    std::span<const std::byte> at(std::int64_t position, std::size_t length) const noexcept;
    /// True if these are the bytes from `position` on.
    bool matches(std::int64_t position, std::span<const std::byte> bytes) const noexcept;

  private:
    std::size_t offset_;
};

class Application {
  public:
    Application(const Schedule& schedule, Side side, std::uint32_t connection);

    /// The connection is open, or opens.
    void start(tcp::Connection& connection, tcp::Micros now);
    /// Reads, writes and ends as the script says. Returns when it wants to act again, if a pause ends it.
    std::optional<tcp::Micros> act(tcp::Connection& connection, tcp::Micros now);

    std::int64_t received() const noexcept { return received_; }
    std::int64_t written() const noexcept { return written_; }
    /// Bytes that this side receives if nothing goes wrong.
    std::int64_t expected() const noexcept { return expected_; }
    /// The stream whose bytes this side sends: its own, or what it echoes.
    const Stream& sent_stream() const noexcept { return echoes_ ? peer_stream_ : own_stream_; }
    std::int64_t total_to_send() const noexcept { return echoes_ ? expected_ : total_; }
    const char* fault() const noexcept { return fault_; }
    bool has_left() const noexcept { return has_left_; }
    /// When the next read may happen, if the application pauses.
    tcp::Micros reads_next() const noexcept { return next_read_; }

  private:
    std::optional<tcp::Micros> read(tcp::Connection& connection, tcp::Micros now);
    std::optional<tcp::Micros> write(tcp::Connection& connection, tcp::Micros now);
    void take(tcp::Connection& connection, std::size_t count);
    void end(tcp::Connection& connection, tcp::Micros now);
    std::int64_t may_have_written() const noexcept;

    const Schedule& schedule_;
    Side side_;
    Service service_;
    Ending ending_;
    Stream own_stream_;
    Stream peer_stream_;
    std::int64_t total_ = 0;
    std::int64_t expected_ = 0;
    std::int64_t written_ = 0;
    std::int64_t received_ = 0;
    tcp::Micros next_read_{};
    tcp::Micros next_write_{};
    tcp::Micros started_{};
    std::int64_t read_pauses_ = 0;
    std::int64_t write_pauses_ = 0;
    bool echoes_ = false;
    bool has_stalled_ = false;
    bool has_shut_down_ = false;
    bool has_left_ = false;
    const char* fault_ = nullptr;
};

}  // namespace l2echo::sim
