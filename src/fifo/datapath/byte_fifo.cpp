#include "l2echo/fifo/byte_fifo.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>

namespace l2echo::fifo {
namespace {

/// Where a range begins in the ring, and how much of it lies before the wrap.
struct Place {
    std::uint32_t begin;
    std::uint32_t before_wrap;
};

Place place_of(std::uint32_t position, std::uint32_t length, std::uint32_t capacity) noexcept {
    const std::uint32_t begin = position & (capacity - 1);
    return {begin, std::min(length, capacity - begin)};
}

void copy(std::byte* to, const std::byte* from, std::size_t length) noexcept {
    if (length > 0)  // both may be nullptr, which memcpy() must not get
        std::memcpy(to, from, length);
}

void copy_into(std::byte* ring, std::uint32_t capacity, std::uint32_t position, const std::byte* from,
               std::uint32_t length) noexcept {
    const Place place = place_of(position, length, capacity);
    copy(ring + place.begin, from, place.before_wrap);
    copy(ring, from + place.before_wrap, length - place.before_wrap);
}

}  // namespace

ByteFifo::~ByteFifo() {
    assert(bytes_ == nullptr);
}

std::size_t ByteFifo::write(std::span<const std::byte> bytes) noexcept {
    const auto count = static_cast<std::uint32_t>(std::min<std::size_t>(bytes.size(), space()));
    if (count == 0)
        return 0;
    copy_into(bytes_, capacity_, positions_.tail, bytes.data(), count);
    positions_.tail += count;
    return count;
}

bool ByteFifo::write_at(std::uint32_t offset, std::span<const std::byte> bytes) noexcept {
    const std::uint32_t free = space();
    if (offset > free || bytes.size() > free - offset)
        return false;
    if (!bytes.empty())
        copy_into(bytes_, capacity_, positions_.tail + offset, bytes.data(),
                  static_cast<std::uint32_t>(bytes.size()));
    return true;
}

Room ByteFifo::room(std::uint32_t offset, std::uint32_t length) noexcept {
    const std::uint32_t free = space();
    if (offset >= free || length == 0)
        return {};
    length = std::min(length, free - offset);
    const Place place = place_of(positions_.tail + offset, length, capacity_);
    return {{bytes_ + place.begin, place.before_wrap}, {bytes_, length - place.before_wrap}};
}

void ByteFifo::advance_tail(std::uint32_t count) noexcept {
    assert(count <= space());
    positions_.tail += count;
}

Bytes ByteFifo::peek(std::uint32_t offset, std::uint32_t length) const noexcept {
    if (offset >= size() || length == 0)
        return {};
    length = std::min(length, size() - offset);
    const Place place = place_of(positions_.head + offset, length, capacity_);
    return {{bytes_ + place.begin, place.before_wrap}, {bytes_, length - place.before_wrap}};
}

void ByteFifo::consume(std::uint32_t count) noexcept {
    assert(count <= size());
    positions_.head += count;
}

std::size_t ByteFifo::read(std::span<std::byte> bytes) noexcept {
    const auto wanted = static_cast<std::uint32_t>(std::min<std::size_t>(bytes.size(), size()));
    const Bytes next = peek(0, wanted);
    copy(bytes.data(), next.first.data(), next.first.size());
    copy(bytes.data() + next.first.size(), next.second.data(), next.second.size());
    consume(wanted);
    return wanted;
}

bool ByteFifo::grow(Arena& arena, std::uint32_t capacity, std::uint32_t beyond) noexcept {
    assert(beyond <= space());
    if (capacity <= capacity_ || capacity > kMaxCapacity)
        return false;
    auto* larger = static_cast<std::byte*>(arena.allocate(capacity));
    if (larger == nullptr)
        return false;
    const auto larger_capacity = static_cast<std::uint32_t>(Arena::block_size(capacity));
    const std::uint32_t kept = size() + beyond;
    if (kept > 0) {
        const Place place = place_of(positions_.head, kept, capacity_);
        copy_into(larger, larger_capacity, positions_.head, bytes_ + place.begin, place.before_wrap);
        copy_into(larger, larger_capacity, positions_.head + place.before_wrap, bytes_,
                  kept - place.before_wrap);
    }
    arena.release(bytes_);
    bytes_ = larger;
    capacity_ = larger_capacity;
    return true;
}

bool ByteFifo::release_when_empty(Arena& arena) noexcept {
    if (!empty())
        return false;
    release(arena);
    return true;
}

void ByteFifo::release(Arena& arena) noexcept {
    arena.release(bytes_);
    bytes_ = nullptr;
    capacity_ = 0;
    positions_.head = positions_.tail;
}

}  // namespace l2echo::fifo
