// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/local_stack.h"
#include "core/api/no_deployment.h"

#include <QObject>
#include <vector>

namespace portolan::ui {

/// The deployment that a console shows and the stack of this machine's, and what they tell. One of these is of one
/// showing: once another is shown, or the deployment is gone, it is over and stands for nothing, so whoever still
/// holds it asks a deployment that is Off, and hears of neither any more. GUI thread.
class Shown final : public QObject
{
    Q_OBJECT

public:
    /// `stack`: null where there is no portal of this machine's; it need not be the one shown.
    Shown(Deployment &deployment, LocalStack *stack, QObject *parent = nullptr);

    Deployment &deployment() const { return m_deployment ? *m_deployment : m_none; }
    LocalStack *stack() const { return m_stack; } ///< null: none
    /// The stack, where it is its portal that is shown; null: it is another, or there is none.
    LocalStack *ownStack() const { return m_own ? m_stack : nullptr; }
    bool shows(const Deployment &deployment, const LocalStack *stack) const;
    bool isOver() const { return m_over; } ///< answers that come now are too late
    void end();

signals:
    void over(); ///< isOver()
    void sampled();
    void changed();
    void stackChanged();
    void logged(const std::vector<portolan::LogLine> &lines);
    /// One of them is destroyed, and this is over. What is left to be shown; null: nothing.
    void gone(portolan::Deployment *deployment, portolan::LocalStack *stack);

private:
    void lose(Deployment *deployment, LocalStack *stack);

    mutable NoDeployment m_none;
    Deployment *m_deployment;
    LocalStack *m_stack;
    const bool m_own;
    bool m_over = false;
};

} // namespace portolan::ui
