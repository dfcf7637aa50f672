// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/models/user_model.h"

namespace portolan::ui {

void UserModel::restart()
{
    setRows({});
    m_next.reset();
    m_asking = true;
    ++m_round;
    m_ask({});
}

void UserModel::take(UserPage page)
{
    m_asking = false;
    m_next = std::move(page.nextCursor);
    const bool nothing = page.items.empty();
    append(std::move(page.items));
    // A page may be empty though more follow; the view would not come to its end by itself.
    if (nothing && m_next)
        fetchMore({});
}

bool UserModel::canFetchMore(const QModelIndex &parent) const
{
    return !parent.isValid() && m_next.has_value() && !m_asking;
}

void UserModel::fetchMore(const QModelIndex &parent)
{
    if (!canFetchMore(parent))
        return;
    m_asking = true;
    // An answer may be there at once, and rows must not be added while a view is still told of the ones before.
    const auto ask = [this, round = m_round, cursor = *m_next] {
        if (round == m_round)
            m_ask(cursor);
    };
    QMetaObject::invokeMethod(this, ask, Qt::QueuedConnection);
}

} // namespace portolan::ui
