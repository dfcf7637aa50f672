// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/table_view.h"

#include "ui/models/table_model.h"
#include "ui/support/colours.h"

#include <QClipboard>
#include <QGuiApplication>
#include <QHeaderView>
#include <QKeyEvent>
#include <QPainter>
#include <QStyledItemDelegate>
#include <numeric>
#include <utility>

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

constexpr int mostMeasured = 200; ///< rows, to know how wide columns must be
constexpr int padding = 8;        ///< of cells and headers, so that they stand below each other

/// Cells as the rest of the console looks; below the text a bar, where there is one.
class CellDelegate final : public QStyledItemDelegate
{
public:
    using QStyledItemDelegate::QStyledItemDelegate;
    void paint(QPainter *painter, const QStyleOptionViewItem &option, const QModelIndex &index) const override
    {
        const Colours &colours = coloursOf(option.palette);
        const auto *view = qobject_cast<const TableView *>(option.widget);
        const bool stale = view && view->isStale();
        painter->save();
        // Not antialiased: at 150 % cells would not quite meet.
        if (option.state.testFlag(QStyle::State_Selected))
            painter->fillRect(option.rect, blend(colours.accent, colours.surface, 0.2));
        else if (view && view->hoveredRow() == index.row())
            painter->fillRect(option.rect, blend(colours.raised, colours.surface, 0.5));
        painter->setRenderHint(QPainter::Antialiasing);
        QRect room = option.rect.adjusted(padding, 0, -padding, 0);
        if (const QVariant bar = index.data(BarRole); bar.isValid()) {
            const QColor &filled = stale ? colours.muted : barColour(bar.toDouble(), index.data(BarZoneRole), colours);
            paintBar(*painter, QRectF(room.left(), room.bottom() - 5, room.width(), 3.5), bar.toDouble(),
                     colours.raised, filled);
            room.adjust(0, 0, 0, -5);
        }
        painter->setPen(stale ? colours.muted : colours.text);
        const auto alignment = Qt::Alignment(index.data(Qt::TextAlignmentRole).toInt() | Qt::AlignVCenter);
        // A name differs from the next at its end, a sentence at its beginning.
        const QString words = index.data().toString();
        const auto elide = words.contains(' ') ? Qt::ElideRight : Qt::ElideMiddle;
        painter->drawText(room, int(alignment), option.fontMetrics.elidedText(words, elide, room.width()));
        // The focus is a row's; the cell of the cursor, by whose column Alt+Up sorts, has the stronger line.
        if (view && view->hasFocus() && view->currentIndex().row() == index.row()) {
            const bool cell = view->currentIndex() == index;
            painter->setRenderHint(QPainter::Antialiasing, false);
            const int high = cell ? 2 : 1;
            painter->fillRect(QRect(option.rect.left(), option.rect.bottom() + 1 - high, option.rect.width(), high),
                              colours.accent);
        }
        painter->restore();
    }

private:
    /// Red is a zone's alone: a share that is used up turns no light of the portal red by itself.
    static const QColor &barColour(double fraction, const QVariant &zone, const Colours &colours)
    {
        if (!zone.isValid())
            return fraction >= 1 ? colours.yellow : colours.accent;
        return zone.toInt() == int(Zone::Red)      ? colours.red
               : zone.toInt() == int(Zone::Yellow) ? colours.yellow
                                                   : colours.accent;
    }

    static void paintBar(QPainter &painter, const QRectF &room, double fraction, const QColor &ground,
                         const QColor &colour)
    {
        painter.setPen(Qt::NoPen);
        painter.setBrush(ground);
        painter.drawRoundedRect(room, 1.7, 1.7);
        painter.setBrush(colour);
        const QSizeF filled(room.width() * std::clamp(fraction, 0.0, 1.0), room.height());
        painter.drawRoundedRect(QRectF(room.topLeft(), filled), 1.7, 1.7);
    }
};

/// A header without boxes: muted words over a line, an arrow where the table is sorted.
class FlatHeader final : public QHeaderView
{
public:
    explicit FlatHeader(QWidget *parent) : QHeaderView(Qt::Horizontal, parent)
    {
        setSectionsClickable(true);
        setFocusPolicy(Qt::NoFocus);
        setMinimumSectionSize(fontMetrics().height() * 2);
    }
    QSize sizeHint() const override { return {QHeaderView::sizeHint().width(), fontMetrics().height() + 12}; }

protected:
    void paintSection(QPainter *painter, const QRect &rect, int section) const override
    {
        const Colours &colours = coloursOf(palette());
        painter->save();
        painter->fillRect(rect, colours.surface);
        painter->setPen(QPen(colours.border, 1));
        painter->drawLine(rect.bottomLeft(), rect.bottomRight());
        const QRect room = rect.adjusted(padding, 0, -padding, 0);
        QString words = model()->headerData(section, Qt::Horizontal).toString();
        if (sortIndicatorSection() == section) // not shown by Qt, which would turn it round by itself
            words += sortIndicatorOrder() == Qt::AscendingOrder ? QStringLiteral(" ↑") : QStringLiteral(" ↓");
        const auto alignment = model()->headerData(section, Qt::Horizontal, Qt::TextAlignmentRole).toInt();
        painter->setPen(colours.muted);
        painter->drawText(room, alignment | Qt::AlignVCenter,
                          fontMetrics().elidedText(words, Qt::ElideRight, room.width()));
        painter->restore();
    }
    void paintEvent(QPaintEvent *event) override
    {
        QHeaderView::paintEvent(event);
        // Beside the columns, where Qt paints the window's colour.
        const Colours &colours = coloursOf(palette());
        QPainter painter(viewport());
        const QRect rest = viewport()->rect().adjusted(length() - offset(), 0, 0, 0);
        painter.fillRect(rest, colours.surface);
        painter.setPen(QPen(colours.border, 1));
        if (!rest.isEmpty())
            painter.drawLine(rest.bottomLeft(), rest.bottomRight());
    }
};

} // namespace

TableView::TableView(QAbstractItemModel &model, const QString &name, const QString &whenEmpty, Sorting sorting,
                     QWidget *parent)
    : QTableView(parent), m_sorting(sorting), m_proxy(new WordsProxy(this)), m_whenEmpty(whenEmpty)
{
    m_proxy->setSourceModel(&model);
    m_proxy->setSortRole(SortRole);
    m_proxy->setSortCaseSensitivity(Qt::CaseInsensitive);
    setHorizontalHeader(new FlatHeader(this));
    setModel(m_proxy);
    setMouseTracking(true);
    connect(this, &QTableView::entered, this, [this](const QModelIndex &index) { hover(index.row()); });
    connect(this, &QTableView::viewportEntered, this, [this] { hover(-1); });
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
    setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    // Not setSortingEnabled(): the model's order counts until somebody asks for another.
    horizontalHeader()->setSortIndicator(-1, Qt::AscendingOrder);
    horizontalHeader()->setToolTip(tr("Sorts the table; Alt+Up and Alt+Down sort by the column of the cursor"));
    connect(horizontalHeader(), &QHeaderView::sectionClicked, this, &TableView::sortByHeader);
    for (const auto change : {&QAbstractItemModel::rowsInserted, &QAbstractItemModel::rowsRemoved})
        connect(m_proxy, change, this, &TableView::fitSoon);
    connect(m_proxy, &QAbstractItemModel::dataChanged, this, &TableView::fitSoon);
    connect(m_proxy, &QAbstractItemModel::layoutChanged, this, &TableView::fitSoon);
    connect(selectionModel(), &QItemSelectionModel::selectionChanged, this, &TableView::selected);
    connect(selectionModel(), &QItemSelectionModel::currentRowChanged, viewport(), qOverload<>(&QWidget::update));
    connect(this, &QTableView::doubleClicked, this,
            [this](const QModelIndex &index) { emit opened(m_proxy->mapToSource(index).row()); });
}

/// What the header and the rows need. It only grows until the view is resized, so that columns do not move about as
/// figures change.
void TableView::measure()
{
    const QFontMetrics metrics = fontMetrics();
    const int count = model()->columnCount();
    m_needed.resize(std::size_t(count), 0);
    const int visible = std::max(0, rowAt(0));
    for (int column = 0; column < count; ++column) {
        int &needed = m_needed[std::size_t(column)];
        const auto measureText = [&](const QString &words) {
            needed = std::max(needed, metrics.horizontalAdvance(words) + 2 * padding + 1);
        };
        measureText(model()->headerData(column, Qt::Horizontal).toString() +
                    (horizontalHeader()->sortIndicatorSection() == column ? QStringLiteral(" ↓") : QString()));
        for (int row = 0; row < std::min(model()->rowCount(), mostMeasured); ++row)
            measureText(model()->index(row, column).data().toString());
        for (int row = visible; row < std::min(model()->rowCount(), visible + mostMeasured / 4); ++row)
            measureText(model()->index(row, column).data().toString());
    }
}

/// Of columns that cannot all be shown, the last go first.
void TableView::hideSpareColumns(const std::vector<int> &widths)
{
    int all = std::accumulate(widths.begin(), widths.end(), 0);
    for (int column = int(widths.size()) - 1; column >= 0; --column) {
        const bool hidden =
            all > viewport()->width() && model()->headerData(column, Qt::Horizontal, SpareRole).toBool();
        setColumnHidden(column, hidden);
        if (hidden)
            all -= widths[std::size_t(column)];
    }
}

/// A cut figure is wrong, so figures are whole; words share what is left, none cut while another has more than it
/// needs. What is over goes to the widest.
void TableView::fitColumns()
{
    measure();
    struct Words
    {
        int column;
        int needed;
        int usual;
    };
    const int least = fontMetrics().height() * 4;
    std::vector<int> widths, tight, usual;
    for (int column = 0; column < model()->columnCount(); ++column) {
        const bool whole = model()->headerData(column, Qt::Horizontal, WholeRole).toBool();
        const int letters = model()->headerData(column, Qt::Horizontal, WidthRole).toInt();
        const int needed = m_needed[std::size_t(column)];
        usual.push_back(letters * fontMetrics().horizontalAdvance('0') + 2 * padding);
        tight.push_back(whole ? needed : std::min(needed, usual.back()));
        widths.push_back(whole ? std::max(needed, usual.back()) : tight.back());
    }
    hideSpareColumns(tight);
    const auto sum = [this](const std::vector<int> &all) {
        int used = 0;
        for (int column = 0; column < int(all.size()); ++column)
            used += isColumnHidden(column) ? 0 : all[std::size_t(column)];
        return used;
    };
    const int room = viewport()->width();
    // Figures are given more than they need only where no words are cut for it.
    std::vector<int> whole = widths;
    for (std::size_t column = 0; column < whole.size(); ++column)
        whole[column] = std::max(whole[column], m_needed[column]);
    if (sum(whole) > room)
        widths = tight;
    std::vector<Words> words;
    int left = room;
    for (int column = 0; column < int(widths.size()); ++column) {
        if (isColumnHidden(column))
            continue;
        if (model()->headerData(column, Qt::Horizontal, WholeRole).toBool())
            left -= widths[std::size_t(column)];
        else
            words.push_back({column, m_needed[std::size_t(column)], usual[std::size_t(column)]});
    }
    std::ranges::sort(words, {}, &Words::needed);
    for (std::size_t i = 0; i < words.size(); ++i) {
        const int fair = std::max(least, left / int(words.size() - i));
        left -= widths[std::size_t(words[i].column)] = std::min(words[i].needed, fair);
    }
    for (const Words &one : words) {
        int &width = widths[std::size_t(one.column)];
        const int more = std::clamp(one.usual - width, 0, std::max(0, left));
        width += more;
        left -= more;
    }
    const auto widest = std::ranges::max_element(words, {}, &Words::usual);
    if (widest != words.end() && left > 0)
        widths[std::size_t(widest->column)] += left;
    for (int column = 0; column < int(widths.size()); ++column)
        setColumnWidth(column, widths[std::size_t(column)]);
    setHorizontalScrollBarPolicy(sum(widths) > room ? Qt::ScrollBarAsNeeded : Qt::ScrollBarAlwaysOff);
}

/// Once for all that changes together.
void TableView::fitSoon()
{
    if (!isVisible() || std::exchange(m_fitDue, true))
        return;
    QMetaObject::invokeMethod(
        this,
        [this] {
            m_fitDue = false;
            fitColumns();
        },
        Qt::QueuedConnection);
}

void TableView::showEvent(QShowEvent *event)
{
    QTableView::showEvent(event);
    fitSoon();
}

void TableView::setStale(bool stale)
{
    if (stale == m_stale)
        return;
    m_stale = stale;
    viewport()->update();
}

void TableView::hover(int row)
{
    if (std::exchange(m_hoveredRow, row) != row)
        viewport()->update();
}

void TableView::leaveEvent(QEvent *event)
{
    hover(-1);
    QTableView::leaveEvent(event);
}

void TableView::resizeEvent(QResizeEvent *event)
{
    QTableView::resizeEvent(event);
    if (event->size().width() != event->oldSize().width())
        m_needed.clear();
    fitColumns();
}

void TableView::setFilter(const QString &words)
{
    static_cast<WordsProxy *>(m_proxy)->setWords(words.split(' ', Qt::SkipEmptyParts));
}

void TableView::setWhenEmpty(const QString &words)
{
    if (words == m_whenEmpty)
        return;
    m_whenEmpty = words;
    viewport()->update();
}

void TableView::setClosing(const QString &words)
{
    m_closing = words;
    viewport()->update();
}

void TableView::sortBy(int column, Qt::SortOrder wanted) { order(column, wanted); }

/// A column that is sorted by is turned round, and one of figures begins with the largest.
void TableView::sortByHeader(int column)
{
    const bool again = m_column == column;
    const bool figures = model()->headerData(column, Qt::Horizontal, Qt::TextAlignmentRole).toInt() & Qt::AlignRight;
    const Qt::SortOrder first = figures ? Qt::DescendingOrder : Qt::AscendingOrder;
    const Qt::SortOrder turned = m_order == Qt::AscendingOrder ? Qt::DescendingOrder : Qt::AscendingOrder;
    order(column, again ? turned : first);
}

void TableView::order(int column, Qt::SortOrder order)
{
    m_column = column;
    m_order = order; // the header turns its own round when it is clicked
    horizontalHeader()->setSortIndicator(column, order);
    fitSoon();
    if (m_sorting == Sorting::Here)
        m_proxy->sort(column, order);
    else
        emit sortWanted(column, order);
}

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

void TableView::copyRows() const
{
    QModelIndexList rows = selectionModel()->selectedRows();
    std::ranges::sort(rows, {}, &QModelIndex::row);
    QStringList lines;
    for (const QModelIndex &row : rows) {
        QStringList cells;
        for (int column = 0; column < model()->columnCount(); ++column)
            cells << row.siblingAtColumn(column).data().toString();
        lines << cells.join('\t');
    }
    if (!lines.isEmpty())
        QGuiApplication::clipboard()->setText(lines.join('\n'));
}

void TableView::keyPressEvent(QKeyEvent *event)
{
    if (event->matches(QKeySequence::Copy))
        return copyRows();
    if (event->modifiers() == Qt::AltModifier && (event->key() == Qt::Key_Up || event->key() == Qt::Key_Down)) {
        // Rows that come anew take the cursor with them.
        const int column = currentIndex().isValid() ? currentIndex().column() : std::max(0, m_column);
        order(column, event->key() == Qt::Key_Up ? Qt::AscendingOrder : Qt::DescendingOrder);
        return;
    }
    if ((event->key() == Qt::Key_Return || event->key() == Qt::Key_Enter) && currentSourceRow() >= 0)
        emit opened(currentSourceRow());
    else
        QTableView::keyPressEvent(event);
}

void TableView::paintEvent(QPaintEvent *event)
{
    QTableView::paintEvent(event);
    QPainter painter(viewport());
    if (const int rows = m_proxy->rowCount(); rows > 0) {
        const int top = rowViewportPosition(rows - 1) + rowHeight(rows - 1);
        painter.setPen(coloursOf(palette()).muted);
        if (top + rowHeight(rows - 1) <= viewport()->height())
            painter.drawText(QRect(padding, top, viewport()->width() - 2 * padding, rowHeight(rows - 1)),
                             Qt::AlignLeft | Qt::AlignVCenter, m_closing);
        return;
    }
    if (hasFocus()) { // no row has it
        painter.setPen(QPen(coloursOf(palette()).accent, 1));
        painter.drawRoundedRect(QRectF(viewport()->rect()).adjusted(0.5, 0.5, -0.5, -0.5), 4, 4);
    }
    painter.setPen(coloursOf(palette()).muted);
    const bool filtered = m_proxy->sourceModel()->rowCount() > 0;
    painter.drawText(viewport()->rect().adjusted(12, 8, -12, -8), Qt::AlignCenter | Qt::TextWordWrap,
                     filtered ? tr("No matching rows") : m_whenEmpty);
}

} // namespace portolan::ui
