#include "l2echo/tcp/send_records.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <memory>

namespace l2echo::tcp {
namespace {

constexpr bool is_before(std::uint32_t a, std::uint32_t b) noexcept {
    return static_cast<std::int32_t>(a - b) < 0;
}

/// RACK_sent_after() of RFC 8985 6.2: segments of one burst have the same time.
constexpr bool was_sent_after(Micros sent_a, Sequence end_a, Micros sent_b, Sequence end_b) noexcept {
    return sent_a > sent_b || (sent_a == sent_b && end_a > end_b);
}

}  // namespace

SendRecords::~SendRecords() noexcept {
    assert(records_ == nullptr && "release_memory() was not called");
}

bool SendRecords::append(fifo::Arena& arena, std::uint32_t length, Micros now,
                         std::uint32_t max_segments) noexcept {
    assert(length > 0 && length <= UINT16_MAX);
    if (segments() >= max_segments)
        return false;
    if (segments() + kReserve >= capacity() && !grow(arena))
        return false;
    SendRecord& record = at(tail_);
    record = {};
    record.sent = now;
    record.first_sent = now;
    record.begin = next_;
    record.length = static_cast<std::uint16_t>(length);
    record.times_sent = 1;
    ++tail_;
    next_ += length;
    return true;
}

bool SendRecords::grow(fifo::Arena& arena) noexcept {
    const std::uint32_t larger = records_ == nullptr ? kMinRecords : 2 * capacity();
    void* const memory = arena.allocate(larger * sizeof(SendRecord));
    if (memory == nullptr)
        return false;
    auto* const records = static_cast<SendRecord*>(memory);
    std::uninitialized_default_construct_n(records, larger);
    for (std::uint32_t position = head_; position != tail_; ++position)
        records[position & (larger - 1)] = at(position);
    if (records_ != nullptr)
        arena.release(records_);
    records_ = records;
    mask_ = larger - 1;
    return true;
}

void SendRecords::release_memory(fifo::Arena& arena) noexcept {
    if (records_ != nullptr)
        arena.release(records_);
    records_ = nullptr;
    mask_ = 0;
    head_ = tail_ = first_original_ = first_lost_ = last_found_ = 0;
    una_ = next_;
    sacked_ = lost_ = assumed_ = sacked_segments_ = resent_ = 0;
    known_blocks_ = 0;
}

/// A hint may be left behind by acknowledge().
std::uint32_t SendRecords::not_before_head(std::uint32_t position) const noexcept {
    return is_before(position, head_) ? head_ : position;
}

void SendRecords::deliver(const SendRecord& record, const AckTime& time, Delivery& delivery) noexcept {
    const Sequence end = record.end();
    delivery.bytes += record.length;
    bool is_certain = true;  // that the last transmission was delivered
    if (record.times_sent == 1) {
        if (end < highest_delivered_)
            delivery.is_reordered = true;
        if (!delivery.oldest_sent || record.sent < *delivery.oldest_sent)
            delivery.oldest_sent = record.sent;
    } else {
        is_certain = time.now - record.sent >= time.min_rtt && record.sent <= time.echoed;
    }
    highest_delivered_ = later(highest_delivered_, end);
    if (is_certain && (!delivery.has_newest ||
                       was_sent_after(record.sent, end, delivery.newest_sent, delivery.newest_end))) {
        delivery.has_newest = true;
        delivery.newest_was_resent = record.times_sent > 1;
        delivery.newest_sent = record.sent;
        delivery.newest_end = end;
    }
}

void SendRecords::acknowledge(Sequence una, const AckTime& time, Delivery& delivery) noexcept {
    assert(una >= una_ && una <= next_);
    const std::uint32_t advance = bytes_between(una_, una);
    if (advance == 0)
        return;
    std::uint32_t first_length = 0;
    if (!empty())
        first_length = first().length;
    while (head_ != tail_) {
        const SendRecord& record = at(head_);
        if (record.end() > una)
            break;
        if (record.is_sacked) {
            sacked_ -= record.length;
            --sacked_segments_;
        } else {
            deliver(record, time, delivery);
            delivery.acknowledged += record.length;
            delivery.acknowledged_resent = delivery.acknowledged_resent || record.times_sent > 1;
            if (record.is_lost)
                lost_ -= record.length;
            else if (record.is_resent)
                unlink(head_);
        }
        ++head_;
    }
    if (head_ != tail_)
        shorten_first(una, delivery);
    // Without SACK, what a filled hole uncovers was delivered long before.
    if (delivery.acknowledged_resent)
        delivery.oldest_sent.reset();
    una_ = una;
    highest_delivered_ = later(highest_delivered_, una);
    if (sacked_ == 0)
        known_blocks_ = 0;
    if (assumed_ != 0) {
        // The hole itself was not among the assumed.
        const std::uint32_t seen = std::min(assumed_, advance - std::min(advance, first_length));
        assumed_ = std::min(assumed_ - seen, empty() ? 0 : outstanding() - first().length);
        const std::uint32_t counted = std::min(seen, delivery.acknowledged);
        delivery.acknowledged -= counted;
        delivery.bytes -= counted;
    }
}

/// The first record is acknowledged in part.
void SendRecords::shorten_first(Sequence una, Delivery& delivery) noexcept {
    SendRecord& record = at(head_);
    if (una <= record.begin)
        return;
    const std::uint32_t length = bytes_between(record.begin, una);
    record.begin = una;
    record.length = static_cast<std::uint16_t>(record.length - length);
    if (record.is_sacked) {
        sacked_ -= length;
        return;
    }
    if (record.is_lost)
        lost_ -= length;
    delivery.acknowledged += length;
    delivery.bytes += length;
}

void SendRecords::mark_sacked(std::span<const wire::SackBlock> blocks, Sequence ack, const AckTime& time,
                              Delivery& delivery) noexcept {
    // RFC 2883 4: the first block is a DSACK if it is below the acknowledgement, or within the second block.
    constexpr std::int32_t kMaxAge = 1 << 30;  // a duplicate from before the largest window is none
    if (!blocks.empty()) {
        const Sequence left(blocks[0].left);
        const Sequence right(blocks[0].right);
        const bool is_below = left < ack && ack - left <= kMaxAge;
        const bool is_within_second =
            blocks.size() > 1 && left >= Sequence(blocks[1].left) && right <= Sequence(blocks[1].right);
        if (left < right && right <= next_ && (is_below || is_within_second)) {
            delivery.has_dsack = true;
            delivery.dsack_begin = left;
            delivery.dsack_end = right;
        }
    }

    // Ascending, so that a segment counts as reordered only if an earlier ACK reported a higher one.
    std::array<Block, kBlocks> sorted;
    std::size_t count = 0;
    for (const wire::SackBlock& block : blocks.first(std::min(blocks.size(), kBlocks))) {
        const Sequence left = later(Sequence(block.left), una_);
        const Sequence right(block.right);
        if (Sequence(block.left) >= right || right <= una_ || right > next_ ||
            una_ - Sequence(block.left) > kMaxAge)
            continue;
        std::size_t place = count++;
        for (; place > 0 && left < sorted[place - 1].left; --place)
            sorted[place] = sorted[place - 1];
        sorted[place] = {left, right};
    }

    // Only what the last ACK did not report: a block that grows costs its growth.
    std::array<Block, kBlocks> marked;
    std::uint8_t marked_count = 0;
    for (std::size_t i = 0; i < count; ++i) {
        const Block& block = sorted[i];
        Sequence from = block.left;
        bool is_marked = true;
        for (std::size_t k = 0; k < known_blocks_ && from < block.right; ++k) {
            const Block& known = known_[k];
            if (from < known.left && !sack_range(from, earlier(known.left, block.right), time, delivery))
                is_marked = false;
            from = later(from, known.right);
        }
        if (from < block.right && !sack_range(from, block.right, time, delivery))
            is_marked = false;
        if (is_marked)
            marked[marked_count++] = block;
    }
    std::copy_n(marked.begin(), marked_count, known_.begin());
    known_blocks_ = marked_count;
}

/// False if a record is covered in part and cannot be split.
bool SendRecords::sack_range(Sequence left, Sequence right, const AckTime& time,
                             Delivery& delivery) noexcept {
    bool is_complete = true;
    std::uint32_t position = find(left);
    for (; position != tail_; ++position) {
        if (at(position).begin >= right)
            break;
        if (at(position).is_sacked)
            continue;
        if (at(position).begin < left) {
            const auto rest = split(position, bytes_between(at(position).begin, left), kReserve);
            if (!rest) {
                is_complete = false;
                continue;
            }
            position = *rest;
        }
        if (at(position).end() > right) {
            const auto rest = split(position, bytes_between(at(position).begin, right), kReserve);
            if (!rest) {
                is_complete = false;
                break;
            }
            position = *rest - 1;
        }
        SendRecord& record = at(position);
        deliver(record, time, delivery);
        delivery.sacked += record.length;
        if (record.is_lost)
            lost_ -= record.length;
        else if (record.is_resent)
            unlink(position);
        record.is_lost = record.is_resent = false;
        record.is_sacked = true;
        sacked_ += record.length;
        ++sacked_segments_;
    }
    last_found_ = position;
    return is_complete;
}

/// The record that holds `sequence`, which must be in una() to next().
std::uint32_t SendRecords::find(Sequence sequence) const noexcept {
    if (last_found_ - head_ < segments() &&
        is_within(sequence, at(last_found_).begin, at(last_found_).length))
        return last_found_;
    std::uint32_t low = head_;
    std::uint32_t count = segments();
    while (count > 1) {
        const std::uint32_t half = count / 2;
        if (at(low + half).begin <= sequence)
            low += half;
        count -= half;
    }
    return low;
}

/// Shortens the record to `length`. Returns the position of a new record with the rest, in the same state;
/// nothing if the ring would keep less than `reserve` free, or if too many records would move.
std::optional<std::uint32_t> SendRecords::split(std::uint32_t position, std::uint32_t length,
                                                std::uint32_t reserve) noexcept {
    if (segments() + 1 + reserve > capacity())
        return std::nullopt;
    const std::uint32_t before = position - head_ + 1;
    const std::uint32_t after = tail_ - position - 1;
    if (std::min(before, after) > kMaxMoves)
        return std::nullopt;

    std::uint32_t rest = position;
    if (before < after) {
        for (std::uint32_t i = head_; i != position + 1; ++i)
            move(i, i - 1);
        --head_;
        for (std::uint32_t* hint : {&first_original_, &first_lost_, &last_found_})
            if (!is_before(position, *hint))
                --*hint;
        --position;
    } else {
        for (std::uint32_t i = tail_; i != position + 1; --i)
            move(i - 1, i);
        ++tail_;
        for (std::uint32_t* hint : {&first_original_, &first_lost_, &last_found_})
            if (is_before(position, *hint))
                ++*hint;
        ++rest;
    }

    SendRecord& first_part = at(position);
    SendRecord& second_part = at(rest);
    second_part = first_part;
    second_part.begin = first_part.begin + length;
    second_part.length = static_cast<std::uint16_t>(first_part.length - length);
    first_part.length = static_cast<std::uint16_t>(length);
    if (first_part.is_sacked)
        ++sacked_segments_;
    if (first_part.is_resent)
        link_after(position, rest);
    return rest;
}

void SendRecords::move(std::uint32_t from, std::uint32_t to) noexcept {
    const SendRecord& record = at(from);
    at(to) = record;
    if (!record.is_resent)
        return;
    if (from == oldest_resent_)
        oldest_resent_ = to;
    else
        at(record.older).newer = to;
    if (from == newest_resent_)
        newest_resent_ = to;
    else
        at(record.newer).older = to;
}

void SendRecords::link_newest(std::uint32_t position) noexcept {
    if (resent_++ == 0) {
        oldest_resent_ = position;
    } else {
        at(newest_resent_).newer = position;
        at(position).older = newest_resent_;
    }
    newest_resent_ = position;
}

void SendRecords::link_after(std::uint32_t before, std::uint32_t added) noexcept {
    if (before == newest_resent_) {
        link_newest(added);
        return;
    }
    ++resent_;
    const std::uint32_t after = at(before).newer;
    at(added).older = before;
    at(added).newer = after;
    at(before).newer = added;
    at(after).older = added;
}

void SendRecords::unlink(std::uint32_t position) noexcept {
    const SendRecord& record = at(position);
    if (--resent_ == 0)
        return;
    if (position == oldest_resent_)
        oldest_resent_ = record.newer;
    else
        at(record.older).newer = record.newer;
    if (position == newest_resent_)
        newest_resent_ = record.older;
    else
        at(record.newer).older = record.older;
}

void SendRecords::mark_lost_at(std::uint32_t position) noexcept {
    SendRecord& record = at(position);
    if (record.is_resent)
        unlink(position);
    record.is_resent = false;
    record.is_lost = true;
    first_lost_ = lost_ == 0 || is_before(position, first_lost_) ? position : first_lost_;
    lost_ += record.length;
}

/// Marks the record lost and returns true, or returns false: those behind it were sent later.
bool SendRecords::expire(std::uint32_t position, const LossLimit& limit, Micros now,
                         LossMarks& marks) noexcept {
    const SendRecord& record = at(position);
    if (!was_sent_after(limit.sent, limit.end, record.sent, record.end()))
        return false;
    const Micros deadline = record.sent + limit.age;
    if (deadline > now) {
        if (!marks.deadline || deadline < *marks.deadline)
            marks.deadline = deadline;
        return false;
    }
    marks.bytes += record.length;
    mark_lost_at(position);
    return true;
}

LossMarks SendRecords::mark_lost(const LossLimit& limit, Micros now) noexcept {
    LossMarks marks;
    while (resent_ != 0 && expire(oldest_resent_, limit, now, marks)) {
    }
    std::uint32_t position = not_before_head(first_original_);
    for (; position != tail_; ++position) {
        const SendRecord& record = at(position);
        if (record.in_flight() && !record.is_resent && !expire(position, limit, now, marks))
            break;
    }
    first_original_ = position;
    return marks;
}

LossMarks SendRecords::mark_lost_on_timeout(Micros age, Micros now) noexcept {
    LossMarks marks;
    if (empty())
        return marks;
    if (is_reneged())
        marks.bytes += forget_sacked();
    marks.bytes += mark_first_lost();
    const LossMarks expired = mark_lost({Micros::max(), next_, age}, now);
    return {marks.bytes + expired.bytes, expired.deadline};
}

std::uint32_t SendRecords::mark_all_lost() noexcept {
    std::uint32_t bytes = 0;
    for (std::uint32_t position = head_; position != tail_; ++position) {
        if (!at(position).in_flight())
            continue;
        bytes += at(position).length;
        mark_lost_at(position);
    }
    assumed_ = 0;
    first_original_ = tail_;
    return bytes;
}

std::uint32_t SendRecords::mark_first_lost() noexcept {
    if (empty() || !first().in_flight())
        return 0;
    mark_lost_at(head_);
    return first().length;
}

void SendRecords::mark_longer_lost(std::uint32_t max_length) noexcept {
    for (std::uint32_t position = head_; position != tail_; ++position)
        if (at(position).length > max_length && at(position).in_flight())
            mark_lost_at(position);
}

void SendRecords::skip(std::uint32_t length) noexcept {
    assert(empty());
    next_ += length;
    una_ = next_;
    highest_delivered_ = next_;
}

void SendRecords::unmark_lost() noexcept {
    if (lost_ == 0)
        return;
    for (std::uint32_t position = not_before_head(first_lost_); position != tail_; ++position) {
        SendRecord& record = at(position);
        if (record.is_lost && record.times_sent == 1) {
            record.is_lost = false;
            lost_ -= record.length;
        }
    }
    first_original_ = head_;
}

std::uint32_t SendRecords::forget_sacked() noexcept {
    const std::uint32_t bytes = sacked_;
    for (std::uint32_t position = head_; position != tail_; ++position) {
        if (!at(position).is_sacked)
            continue;
        at(position).is_sacked = false;
        mark_lost_at(position);
    }
    sacked_ = sacked_segments_ = 0;
    known_blocks_ = 0;
    return bytes;
}

std::uint32_t SendRecords::assume_delivered(std::uint32_t mss) noexcept {
    if (empty())
        return 0;
    const std::uint32_t before = assumed_;
    assumed_ = std::min(assumed_ + mss, outstanding() - first().length);
    return assumed_ - before;
}

std::optional<SentSegment> SendRecords::next_lost(std::uint32_t max_length) noexcept {
    if (lost_ == 0)
        return std::nullopt;
    first_lost_ = not_before_head(first_lost_);
    while (!at(first_lost_).is_lost)
        ++first_lost_;
    const SendRecord& record = at(first_lost_);
    return SentSegment{record.begin, std::min<std::uint32_t>(record.length, max_length), record.times_sent};
}

bool SendRecords::resend(Sequence begin, std::uint32_t length, Micros now) noexcept {
    assert(begin >= una_ && begin < next_);
    std::uint32_t position = not_before_head(first_lost_);
    if (lost_ == 0 || at(position).begin != begin)
        position = find(begin);
    assert(at(position).begin == begin && !at(position).is_sacked && length > 0 &&
           length <= at(position).length);
    if (length < at(position).length) {
        const auto rest = split(position, length, 0);
        if (!rest)
            return false;
        position = *rest - 1;
    }
    SendRecord& record = at(position);
    if (record.is_lost)
        lost_ -= record.length;
    else if (record.is_resent)
        unlink(position);
    record.is_lost = false;
    record.is_resent = true;
    record.sent = now;
    record.times_sent = static_cast<std::uint8_t>(std::min(record.times_sent + 1, UINT8_MAX));
    link_newest(position);
    return true;
}

const char* SendRecords::check_invariants() const noexcept {
    Sequence expected = una_;
    std::uint32_t sacked = 0;
    std::uint32_t lost = 0;
    std::uint32_t sacked_segments = 0;
    std::uint32_t resent = 0;
    Micros last_original{0};
    for (std::uint32_t position = head_; position != tail_; ++position) {
        const SendRecord& record = at(position);
        if (record.begin != expected || record.length == 0)
            return "the records are not contiguous";
        expected = record.end();
        if (const char* fault = check_record(position); fault != nullptr)
            return fault;
        if (record.times_sent == 1 && record.sent < last_original)
            return "segments that were sent once are not in the order of their times";
        last_original = record.times_sent == 1 ? record.sent : last_original;
        sacked += record.is_sacked ? record.length : 0;
        sacked_segments += record.is_sacked ? 1 : 0;
        lost += record.is_lost ? record.length : 0;
        resent += record.is_resent ? 1 : 0;
    }
    if (expected != next_)
        return "the records do not end at SND.NXT";
    if (sacked != sacked_ || sacked_segments != sacked_segments_)
        return "the count of SACKed bytes or segments is wrong";
    if (lost != lost_)
        return "the count of lost bytes is wrong";
    if (resent != resent_)
        return "the count of segments that were sent again is wrong";
    if (assumed_ != 0 && assumed_ > outstanding() - first().length)
        return "more is assumed to be delivered than can be";
    return check_resent();
}

const char* SendRecords::check_record(std::uint32_t position) const noexcept {
    const SendRecord& record = at(position);
    if (record.is_sacked + record.is_lost + record.is_resent > 1)
        return "a record has two states";
    if (record.times_sent == 0 || (record.is_resent && record.times_sent == 1))
        return "a record was sent less often than its state says";
    if (record.first_sent > record.sent)
        return "a record was sent before its first transmission";
    if (record.in_flight() && !record.is_resent && is_before(position, first_original_))
        return "a segment that was sent once is before the cursor";
    if (record.is_lost && is_before(position, first_lost_))
        return "a lost segment is before the hint";
    return nullptr;
}

/// The list of segments that were sent again, both ways.
const char* SendRecords::check_resent() const noexcept {
    Micros last{0};
    for (std::uint32_t i = 0, position = oldest_resent_; i < resent_; ++i, position = at(position).newer) {
        if (position - head_ >= segments() || !at(position).is_resent)
            return "the list of retransmissions holds something else";
        if (at(position).sent < last)
            return "the list of retransmissions is not in the order of their times";
        last = at(position).sent;
        if (i + 1 == resent_ && position != newest_resent_)
            return "the list of retransmissions does not end at the newest";
        if (i + 1 < resent_ && at(at(position).newer).older != position)
            return "the list of retransmissions differs backwards";
    }
    return nullptr;
}

}  // namespace l2echo::tcp
