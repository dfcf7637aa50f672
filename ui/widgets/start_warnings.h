// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"
#include "core/api/snapshot.h"
#include "ui/support/shown.h"

#include <QObject>
#include <QString>
#include <functional>

namespace portolan::ui {

class NoticeBar;

/// What a portal of this machine warns of while it starts (a file set aside, a Redis that is missing): it changes what
/// its user will see, and is said only once. Later warnings are the log's. All outlive this.
class StartWarnings final : public QObject
{
    Q_OBJECT

public:
    /// There is a stack.
    StartWarnings(const Shown &shown, const Clock &clock, NoticeBar &notice, QObject *parent = nullptr);
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

    const Shown &m_shown;
    const Clock &m_clock;
    NoticeBar &m_notice;
    WallTime m_end = WallTime::max(); ///< what is warned of until then is told
    QList<Warning> m_warnings;
    QString m_told;
};

} // namespace portolan::ui
