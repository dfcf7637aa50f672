// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/models/log_model.h"

#include "ui/models/table_model.h"
#include "ui/support/format.h"

#include <algorithm>

namespace portolan::ui {

QString levelWord(LogLine::Level level)
{
    switch (level) {
    case LogLine::Level::Debug:
        return LogModel::tr("debug");
    case LogLine::Level::Info:
        return LogModel::tr("info");
    case LogLine::Level::Warning:
        return LogModel::tr("▲ warning");
    case LogLine::Level::Error:
        return LogModel::tr("■ error");
    }
    return {};
}

void LogModel::append(const std::vector<LogLine> &lines)
{
    // Of more than fit at once only the last ones would stay.
    const std::size_t count = std::min(lines.size(), most);
    if (count == 0)
        return;
    if (m_lines.size() + count > most) {
        const std::size_t gone = m_lines.size() + count - most;
        beginRemoveRows({}, 0, int(gone) - 1);
        m_lines.erase(m_lines.begin(), m_lines.begin() + std::ptrdiff_t(gone));
        endRemoveRows();
    }
    const int first = int(m_lines.size());
    beginInsertRows({}, first, first + int(count) - 1);
    m_lines.insert(m_lines.end(), lines.end() - std::ptrdiff_t(count), lines.end());
    endInsertRows();
}

void LogModel::clear()
{
    beginResetModel();
    m_lines.clear();
    endResetModel();
}

int LogModel::rowCount(const QModelIndex &parent) const { return parent.isValid() ? 0 : int(m_lines.size()); }

int LogModel::columnCount(const QModelIndex &parent) const { return parent.isValid() ? 0 : int(Count); }

QVariant LogModel::data(const QModelIndex &index, int role) const
{
    if (!checkIndex(index, CheckIndexOption::IndexIsValid))
        return {};
    const LogLine &line = m_lines[std::size_t(index.row())];
    if (role == LevelRole)
        return int(line.level);
    if (role == SortRole && index.column() != Message)
        return index.column() == Time ? QVariant(qlonglong(line.time.time_since_epoch().count()))
                                      : QVariant(int(line.level));
    if (role != Qt::DisplayRole && role != Qt::ToolTipRole && role != SortRole)
        return {};
    switch (index.column()) {
    case Time:
        return role == Qt::ToolTipRole ? secondText(line.time) : clockText(line.time);
    case Level:
        return levelWord(line.level);
    default:
        return text(line.message);
    }
}

QVariant LogModel::headerData(int section, Qt::Orientation orientation, int role) const
{
    if (orientation != Qt::Horizontal || section < 0 || section >= Count)
        return {};
    constexpr int widths[]{10, 11, 60};
    if (role == WidthRole)
        return widths[section];
    if (role == WholeRole)
        return section != Message;
    if (role == Qt::TextAlignmentRole)
        return QVariant::fromValue(Qt::AlignVCenter | Qt::AlignLeft);
    if (role == Qt::DisplayRole)
        return section == Time ? tr("Time") : section == Level ? tr("Level") : tr("Message");
    return {};
}

} // namespace portolan::ui
