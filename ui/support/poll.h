// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "ui/support/on_answer.h"

#include <functional>
#include <utility>

namespace portolan::ui {

/// One question that is asked again and again. While an answer is outstanding it is not asked a second time, but once
/// more when that has come: a portal that answers slowly is never asked twice at once, and what is shown last is what
/// was wanted last.
template <class T> class Poll final
{
public:
    /// `context` has this among its members, or outlives it.
    Poll(QObject *context, std::function<QFuture<T>()> question, std::function<void(const T &)> take)
        : m_context(context), m_question(std::move(question)), m_take(std::move(take))
    {}
    Poll(const Poll &) = delete;
    Poll &operator=(const Poll &) = delete;

    void ask()
    {
        if (std::exchange(m_outstanding, true)) {
            m_again = true;
            return;
        }
        onAnswer(m_context, m_question(), [this](const T &answer) {
            m_outstanding = false;
            m_take(answer);
            if (std::exchange(m_again, false))
                ask();
        });
    }

private:
    QObject *m_context;
    std::function<QFuture<T>()> m_question;
    std::function<void(const T &)> m_take;
    bool m_outstanding = false;
    bool m_again = false;
};

} // namespace portolan::ui
