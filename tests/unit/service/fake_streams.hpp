// The streams of a worker, as a test fills and reads them.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "l2echo/stream/streams.hpp"

namespace l2echo::service {

inline std::string text_of(const fifo::Bytes& bytes) {
    std::string text;
    for (const auto part : {bytes.first, bytes.second})
        text.append(reinterpret_cast<const char*>(part.data()), part.size());
    return text;
}

inline fifo::Bytes bytes_of(std::string_view text) {
    const auto bytes = std::as_bytes(std::span(text));
    return {bytes.first(text.size() / 2), bytes.subspan(text.size() / 2)};  // as a ring that wraps has them
}

/// Any number of streams, which share nothing but the limits.
class FakeStreams final : public stream::Streams {
  public:
    struct One {
        std::string to_read{};
        std::string written{};
        std::size_t space = 1 << 20;
        bool is_echo = false;
        bool is_shut_down = false;
        bool is_closed = false;
    };
    struct Sent {
        stream::DatagramHeader header{};
        std::string payload{};
    };

    std::map<std::uint32_t, One> streams{};
    std::deque<std::pair<stream::DatagramHeader, std::string>> datagrams{};
    std::vector<Sent> sent{};
    std::size_t datagram_space = 1000;

    One& operator[](stream::StreamId id) { return streams[id.index]; }

    fifo::Bytes readable(stream::StreamId id) const noexcept override {
        const auto found = streams.find(id.index);
        return found == streams.end() ? fifo::Bytes{} : bytes_of(found->second.to_read);
    }
    void consume(stream::StreamId id, std::size_t count) noexcept override {
        EXPECT_LE(count, streams[id.index].to_read.size());
        streams[id.index].to_read.erase(0, count);
    }
    std::size_t writable(stream::StreamId id) const noexcept override {
        const auto found = streams.find(id.index);
        return found == streams.end() ? 0 : found->second.space;
    }
    std::size_t write(stream::StreamId id, std::span<const std::byte> bytes) noexcept override {
        One& one = streams[id.index];
        const std::size_t count = std::min(bytes.size(), one.space);
        one.written.append(reinterpret_cast<const char*>(bytes.data()), count);
        one.space -= count;
        return count;
    }
    bool echo(stream::StreamId id) noexcept override { return streams[id.index].is_echo = true; }
    void shut_down(stream::StreamId id) noexcept override { streams[id.index].is_shut_down = true; }
    void close(stream::StreamId id) noexcept override { streams[id.index].is_closed = true; }
    void reset(stream::StreamId /*id*/) noexcept override { ADD_FAILURE() << "no service resets"; }
    stream::Endpoint peer(stream::StreamId /*id*/) const noexcept override { return {}; }

    std::optional<stream::Datagram> first_datagram(stream::StreamId /*id*/) const noexcept override {
        if (datagrams.empty())
            return std::nullopt;
        return stream::Datagram{datagrams.front().first, bytes_of(datagrams.front().second)};
    }
    void drop(stream::StreamId /*id*/) noexcept override { datagrams.pop_front(); }
    bool send(stream::StreamId /*id*/, const stream::DatagramHeader& header,
              const fifo::Bytes& bytes) noexcept override {
        EXPECT_EQ(header.length, bytes.size());
        if (sent.size() == datagram_space)
            return false;
        sent.push_back({header, text_of(bytes)});
        return true;
    }
};

}  // namespace l2echo::service
