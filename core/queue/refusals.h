// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"
#include "core/queue/log_pace.h"
#include "core/queue/message.h"

#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

namespace portolan {
class Logger;
}

namespace portolan::queue {

/// Counts by reason, in the order of Refused.
using RefusedCounts = std::array<std::uint64_t, refusedKinds>;

/// The messages a worker did not run: counts each by its reason and says so in the log: of each reason the first ten of
/// a minute one by one, the others as a number when the minute is over. Arguments are never logged. Any thread.
class Refusals final
{
public:
    /// `logger` may be null; both must outlive it.
    Refusals(const Clock &clock, Logger *logger, std::string node);

    /// `error` says what is wrong with it. `queue`: where it was taken from.
    void note(Refused reason, const Error &error, const Message &message, std::string_view queue);
    void tick(); ///< now and then: says how many there were beyond those

    std::uint64_t total() const;
    RefusedCounts counts() const;

private:
    void sayUnsaid(Refused reason, std::uint64_t unsaid);

    const Clock &m_clock;
    Logger *const m_logger;
    const std::string m_node;
    std::array<std::atomic<std::uint64_t>, refusedKinds> m_counts{};
    std::mutex m_mutex;
    std::array<LogPace, refusedKinds> m_paces{};
};

/// What is kept of a message that has no id, as JSON: {"time", "reason", "why", "queue", "bytes", and "message", or
/// "message_base64" where it is not UTF-8}. In keys::putAside, for 7 days. Where that has no room for it, the message
/// goes back into its list and nothing more is taken for a while (WorkerPool::problem()).
[[nodiscard]] std::string putAsideRecord(const Error &error, const Message &message, std::string_view queue,
                                         WallTime now);

/// How Celery calls it in a stored result: the exception's name and module.
[[nodiscard]] std::pair<std::string_view, std::string_view> exceptionOf(Refused reason);

} // namespace portolan::queue
