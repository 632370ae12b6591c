#include "l2echo/stack/stack.hpp"

#include <algorithm>

namespace l2echo::stack {

fifo::Bytes Stack::readable(stream::StreamId id) const noexcept {
    const tcp::Connection* const connection = tcp_.find(id);
    return connection != nullptr ? connection->peek() : fifo::Bytes{};
}

void Stack::consume(stream::StreamId id, std::size_t count) noexcept {
    if (tcp::Connection* const connection = tcp_.find(id); connection != nullptr) {
        connection->consume(std::min(count, connection->readable()));
        tcp_.touch(id);
    }
}

std::size_t Stack::writable(stream::StreamId id) const noexcept {
    const tcp::Connection* const connection = tcp_.find(id);
    return connection != nullptr ? connection->writable() : 0;
}

std::size_t Stack::write(stream::StreamId id, std::span<const std::byte> bytes) noexcept {
    tcp::Connection* const connection = tcp_.find(id);
    if (connection == nullptr)
        return 0;
    tcp_.touch(id);
    return connection->write(bytes);
}

bool Stack::echo(stream::StreamId id) noexcept {
    tcp::Connection* const connection = tcp_.find(id);
    if (connection == nullptr)
        return false;
    tcp_.touch(id);
    return connection->echo();
}

void Stack::shut_down(stream::StreamId id) noexcept {
    if (tcp::Connection* const connection = tcp_.find(id); connection != nullptr) {
        connection->shutdown();
        tcp_.touch(id);
    }
}

void Stack::close(stream::StreamId id) noexcept {
    tcp_.close(id, now_);
}

void Stack::reset(stream::StreamId id) noexcept {
    tcp_.reset(id);
}

stream::Endpoint Stack::peer(stream::StreamId id) const noexcept {
    const tcp::Connection* const connection = tcp_.find(id);
    return connection != nullptr
               ? stream::Endpoint{connection->tuple().remote, connection->tuple().remote_port}
               : stream::Endpoint{};
}

std::optional<stream::Datagram> Stack::first_datagram(stream::StreamId id) const noexcept {
    return udp_.first_datagram(id);
}

void Stack::drop(stream::StreamId id) noexcept {
    udp_.drop(id);
}

bool Stack::send(stream::StreamId id, const stream::DatagramHeader& header,
                 const fifo::Bytes& bytes) noexcept {
    return udp_.send(id, header, bytes);
}

}  // namespace l2echo::stack
