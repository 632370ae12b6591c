// Refusal reasons: the name, precedence and meaning of each. Counters, report and JSON are derived from the
// table here, and a test compares the table in docs/wire-rules.md with it. first_refusal()
// (echo/datapath/rules.cpp) decides when a reason applies.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace l2echo::verdict {

/// In order of precedence: a frame that several rules refuse is counted under the first.
enum class Reason : std::uint8_t {
    // Always active. swap_burst.cpp detects runts.
    Runt,
    Oversize,
    Reserved,
    Control,
    GroupSource,
    BadSource,
    Loop,
    // A loop check that came back; its sender acts on it. swap_burst.cpp detects it before all rules except
    // runts.
    LoopCheck,
    // Active while the port does not echo.
    Disarmed,
    Expired,
    FacingReflector,
    // Enabled by options. swap_burst.cpp enforces the rate.
    GroupDestination,
    NotOwn,
    NotFromTester,
    Unmatched,
    NotSwappable,
    OverRate,
    None,  ///< not refused
    End = None,
};

struct ReasonRow {
    Reason reason;
    std::string_view name;  ///< as in report, JSON and documentation
    std::string_view meaning;
};

inline constexpr std::array kReasonTable{
    ReasonRow{Reason::Runt, "runt", "shorter than an Ethernet header (14 bytes)"},
    ReasonRow{Reason::Oversize, "oversize", "longer than MTU + 14 + 4 per VLAN tag"},
    ReasonRow{Reason::Reserved, "reserved",
              "destination 01:80:C2:00:00:00-0F, :20-:2F or :30-:3F, which bridges do not forward"},
    ReasonRow{Reason::Control, "control",
              "PAUSE, slow protocols, LLDP, EAPOL, CFM or PTP, also behind VLAN tags"},
    ReasonRow{Reason::GroupSource, "group-source", "source is a group address"},
    ReasonRow{Reason::BadSource, "bad-source", "source is all zero or equals the destination"},
    ReasonRow{Reason::Loop, "loop", "source is the MAC of one of our own ports"},
    ReasonRow{Reason::LoopCheck, "loop-check", "a loop check that came back, the port's own or another's"},
    ReasonRow{Reason::Disarmed, "disarmed", "the session is disarmed"},
    ReasonRow{Reason::Expired, "expired", "the session is over its --expire time"},
    ReasonRow{Reason::FacingReflector, "facing-reflector",
              "the port's own loop check came back, so echoes would too, endlessly"},
    ReasonRow{Reason::GroupDestination, "group-destination",
              "broadcast or multicast destination, without --group own-source"},
    ReasonRow{Reason::NotOwn, "not-own", "destination is not the port's own MAC, with --accept own"},
    ReasonRow{Reason::NotFromTester, "not-from-tester", "source is not the MAC of --only-from"},
    ReasonRow{Reason::Unmatched, "unmatched", "a --match rule refuses it, or none matches it"},
    ReasonRow{Reason::NotSwappable, "not-swappable",
              "lacks what --swap exchanges, or its lengths are inconsistent"},
    ReasonRow{Reason::OverRate, "over-rate", "more than --max-rate"},
};

inline constexpr std::size_t kReasons = static_cast<std::size_t>(Reason::None);
static_assert(kReasonTable.size() == kReasons, "every reason has a row");
static_assert(
    [] {
        for (std::size_t i = 0; i < kReasons; ++i)
            if (kReasonTable[i].reason != static_cast<Reason>(i))
                return false;
        return true;
    }(),
    "row i is reason i");

/// `reason` must not be None.
constexpr const ReasonRow& row_of(Reason reason) noexcept {
    return kReasonTable[static_cast<std::size_t>(reason)];
}

}  // namespace l2echo::verdict
