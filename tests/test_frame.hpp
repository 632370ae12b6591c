// An mbuf without a pool, over a buffer that ends where the frame ends, so that the sanitizers see every
// overread.
#pragma once

#include <rte_mbuf.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

class TestFrame {
  public:
    /// `room`: bytes after the frame into which it may grow.
    explicit TestFrame(const std::vector<std::uint8_t>& bytes, std::size_t room = 0)
        : bytes_(std::make_unique<std::uint8_t[]>(bytes.size() + room)) {
        std::copy(bytes.begin(), bytes.end(), bytes_.get());
        mbuf_->buf_addr = bytes_.get();
        mbuf_->buf_len = static_cast<std::uint16_t>(bytes.size() + room);
        mbuf_->nb_segs = 1;
        mbuf_->data_len = static_cast<std::uint16_t>(bytes.size());
        mbuf_->pkt_len = static_cast<std::uint32_t>(bytes.size());
    }

    rte_mbuf& mbuf() { return *mbuf_; }
    std::byte* data() { return reinterpret_cast<std::byte*>(bytes_.get()); }
    std::vector<std::uint8_t> bytes() const { return {bytes_.get(), bytes_.get() + mbuf_->data_len}; }

  private:
    std::unique_ptr<std::uint8_t[]> bytes_;
    std::unique_ptr<rte_mbuf> mbuf_ = std::make_unique<rte_mbuf>();
};
