#include "ui/widgets/table_view.h"

#include "ui/models/table_model.h"
#include "ui/support/colours.h"

#include <QHeaderView>
#include <QKeyEvent>
#include <QPainter>
#include <QStyledItemDelegate>

namespace portolan::ui {

namespace {

/// Every word must be somewhere in the row.
class WordsProxy final : public QSortFilterProxyModel
{
public:
    using QSortFilterProxyModel::QSortFilterProxyModel;
    void setWords(const QStringList &words)
    {
        m_words = words;
        invalidateRowsFilter();
    }

protected:
    bool filterAcceptsRow(int row, const QModelIndex &parent) const override
    {
        QString all;
        for (int column = 0; !m_words.isEmpty() && column < sourceModel()->columnCount(parent); ++column)
            all += sourceModel()->index(row, column, parent).data().toString() + '\n';
        return std::ranges::all_of(m_words, [&](const QString &w) { return all.contains(w, Qt::CaseInsensitive); });
    }

private:
    QStringList m_words;
};

/// Paints the bar of a cell that has one, below its text.
class CellDelegate final : public QStyledItemDelegate
{
public:
    using QStyledItemDelegate::QStyledItemDelegate;
    void paint(QPainter *painter, const QStyleOptionViewItem &option, const QModelIndex &index) const override
    {
        const QVariant bar = index.data(BarRole);
        if (!bar.isValid())
            return QStyledItemDelegate::paint(painter, option, index);
        QStyleOptionViewItem plain = option;
        initStyleOption(&plain, index);
        const Colours &colours = coloursOf(option.palette);
        const bool selected = option.state.testFlag(QStyle::State_Selected);
        painter->save();
        painter->setRenderHint(QPainter::Antialiasing);
        if (selected)
            painter->fillRect(option.rect, blend(colours.accent, colours.surface, 0.22));
        const double fraction = bar.toDouble();
        const QRectF room = QRectF(option.rect).adjusted(6, option.rect.height() - 7, -8, -3);
        painter->setPen(Qt::NoPen);
        painter->setBrush(colours.raised);
        painter->drawRoundedRect(room, 2, 2);
        const QColor &colour = fraction > 1 ? colours.red : fraction > 0.8 ? colours.yellow : colours.accent;
        painter->setBrush(colour);
        painter->drawRoundedRect(
            QRectF(room.topLeft(), QSizeF(room.width() * std::clamp(fraction, 0.0, 1.0), room.height())), 2, 2);
        painter->setPen(colours.text);
        const QRect textRect = option.rect.adjusted(6, 2, -8, -8);
        painter->drawText(textRect, Qt::AlignLeft | Qt::AlignVCenter,
                          option.fontMetrics.elidedText(plain.text, Qt::ElideRight, textRect.width()));
        painter->restore();
    }
};

} // namespace

TableView::TableView(QAbstractItemModel &model, const QString &name, const QString &whenEmpty, bool sorted,
                     QWidget *parent)
    : QTableView(parent), m_proxy(new WordsProxy(this)), m_whenEmpty(whenEmpty)
{
    m_proxy->setSourceModel(&model);
    m_proxy->setSortRole(SortRole);
    m_proxy->setSortCaseSensitivity(Qt::CaseInsensitive);
    setModel(m_proxy);
    setItemDelegate(new CellDelegate(this));
    setAccessibleName(name);
    setSelectionBehavior(QAbstractItemView::SelectRows);
    setSelectionMode(QAbstractItemView::ExtendedSelection);
    setEditTriggers(QAbstractItemView::NoEditTriggers);
    setShowGrid(false);
    setWordWrap(false);
    setTabKeyNavigation(false); // Tab leaves the table
    setFrameShape(QFrame::NoFrame);
    setVerticalScrollMode(QAbstractItemView::ScrollPerPixel);
    setHorizontalScrollMode(QAbstractItemView::ScrollPerPixel);
    verticalHeader()->hide();
    verticalHeader()->setDefaultSectionSize(fontMetrics().height() + 12);
    verticalHeader()->setSectionResizeMode(QHeaderView::Fixed);
    horizontalHeader()->setHighlightSections(false);
    horizontalHeader()->setStretchLastSection(true);
    horizontalHeader()->setFocusPolicy(Qt::NoFocus);
    for (int column = 0; column < model.columnCount(); ++column) {
        const int letters = model.headerData(column, Qt::Horizontal, WidthRole).toInt();
        setColumnWidth(column, letters * fontMetrics().averageCharWidth() + 16);
    }
    if (sorted) {
        setSortingEnabled(true);
        m_proxy->sort(-1); // the model's order until somebody asks for another
        horizontalHeader()->setSortIndicator(-1, Qt::AscendingOrder);
    }
    // A selection in the colour of the accent, but so light that the text stays as it is.
    connect(selectionModel(), &QItemSelectionModel::selectionChanged, this, &TableView::selected);
    connect(this, &QTableView::doubleClicked, this,
            [this](const QModelIndex &index) { emit opened(m_proxy->mapToSource(index).row()); });
}

void TableView::setFilter(const QString &words)
{
    static_cast<WordsProxy *>(m_proxy)->setWords(words.split(' ', Qt::SkipEmptyParts));
}

void TableView::setWhenEmpty(const QString &words)
{
    m_whenEmpty = words;
    viewport()->update();
}

void TableView::sortBy(int column, Qt::SortOrder order) { sortByColumn(column, order); }

void TableView::setRowsShown(int least)
{
    setMinimumHeight(horizontalHeader()->sizeHint().height() + least * verticalHeader()->defaultSectionSize() + 4);
}

QList<int> TableView::selectedSourceRows() const
{
    QList<int> rows;
    for (const QModelIndex &index : selectionModel()->selectedRows())
        rows << m_proxy->mapToSource(index).row();
    return rows;
}

int TableView::currentSourceRow() const
{
    const QList<int> rows = selectedSourceRows();
    const QModelIndex current = m_proxy->mapToSource(currentIndex());
    if (current.isValid() && rows.contains(current.row()))
        return current.row();
    return rows.isEmpty() ? -1 : rows.first();
}

void TableView::keyPressEvent(QKeyEvent *event)
{
    if ((event->key() == Qt::Key_Return || event->key() == Qt::Key_Enter) && currentSourceRow() >= 0)
        emit opened(currentSourceRow());
    else
        QTableView::keyPressEvent(event);
}

void TableView::paintEvent(QPaintEvent *event)
{
    QTableView::paintEvent(event);
    if (m_proxy->rowCount() > 0)
        return;
    QPainter painter(viewport());
    painter.setPen(coloursOf(palette()).muted);
    const bool filtered = m_proxy->sourceModel()->rowCount() > 0;
    painter.drawText(viewport()->rect().adjusted(12, 8, -12, -8), Qt::AlignCenter | Qt::TextWordWrap,
                     filtered ? tr("Nothing fits the filter") : m_whenEmpty);
}

} // namespace portolan::ui
