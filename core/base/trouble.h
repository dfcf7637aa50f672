// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"
#include "core/api/result.h"

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>

namespace portolan {

class Logger;

/// What keeps something that is tried again and again from working. A loop that fails each time must not be silent, and
/// must not fill the log either: it is said once when it begins, again every `reminder` with how often it failed, again
/// at once when the reason changes, and once when it is over.
///
///     if (const auto reply = co_await client.eval(…); !reply) m_taking.failed(reply.error()); else m_taking.worked();
///
/// Any thread; worked() costs a lock while nothing is wrong.
class Trouble final
{
public:
    using ToldElsewhere = bool (*)(const Error &);

    /// `what`: the sentence of the log line, as "tasks cannot be taken". `logger` may be null; both outlive this.
    /// `toldElsewhere`: of which reasons something else tells that keeps several loops from working at once; they are
    /// for debug lines only. Null: of none.
    Trouble(Logger *logger, const Clock &clock, std::string what, ToldElsewhere toldElsewhere = nullptr,
            std::chrono::minutes reminder = std::chrono::minutes(10))
        : m_logger(logger),
          m_clock(clock),
          m_what(std::move(what)),
          m_toldElsewhere(toldElsewhere),
          m_reminder(reminder)
    {}

    void failed(const Error &why);
    void worked();

    /// Why it does not work now; nothing while it does, and before it was first tried.
    std::optional<Error> current() const;

private:
    Logger *const m_logger;
    const Clock &m_clock;
    const std::string m_what;
    const ToldElsewhere m_toldElsewhere; ///< may be null
    const std::chrono::minutes m_reminder;
    mutable std::mutex m_mutex;
    std::optional<Error> m_why;
    SteadyTime m_since;
    SteadyTime m_told;
    std::uint64_t m_times = 0;
    bool m_loud = false; ///< it was warned of since it began, so its end is told too
};

} // namespace portolan
