#pragma once

#include <QSortFilterProxyModel>
#include <QTableView>

namespace portolan::ui {

/// A table of rows: sorted by its headers, filtered by words, selected by rows, and with something to say when empty.
/// Copied (Ctrl+C) are the chosen rows, whole, whatever is cut on screen.
class TableView final : public QTableView
{
    Q_OBJECT

public:
    /// `sorted`: by the user; otherwise rows stay in the model's order, and the model may fetch more.
    TableView(QAbstractItemModel &model, const QString &name, const QString &whenEmpty, bool sorted = true,
              QWidget *parent = nullptr);

    void setFilter(const QString &words);
    void setWhenEmpty(const QString &words);
    void sortBy(int column, Qt::SortOrder order);
    void setStale(bool stale); ///< greyed: it was so, perhaps it is not any more
    bool isStale() const { return m_stale; }
    void setRowsShown(int least); ///< the least height
    QList<int> selectedSourceRows() const;
    int currentSourceRow() const; ///< −1: none

signals:
    void selected();
    void opened(int sourceRow); ///< Enter or a double click

protected:
    void paintEvent(QPaintEvent *event) override;
    void resizeEvent(QResizeEvent *event) override;
    void keyPressEvent(QKeyEvent *event) override;

private:
    void fitColumns();
    void copyRows() const;

    QSortFilterProxyModel *m_proxy;
    QString m_whenEmpty;
    bool m_stale = false;
};

} // namespace portolan::ui
