#include "service/datapath/chargen.hpp"

namespace l2echo::service {
namespace {

constexpr unsigned kColumns = 72;
constexpr unsigned char kFirst = ' ';
constexpr unsigned char kLast = '~';
constexpr unsigned kCharacters = kLast - kFirst + 1;
static_assert(kCharacters * (kColumns + 2) <= UINT16_MAX);

}  // namespace

TcpChargen::TcpChargen(std::uint32_t max_streams) : position_(max_streams) {
    lines_.reserve(std::size_t{kCharacters} * (kColumns + 2));
    for (unsigned line = 0; line < kCharacters; ++line) {
        for (unsigned column = 0; column < kColumns; ++column)
            lines_.push_back(static_cast<std::byte>(kFirst + (line + column) % kCharacters));
        lines_.push_back(std::byte{'\r'});
        lines_.push_back(std::byte{'\n'});
    }
}

TcpChargen::~TcpChargen() = default;

}  // namespace l2echo::service
