// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"
#include "core/api/local_stack.h"
#include "core/api/snapshot.h"

#include <QObject>
#include <QPointer>
#include <QString>
#include <functional>

namespace portolan::ui {

class NoticeBar;

/// What a portal of this machine warns of while it starts (a file set aside, a Redis that is missing): it changes what
/// its user will see, and is said only once. Later warnings are the log's. It is of one stack, whichever deployment is
/// shown, and says nothing once that is gone. Clock and notice outlive this.
class StartWarnings final : public QObject
{
    Q_OBJECT

public:
    StartWarnings(LocalStack &stack, const Clock &clock, NoticeBar &notice, QObject *parent = nullptr);
    bool areOf(const LocalStack *stack) const { return stack && m_stack == stack; }
    QString told() const { return m_told; } ///< as the notice says it; empty: nothing
    /// That something does not answer is no news any more once it does; what the log says the end of goes by itself.
    void forgetWhatIsOver(const Snapshot &snapshot);

private:
    struct Warning
    {
        QString sentence;
        QString message;  ///< without why and the mend
        std::string link; ///< what does not answer, if it is that
        WallTime time;
    };

    void follow();
    void take(const std::vector<LogLine> &lines);
    void tell();
    void forget(const std::function<bool(const Warning &)> &over);

    const QPointer<LocalStack> m_stack;
    const Clock &m_clock;
    NoticeBar &m_notice;
    WallTime m_end = WallTime::max(); ///< what is warned of until then is told
    QList<Warning> m_warnings;
    QString m_told;
};

} // namespace portolan::ui
