// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/support/shown.h"

#include <utility>

namespace portolan::ui {

Shown::Shown(Deployment &deployment, LocalStack *stack, QObject *parent)
    : QObject(parent), m_deployment(&deployment), m_stack(stack), m_own(stack && &stack->deployment() == &deployment)
{
    connect(m_deployment, &Deployment::sampled, this, &Shown::sampled);
    connect(m_deployment, &Deployment::changed, this, &Shown::changed);
    // A stack that loses its own deployment is on the way out itself.
    connect(m_deployment, &QObject::destroyed, this, [this] { lose(nullptr, m_own ? nullptr : m_stack); });
    if (!m_stack)
        return;
    connect(m_stack, &LocalStack::stateChanged, this, &Shown::stackChanged);
    connect(m_stack, &LocalStack::logged, this, &Shown::logged);
    connect(m_stack, &QObject::destroyed, this, [this] { lose(m_own ? nullptr : m_deployment, nullptr); });
}

bool Shown::shows(const Deployment &deployment, const LocalStack *stack) const
{
    return m_deployment == &deployment && m_stack == stack;
}

void Shown::end()
{
    for (QObject *told : {static_cast<QObject *>(m_deployment), static_cast<QObject *>(m_stack)}) {
        if (told)
            told->disconnect(this);
    }
    m_deployment = nullptr;
    m_stack = nullptr;
    if (!std::exchange(m_over, true))
        emit over();
}

void Shown::lose(Deployment *deployment, LocalStack *stack)
{
    end();
    emit gone(deployment, stack);
}

} // namespace portolan::ui
