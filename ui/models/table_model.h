// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/snapshot.h"

#include <QAbstractTableModel>
#include <QCoreApplication>
#include <algorithm>
#include <iterator>
#include <map>
#include <numeric>
#include <optional>
#include <set>
#include <span>
#include <utility>
#include <vector>

namespace portolan::ui {

/// Roles of every table besides Qt's own.
enum TableRole {
    SortRole = Qt::UserRole + 1, ///< what is compared
    BarRole,                     ///< fraction 0–1 of a bar behind the text; invalid: none
    BarZoneRole,                 ///< the zone (int) of what the bar shows; invalid: it has none
    WidthRole,                   ///< header data: the column's width in letters
    WholeRole,                   ///< header data: whether its text is never to be cut
    SpareRole,                   ///< header data: whether it is left out where there is too little room
};

/// One column of a table: another is one more of these.
template <class Row> struct Column
{
    const char *title; ///< to be translated in the context "tables"
    int width;         ///< letters
    QString (*text)(const Row &row);
    QVariant (*sort)(const Row &row) = nullptr; ///< how rows compare, where that is not their text; numbers stand right
    std::optional<double> (*bar)(const Row &row) = nullptr;
    bool whole = false; ///< a date, a word of a few: cut it would say something else; figures are whole anyway
    QString (*tip)(const Row &row) = nullptr; ///< what hovering says, where that is more than the text
    bool spare = false; ///< left out where others would be cut to nothing; it is said elsewhere too
    std::optional<Zone> (*barZone)(const Row &row) = nullptr; ///< of what the bar shows, where that has one
};

/// Rows of values in columns that are data. New rows replace old ones by key, so that selection, current row and scroll
/// position stay with what they were on, and only what differs is painted again.
template <class Row, class Key> class TableModel : public QAbstractTableModel
{
public:
    TableModel(std::span<const Column<Row>> columns, Key (*keyOf)(const Row &), QObject *parent = nullptr)
        : QAbstractTableModel(parent), m_columns(columns), m_keyOf(keyOf)
    {}

    const Row &row(int index) const { return m_rows[std::size_t(index)]; }
    const std::vector<Row> &rows() const { return m_rows; }

    /// These and no others, in this order; of several with one key the first counts.
    void setRows(std::vector<Row> rows)
    {
        std::map<Key, std::size_t> wanted;
        std::vector<Row> firsts;
        for (Row &row : rows) {
            if (wanted.emplace(m_keyOf(row), firsts.size()).second)
                firsts.push_back(std::move(row));
        }
        removeAllBut(wanted);
        putInOrder(wanted);
        std::set<Key> kept;
        for (const Row &row : m_rows)
            kept.insert(m_keyOf(row));
        for (std::size_t at = 0; at < firsts.size();) {
            if (kept.contains(m_keyOf(firsts[at]))) {
                replace(int(at), std::move(firsts[at]));
                ++at;
                continue;
            }
            std::size_t end = at;
            while (end < firsts.size() && !kept.contains(m_keyOf(firsts[end])))
                ++end;
            beginInsertRows({}, int(at), int(end) - 1);
            m_rows.insert(m_rows.begin() + std::ptrdiff_t(at), std::move_iterator(firsts.begin() + std::ptrdiff_t(at)),
                          std::move_iterator(firsts.begin() + std::ptrdiff_t(end)));
            endInsertRows();
            at = end;
        }
    }

    void append(std::vector<Row> rows)
    {
        if (rows.empty())
            return;
        const int first = int(m_rows.size());
        beginInsertRows({}, first, first + int(rows.size()) - 1);
        std::move(rows.begin(), rows.end(), std::back_inserter(m_rows));
        endInsertRows();
    }

    /// The row with this key, if there is one, as it is now.
    void replaceRow(Row row)
    {
        const Key key = m_keyOf(row);
        const auto found = std::ranges::find(m_rows, key, m_keyOf);
        if (found != m_rows.end())
            replace(int(found - m_rows.begin()), std::move(row));
    }

    int rowCount(const QModelIndex &parent = {}) const override { return parent.isValid() ? 0 : int(m_rows.size()); }
    int columnCount(const QModelIndex &parent = {}) const override
    {
        return parent.isValid() ? 0 : int(m_columns.size());
    }

    QVariant data(const QModelIndex &index, int role) const override
    {
        if (!checkIndex(index, CheckIndexOption::IndexIsValid))
            return {};
        const Row &row = m_rows[std::size_t(index.row())];
        const Column<Row> &column = m_columns[std::size_t(index.column())];
        switch (role) {
        case Qt::ToolTipRole:
            if (column.tip)
                return column.tip(row);
            [[fallthrough]];
        case Qt::DisplayRole:
            return column.text(row);
        case SortRole:
            return column.sort ? column.sort(row) : QVariant(column.text(row));
        case BarRole:
            if (const auto fraction = column.bar ? column.bar(row) : std::nullopt)
                return *fraction;
            return {};
        case BarZoneRole:
            if (const auto zone = column.barZone ? column.barZone(row) : std::nullopt)
                return int(*zone);
            return {};
        case Qt::TextAlignmentRole:
            return QVariant::fromValue(alignment(column));
        default:
            return {};
        }
    }

    QVariant headerData(int section, Qt::Orientation orientation, int role) const override
    {
        if (orientation != Qt::Horizontal || section < 0 || section >= int(m_columns.size()))
            return {};
        const Column<Row> &column = m_columns[std::size_t(section)];
        switch (role) {
        case Qt::DisplayRole:
            return QCoreApplication::translate("tables", column.title);
        case Qt::TextAlignmentRole:
            return QVariant::fromValue(alignment(column));
        case WidthRole:
            return column.width;
        case WholeRole:
            return column.whole || column.bar || (alignment(column) & Qt::AlignRight) != 0;
        case SpareRole:
            return column.spare;
        default:
            return {};
        }
    }

private:
    static Qt::Alignment alignment(const Column<Row> &column)
    {
        return Qt::AlignVCenter | (column.sort && !column.bar && !column.whole ? Qt::AlignRight : Qt::AlignLeft);
    }

    /// Those that stay, as they are wanted; whoever holds on to one of them goes with it.
    void putInOrder(const std::map<Key, std::size_t> &wanted)
    {
        std::vector<std::size_t> order(m_rows.size()); // place → where it was
        std::iota(order.begin(), order.end(), std::size_t(0));
        const auto placeOf = [&](std::size_t at) { return wanted.at(m_keyOf(m_rows[at])); };
        if (std::ranges::is_sorted(order, {}, placeOf))
            return;
        std::ranges::sort(order, {}, placeOf);
        emit layoutAboutToBeChanged({}, VerticalSortHint);
        std::vector<Row> moved;
        std::vector<int> now(order.size());
        for (std::size_t place = 0; place < order.size(); ++place) {
            now[order[place]] = int(place);
            moved.push_back(std::move(m_rows[order[place]]));
        }
        m_rows = std::move(moved);
        const QModelIndexList before = persistentIndexList();
        QModelIndexList after;
        for (const QModelIndex &held : before)
            after << index(now[std::size_t(held.row())], held.column());
        changePersistentIndexList(before, after);
        emit layoutChanged({}, VerticalSortHint);
    }

    void removeAllBut(const std::map<Key, std::size_t> &wanted)
    {
        for (int last = int(m_rows.size()) - 1; last >= 0; --last) {
            if (wanted.contains(m_keyOf(row(last))))
                continue;
            int first = last;
            while (first > 0 && !wanted.contains(m_keyOf(row(first - 1))))
                --first;
            beginRemoveRows({}, first, last);
            m_rows.erase(m_rows.begin() + first, m_rows.begin() + last + 1);
            endRemoveRows();
            last = first;
        }
    }

    void replace(int index, Row row)
    {
        Row &present = m_rows[std::size_t(index)];
        if (present == row)
            return;
        present = std::move(row);
        emit dataChanged(this->index(index, 0), this->index(index, int(m_columns.size()) - 1));
    }

    std::span<const Column<Row>> m_columns;
    Key (*m_keyOf)(const Row &);
    std::vector<Row> m_rows;
};

} // namespace portolan::ui
