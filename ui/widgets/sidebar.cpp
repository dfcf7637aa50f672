// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/sidebar.h"

#include "ui/support/icons.h"
#include "ui/support/zones.h"

#include <QStyledItemDelegate>
#include <algorithm>

namespace portolan::ui {

namespace {

enum Data { ZoneRole = Qt::UserRole + 1, ZoneShownRole };

constexpr int margins = 8 + 10 + 10 + 8 + 6 + 10 + 8 + 4; ///< around what is in a row, and between (paint)

bool isCompact(const QStyleOptionViewItem &option)
{
    const auto *sidebar = qobject_cast<const Sidebar *>(option.widget);
    return sidebar && sidebar->isCompact();
}

class PageDelegate final : public QStyledItemDelegate
{
public:
    using QStyledItemDelegate::QStyledItemDelegate;

    QSize sizeHint(const QStyleOptionViewItem &option, const QModelIndex &) const override
    {
        return {option.fontMetrics.height() * 2, option.fontMetrics.height() * 2 + 6};
    }

    void paint(QPainter *painter, const QStyleOptionViewItem &option, const QModelIndex &index) const override
    {
        const Colours &colours = coloursOf(option.palette);
        painter->save();
        painter->setRenderHint(QPainter::Antialiasing);
        const QRectF row = QRectF(option.rect).adjusted(8, 2, -8, -2);
        const bool current = option.state.testFlag(QStyle::State_Selected);
        const bool focused = option.state.testFlag(QStyle::State_HasFocus);
        if (current || option.state.testFlag(QStyle::State_MouseOver)) {
            painter->setPen(focused ? QPen(colours.accent, 1.5) : QPen(Qt::NoPen));
            painter->setBrush(current ? blend(colours.accent, colours.window, 0.16) : colours.raised);
            painter->drawRoundedRect(row.adjusted(1, 1, -1, -1), 6, 6);
        }
        const double side = option.fontMetrics.height() * 1.15;
        const QRectF iconRect(row.left() + 10, row.center().y() - side / 2, side, side);
        index.data(Qt::DecorationRole).value<QIcon>().paint(painter, iconRect.toRect());
        if (isCompact(option)) {
            if (index.data(ZoneShownRole).toBool()) {
                const double mark = option.fontMetrics.height() * 0.6;
                paintZone(*painter, QRectF(row.right() - mark - 3, row.top() + 4, mark, mark),
                          Zone(index.data(ZoneRole).toInt()), colours);
            }
            painter->restore();
            return;
        }
        double right = row.right() - 10;
        if (index.data(ZoneShownRole).toBool()) {
            const auto zone = Zone(index.data(ZoneRole).toInt());
            const double mark = option.fontMetrics.height() * 0.72;
            right -= mark;
            paintZone(*painter, QRectF(right, row.center().y() - mark / 2, mark, mark), zone, colours);
            // Green is what one expects; what differs says so in words.
            if (zone != Zone::Green) {
                const QString word = zoneWord(zone);
                const double wide = option.fontMetrics.horizontalAdvance(word);
                right -= wide + 6;
                painter->setPen(colours.muted);
                painter->drawText(QRectF(right, row.top(), wide + 2, row.height()), Qt::AlignVCenter, word);
            }
            right -= 8;
        }
        painter->setPen(colours.text);
        QFont font = option.font;
        font.setWeight(current ? QFont::DemiBold : QFont::Normal);
        painter->setFont(font);
        const QRectF titleRect(iconRect.right() + 10, row.top(), right - iconRect.right() - 10, row.height());
        const QString title = index.data(Qt::DisplayRole).toString();
        painter->drawText(titleRect, Qt::AlignVCenter,
                          QFontMetricsF(font).elidedText(title, Qt::ElideRight, titleRect.width()));
        painter->restore();
    }
};

} // namespace

Sidebar::Sidebar(QWidget *parent) : QListWidget(parent)
{
    setItemDelegate(new PageDelegate(this));
    setFrameShape(QFrame::NoFrame);
    setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    setSizePolicy(QSizePolicy::Fixed, QSizePolicy::Expanding);
    setMouseTracking(true);
    setAccessibleName(tr("Pages"));
    viewport()->setAutoFillBackground(false);
    setFixedWidth(sizeHint().width());
}

void Sidebar::addPage(const QString &id, const QString &title, const QString &iconName)
{
    auto *item = new QListWidgetItem(icon(iconName), title, this);
    item->setData(Qt::UserRole, id);
    item->setToolTip(tr("%1 (Ctrl+%2)").arg(title).arg(count()));
    setFixedWidth(sizeHint().width());
}

void Sidebar::setZone(int row, Zone zone, bool shown)
{
    QListWidgetItem *entry = item(row);
    if (entry->data(ZoneRole) == int(zone) && entry->data(ZoneShownRole) == shown)
        return;
    entry->setData(ZoneRole, int(zone));
    entry->setData(ZoneShownRole, shown);
    entry->setData(Qt::AccessibleTextRole, shown ? entry->text() + ", " + zoneWord(zone) : entry->text());
}

void Sidebar::setCompact(bool compact)
{
    if (compact == m_compact)
        return;
    m_compact = compact;
    setFixedWidth(sizeHint().width());
    viewport()->update();
}

/// As wide as the longest title and, beside it, the longest word of a zone.
QSize Sidebar::sizeHint() const
{
    const int em = fontMetrics().height();
    if (m_compact)
        return {em * 4, 200};
    QFont bold = font();
    bold.setWeight(QFont::DemiBold);
    int title = 0, word = 0;
    for (int row = 0; row < count(); ++row)
        title = std::max(title, QFontMetrics(bold).horizontalAdvance(item(row)->text()));
    for (const Zone zone : {Zone::Unknown, Zone::Yellow, Zone::Red})
        word = std::max(word, fontMetrics().horizontalAdvance(zoneWord(zone)));
    return {std::max(em * 14, int(margins + em * 1.15 + title + em * 0.72 + word)), 200};
}

} // namespace portolan::ui
