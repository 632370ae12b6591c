#include "l2echo/wire/pcapng.hpp"

#include <string_view>

namespace l2echo::wire {
namespace {

constexpr std::uint32_t kSectionHeader = 0x0A0D'0D0A;
constexpr std::uint32_t kInterface = 1;
constexpr std::uint32_t kEnhancedPacket = 6;
constexpr std::uint16_t kComment = 1;
constexpr std::uint16_t kInterfaceName = 2;
constexpr std::uint16_t kApplication = 4;
constexpr std::uint16_t kTimestampResolution = 9;

/// Appends in host byte order, which the section header declares.
template <typename Number>
void append(std::string& text, Number number) {
    text.append(reinterpret_cast<const char*>(&number), sizeof number);
}

void pad(std::string& text) {
    text.resize((text.size() + 3) / 4 * 4);
}

void append_option(std::string& body, std::uint16_t code, std::string_view value) {
    append(body, code);
    append(body, static_cast<std::uint16_t>(value.size()));
    body += value;
    pad(body);
}

void end_options(std::string& body) {
    append(body, std::uint32_t{0});
}

/// Returns type, length, body and length again. The size of `body` must be a multiple of 4.
std::string block(std::uint32_t type, const std::string& body) {
    const auto length = static_cast<std::uint32_t>(body.size() + 12);
    std::string text;
    append(text, type);
    append(text, length);
    text += body;
    append(text, length);
    return text;
}

std::string section_header(const std::string& application) {
    std::string body;
    append(body, std::uint32_t{0x1A2B'3C4D});  // byte-order magic
    append(body, std::uint16_t{1});            // version 1.0
    append(body, std::uint16_t{0});
    append(body, std::int64_t{-1});  // section length: unspecified
    append_option(body, kApplication, application);
    end_options(body);
    return block(kSectionHeader, body);
}

std::string interface_description(const std::string& name) {
    constexpr std::string_view kNanoseconds("\x09", 1);  // 10^-9 s
    std::string body;
    append(body, std::uint16_t{1});  // Ethernet
    append(body, std::uint16_t{0});
    append(body, std::uint32_t{0});  // snapshot length: no limit
    append_option(body, kInterfaceName, name);
    append_option(body, kTimestampResolution, kNanoseconds);
    end_options(body);
    return block(kInterface, body);
}

}  // namespace

std::string pcapng_header(const std::vector<std::string>& interfaces, const std::string& application) {
    std::string text = section_header(application);
    for (const std::string& name : interfaces)
        text += interface_description(name);
    return text;
}

std::string pcapng_packet(std::uint32_t interface, std::uint64_t nanoseconds,
                          std::span<const std::byte> bytes, std::uint32_t length,
                          const std::string& comment) {
    std::string body;
    append(body, interface);
    append(body, static_cast<std::uint32_t>(nanoseconds >> 32));
    append(body, static_cast<std::uint32_t>(nanoseconds));
    append(body, static_cast<std::uint32_t>(bytes.size()));
    append(body, length);
    body.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    pad(body);
    append_option(body, kComment, comment);
    end_options(body);
    return block(kEnhancedPacket, body);
}

}  // namespace l2echo::wire
