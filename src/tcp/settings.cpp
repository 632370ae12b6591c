#include "l2echo/tcp/settings.hpp"

#include <array>
#include <bit>

namespace l2echo::tcp {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

template <typename Value, typename Bound>
bool is_in(Value value, Bound min, Bound max) noexcept {
    return value >= min && value <= max;
}

bool is_buffer(std::uint32_t bytes, std::uint32_t min, std::uint32_t max) noexcept {
    return std::has_single_bit(bytes) && is_in(bytes, min, max);
}

}  // namespace

std::string_view check_settings(const Settings& settings) noexcept {
    struct Check {
        bool holds;
        std::string_view text;
    };
    constexpr std::uint32_t kKiB = 1024;
    constexpr std::uint32_t kMiB = 1024 * kKiB;
    const Settings& s = settings;
    const auto checks = std::to_array<Check>({
        {is_in(s.initial_window_segments, 1, 100), "initial_window_segments must be 1 to 100"},
        {is_in(s.max_mss, 64, 65495), "max_mss must be 64 to 65495 bytes"},
        {is_in(s.min_mss, 28, 1460), "min_mss must be 28 to 1460 bytes"},
        {s.min_mss <= s.max_mss, "min_mss must not be above max_mss"},
        {is_in(s.max_segments_in_flight, 16U, 1U << 20), "max_segments_in_flight must be 16 to 1048576"},
        {is_in<Micros, Micros>(s.initial_rto, milliseconds(10), seconds(60)),
         "initial_rto must be 10 ms to 60 s"},
        {is_in<Micros, Micros>(s.min_rto, milliseconds(1), seconds(60)), "min_rto must be 1 ms to 60 s"},
        {is_in<Micros, Micros>(s.max_rto, s.min_rto, hours(1)), "max_rto must be min_rto to 1 h"},
        {is_in(s.syn_retries, 1, 20), "syn_retries must be 1 to 20"},
        {is_in(s.synack_retries, 1, 20), "synack_retries must be 1 to 20"},
        {is_in(s.retries, 3, 30), "retries must be 3 to 30"},
        {s.user_timeout == Micros(0) || is_in<Micros, Micros>(s.user_timeout, milliseconds(100), hours(24)),
         "user_timeout must be 0 or 100 ms to 24 h"},
        {is_in<Micros, Micros>(s.ack_delay, Micros(0), milliseconds(500)), "ack_delay must be 0 to 500 ms"},
        {is_buffer(s.min_buffer, kKiB, kMiB), "min_buffer must be a power of two, 1 KiB to 1 MiB"},
        {is_buffer(s.max_receive_buffer, s.min_buffer, 512 * kMiB),
         "max_receive_buffer must be a power of two, min_buffer to 512 MiB"},
        {is_buffer(s.max_send_buffer, s.min_buffer, 512 * kMiB),
         "max_send_buffer must be a power of two, min_buffer to 512 MiB"},
        {is_in<Micros, Micros>(s.keepalive_idle, seconds(1), hours(10)),
         "keepalive_idle must be 1 s to 10 h"},
        {is_in<Micros, Micros>(s.keepalive_interval, seconds(1), hours(1)),
         "keepalive_interval must be 1 s to 1 h"},
        {is_in(s.keepalive_probes, 1, 100), "keepalive_probes must be 1 to 100"},
        {is_in<Micros, Micros>(s.time_wait, seconds(1), minutes(4)), "time_wait must be 1 s to 4 min"},
        {s.fin_wait_2 == Micros(0) || is_in<Micros, Micros>(s.fin_wait_2, seconds(1), hours(1)),
         "fin_wait_2 must be 0 or 1 s to 1 h"},
        {is_in(s.challenge_acks_per_second, 1, 1000), "challenge_acks_per_second must be 1 to 1000"},
        {is_in(s.max_half_open, 1U, 1U << 20), "max_half_open must be 1 to 1048576"},
        {is_in(s.max_accept_queue, 1U, 1U << 20), "max_accept_queue must be 1 to 1048576"},
    });
    for (const Check& check : checks)
        if (!check.holds)
            return check.text;
    return {};
}

}  // namespace l2echo::tcp
