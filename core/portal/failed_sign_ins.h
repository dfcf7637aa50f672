// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"

#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

namespace portolan {
class Logger;
}

namespace portolan::portal {

/// Why somebody was not let in. Outside it is said of neither whether there is such an account.
enum class SignInFailure : std::uint8_t { UnknownAccount, WrongPassword, Disabled };
inline constexpr std::array<std::string_view, 3> signInFailureNames{"unknown-account", "wrong-password", "disabled"};

/// An address of mail as it may stand in a log: enough to be recognised by who has it, not to write to it
/// ("a***@example.org"). What is no address is not shown at all: it may be a password in the wrong field.
std::string maskedAccount(std::string_view email);

/// The trace that failed sign-ins leave: a warning in the log with account and address (one a second, which says how
/// many there were since the last), a count by reason, and how many there were lately. Any thread.
class FailedSignIns final
{
public:
    /// Both outlive it.
    FailedSignIns(const Clock &clock, Logger &logger) : m_clock(clock), m_logger(logger) {}

    void note(SignInFailure reason, std::string_view email, std::string_view address);

    std::array<std::uint64_t, signInFailureNames.size()> counts() const; ///< since the start
    std::uint64_t recent() const;                                        ///< in the last 10 min
    static constexpr std::chrono::minutes window{10};

private:
    struct Minute
    {
        std::int64_t number = -1; ///< of the steady clock
        std::uint64_t count = 0;
    };
    std::int64_t minute() const;

    const Clock &m_clock;
    Logger &m_logger;
    std::array<std::atomic<std::uint64_t>, signInFailureNames.size()> m_counts{};
    mutable std::mutex m_mutex;
    std::array<Minute, window.count()> m_minutes{};
    std::int64_t m_second = -1; ///< in which the log was written to last
    std::uint64_t m_silent = 0; ///< since then
};

} // namespace portolan::portal
