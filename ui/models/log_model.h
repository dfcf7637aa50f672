// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/local_stack.h"

#include <QAbstractTableModel>
#include <deque>

namespace portolan::ui {

/// The last lines of a log, oldest first: at most `most`, then the oldest go.
class LogModel final : public QAbstractTableModel
{
    Q_OBJECT

public:
    static constexpr std::size_t most = 10'000;
    enum Role { LevelRole = Qt::UserRole + 100 };
    enum ColumnOf { Time, Level, Message, Count };

    using QAbstractTableModel::QAbstractTableModel;
    void append(const std::vector<LogLine> &lines);
    void clear();
    std::vector<LogLine> lines() const { return {m_lines.begin(), m_lines.end()}; }

    int rowCount(const QModelIndex &parent = {}) const override;
    int columnCount(const QModelIndex &parent = {}) const override;
    QVariant data(const QModelIndex &index, int role) const override;
    QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

private:
    std::deque<LogLine> m_lines;
};

QString levelWord(LogLine::Level level);

} // namespace portolan::ui
