// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/trouble.h"

#include "core/base/logging.h"

namespace portolan {

namespace {

/// Whoever is asked does not answer: away, not in time, or gone before the answer. Which of these it is turns from one
/// attempt to the next.
bool unanswered(const Error &error)
{
    return error.kind == ErrorKind::Timeout || error.code.ends_with("-away") || error.code.ends_with("-lost");
}

/// The same trouble in other words ("… for 5 s") is no news; another kind of it is.
bool sameReason(const Error &one, const Error &other)
{
    return (one.kind == other.kind && one.code == other.code) || (unanswered(one) && unanswered(other));
}

} // namespace

void Trouble::failed(const Error &why)
{
    const SteadyTime now = m_clock.steady();
    const std::lock_guard lock(m_mutex);
    const bool begins = !m_why;
    const bool quiet = m_toldElsewhere && m_toldElsewhere(why);
    const bool tell = begins || !sameReason(*m_why, why) || now - m_told >= m_reminder || (!quiet && !m_loud);
    if (begins) {
        m_since = now;
        m_times = 0;
        m_loud = false;
    }
    m_why = why;
    ++m_times;
    if (!tell)
        return;
    m_told = now;
    m_loud = m_loud || !quiet;
    if (m_logger)
        m_logger->log(quiet ? LogLevel::Debug : LogLevel::Warning, m_what, {{"why", inWords(why)}, {"times", m_times}});
}

void Trouble::worked()
{
    const std::lock_guard lock(m_mutex);
    if (!m_why)
        return;
    m_why.reset();
    if (m_logger)
        m_logger->log(
            m_loud ? LogLevel::Info : LogLevel::Debug, m_what + ": this is over",
            {{"after_seconds", std::chrono::duration_cast<std::chrono::seconds>(m_clock.steady() - m_since).count()},
             {"failed", m_times}});
}

std::optional<Error> Trouble::current() const
{
    const std::lock_guard lock(m_mutex);
    return m_why;
}

} // namespace portolan
