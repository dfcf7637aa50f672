// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/start_warnings.h"

#include "ui/support/log_sentence.h"
#include "ui/widgets/notice_bar.h"

#include <algorithm>

namespace portolan::ui {

namespace {

constexpr std::chrono::seconds tail{1}; ///< so long after its start what a portal says belongs to that
const QString end = ": this is over";   ///< after the words of a warning: that it is so no longer

} // namespace

StartWarnings::StartWarnings(LocalStack &stack, const Clock &clock, NoticeBar &notice, QObject *parent)
    : QObject(parent), m_stack(&stack), m_clock(clock), m_notice(notice)
{
    if (stack.state() == LocalStack::State::Running)
        m_end = WallTime::min(); // before there was a window
    connect(&stack, &LocalStack::stateChanged, this, &StartWarnings::follow);
    connect(&stack, &LocalStack::logged, this, &StartWarnings::take);
}

void StartWarnings::follow()
{
    if (!m_stack)
        return;
    const auto state = m_stack->state();
    if (state == LocalStack::State::Starting || state == LocalStack::State::Stopped) {
        m_warnings.clear(); // of a portal that is no more
        tell();
    }
    if (state == LocalStack::State::Starting)
        m_end = WallTime::max();
    else if (m_end == WallTime::max())
        m_end = m_clock.wall() + tail;
}

void StartWarnings::take(const std::vector<LogLine> &lines)
{
    if (!m_stack || m_stack->problem())
        return; // why it did not start is said already
    bool more = false;
    for (const LogLine &line : lines) {
        const QString message = logMessage(line);
        if (line.level >= LogLine::Level::Warning && line.time <= m_end) {
            m_warnings.append({logSentence(line), message, logField(line, "link").toStdString(), line.time});
            more = true;
        } else if (message.endsWith(end)) {
            forget([&message](const Warning &warning) { return warning.message + end == message; });
        }
    }
    if (more)
        tell();
}

void StartWarnings::tell()
{
    const auto more = m_warnings.size() - 1;
    const QString before = m_told;
    m_told = more < 0    ? QString()
             : more == 0 ? m_warnings.first().sentence
                         : tr("%1 (%2 more in the log of the local stack)").arg(m_warnings.first().sentence).arg(more);
    if (m_told.isEmpty())
        m_notice.withdraw(before);
    else
        m_notice.tell(m_told, false);
}

void StartWarnings::forgetWhatIsOver(const Snapshot &snapshot)
{
    forget([&snapshot](const Warning &warning) {
        return snapshot.time > warning.time && std::ranges::any_of(snapshot.links, [&](const LinkStatus &link) {
                   return link.name == warning.link && link.up == true;
               });
    });
}

void StartWarnings::forget(const std::function<bool(const Warning &)> &over)
{
    const bool stands = !m_told.isEmpty() && m_notice.sentence() == m_told; // else it was read, or something else came
    if (m_warnings.removeIf(over) > 0 && stands)
        tell();
}

} // namespace portolan::ui
