// A buffer that ends where its bytes end, so that the sanitizers see every overread.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "l2echo/wire/frame_view.hpp"

class ExactBytes {
  public:
    /// `room`: bytes after them into which they may grow.
    explicit ExactBytes(const std::vector<std::uint8_t>& bytes, std::size_t room = 0)
        : size_(bytes.size()), bytes_(std::make_unique_for_overwrite<std::uint8_t[]>(bytes.size() + room)) {
        std::copy(bytes.begin(), bytes.end(), bytes_.get());
    }

    std::byte* data() { return reinterpret_cast<std::byte*>(bytes_.get()); }
    std::vector<std::uint8_t> bytes() const { return {bytes_.get(), bytes_.get() + size_}; }
    l2echo::wire::FrameView view() const {
        const auto size = static_cast<std::uint32_t>(size_);
        return {reinterpret_cast<const std::byte*>(bytes_.get()), size, size};
    }

  private:
    std::size_t size_;
    std::unique_ptr<std::uint8_t[]> bytes_;
};
