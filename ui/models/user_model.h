// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/user.h"
#include "ui/models/table_model.h"

#include <functional>

namespace portolan::ui {

/// Users, page by page: the next one is asked for when the view comes to the end of what is there.
class UserModel final : public TableModel<User, Id>
{
public:
    using TableModel::TableModel;

    /// Called for the page at a cursor; the first is empty. The answer comes by take().
    void setSource(std::function<void(const std::string &cursor)> ask) { m_ask = std::move(ask); }
    void restart();
    void take(UserPage page);
    void giveUp() { m_next.reset(), m_asking = false; } ///< no page comes
    bool complete() const { return !m_next && !m_asking; }

    bool canFetchMore(const QModelIndex &parent) const override;
    void fetchMore(const QModelIndex &parent) override;

private:
    std::function<void(const std::string &)> m_ask;
    std::optional<std::string> m_next;
    bool m_asking = false;
    std::uint64_t m_round = 0; ///< of restart()
};

} // namespace portolan::ui
