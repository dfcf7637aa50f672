// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QSortFilterProxyModel>
#include <QTableView>
#include <vector>

namespace portolan::ui {

/// A table of rows: sorted by its headers, or by keys (Alt+Up and Alt+Down sort by the column one is in), filtered by
/// words, selected by rows, and with something to say when empty.
/// Copied (Ctrl+C) are the chosen rows, whole, whatever is cut on screen.
class TableView final : public QTableView
{
    Q_OBJECT

public:
    /// Who puts the rows into the order that is asked for: the view, or whoever fills the model (sortWanted), since it
    /// has only some of them.
    enum class Sorting { Here, Elsewhere };
    TableView(QAbstractItemModel &model, const QString &name, const QString &whenEmpty, Sorting sorting = Sorting::Here,
              QWidget *parent = nullptr);

    void setFilter(const QString &words);
    void setWhenEmpty(const QString &words);
    QString closing() const { return m_closing; }
    void setClosing(const QString &words); ///< below the last row, where there is room: that this is all
    void sortBy(int column, Qt::SortOrder order);
    void setStale(bool stale); ///< greyed: it was so, perhaps it is not any more
    bool isStale() const { return m_stale; }
    void setRowsShown(int least); ///< the least height
    QList<int> selectedSourceRows() const;
    int currentSourceRow() const;                   ///< −1: none
    int hoveredRow() const { return m_hoveredRow; } ///< of the view; −1: none

signals:
    void selected();
    void opened(int sourceRow);                       ///< Enter or a double click
    void sortWanted(int column, Qt::SortOrder order); ///< with Sorting::Elsewhere

protected:
    void paintEvent(QPaintEvent *event) override;
    void resizeEvent(QResizeEvent *event) override;
    void keyPressEvent(QKeyEvent *event) override;
    void leaveEvent(QEvent *event) override;
    void showEvent(QShowEvent *event) override;

private:
    void measure();
    void fitColumns();
    void fitSoon();
    void hideSpareColumns(const std::vector<int> &widths);
    void hover(int row);
    void copyRows() const;
    void sortByHeader(int column);
    void order(int column, Qt::SortOrder order);

    const Sorting m_sorting;
    QSortFilterProxyModel *m_proxy;
    QString m_whenEmpty;
    QString m_closing;
    std::vector<int> m_needed; ///< pixels a column, to be whole
    bool m_fitDue = false;
    bool m_stale = false;
    int m_hoveredRow = -1;
    int m_column = -1; ///< that is sorted by
    Qt::SortOrder m_order = Qt::AscendingOrder;
};

} // namespace portolan::ui
