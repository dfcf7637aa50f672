// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/start_marks.h"

#include <QEvent>
#include <QTimer>
#include <QWindow>
#include <chrono>
#include <cstdio>

namespace portolan::app {
namespace {

void mark(const char *what)
{
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    std::fprintf(stderr, "portolan: mark %s %lld\n", what,
                 static_cast<long long>(std::chrono::nanoseconds(now).count()));
}

/// The window is on screen when the display server has exposed it and what it asked to be painted then is painted.
class Marks final : public QObject
{
public:
    Marks(QWidget &window, Deployment &deployment) : QObject(&window)
    {
        window.installEventFilter(this);
        window.windowHandle()->installEventFilter(this);
        QObject::connect(&deployment, &Deployment::sampled, this, [this, &deployment] {
            if (!m_sampled && deployment.link() == LinkState::Live)
                m_sampled = true; // the paint that follows shows it
        });
    }

    bool eventFilter(QObject *, QEvent *event) override
    {
        const auto *window = static_cast<QWidget *>(parent())->windowHandle();
        if (event->type() == QEvent::Expose && window->isExposed() && !m_exposed) {
            m_exposed = true;
            QTimer::singleShot(0, this, [] { mark("window"); });
        }
        if (event->type() == QEvent::UpdateRequest && m_sampled && !m_shown) {
            m_shown = true;
            QTimer::singleShot(0, this, [] { mark("sample"); });
        }
        return false;
    }

private:
    bool m_exposed = false;
    bool m_sampled = false;
    bool m_shown = false;
};

} // namespace

void markStart(QWidget &window, Deployment &deployment)
{
    if (qEnvironmentVariableIsSet("PORTOLAN_START_MARKS"))
        new Marks(window, deployment);
}

} // namespace portolan::app
