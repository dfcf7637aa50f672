// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/dialogs/command_palette.h"

#include "ui/support/action_button.h"
#include "ui/support/icons.h"
#include "ui/support/work_area.h"

#include <QApplication>
#include <QKeyEvent>
#include <QPainter>
#include <QPixmap>
#include <QStyle>
#include <QStyledItemDelegate>
#include <QVBoxLayout>
#include <algorithm>
#include <tuple>
#include <utility>

namespace portolan::ui {

namespace {

enum ItemRole { ActionRole = Qt::UserRole, SearchRole, KeysRole };

QString plainText(const QAction &action) { return QString(action.text()).remove('&'); }

/// The keys stand below each other at the right edge.
class EntryDelegate final : public QStyledItemDelegate
{
public:
    using QStyledItemDelegate::QStyledItemDelegate;
    void paint(QPainter *painter, const QStyleOptionViewItem &option, const QModelIndex &index) const override
    {
        const QString keys = index.data(KeysRole).toString();
        const int room = keys.isEmpty() ? 0 : option.fontMetrics.horizontalAdvance(keys) + 24;
        QStyleOptionViewItem words(option);
        initStyleOption(&words, index);
        QStyle *style = words.widget ? words.widget->style() : QApplication::style();
        const QString text = std::exchange(words.text, QString());
        style->drawControl(QStyle::CE_ItemViewItem, &words, painter, words.widget); // the whole line's background
        QRect line = style->subElementRect(QStyle::SE_ItemViewItemText, &words, words.widget);
        line.setRight(option.rect.right() - 8);
        const bool chosen = option.state & QStyle::State_Selected;
        const auto group = option.state & QStyle::State_Enabled ? QPalette::Active : QPalette::Disabled;
        painter->save();
        painter->setPen(option.palette.color(group, chosen ? QPalette::HighlightedText : QPalette::Text));
        painter->drawText(line.adjusted(4, 0, -room, 0), Qt::AlignVCenter | Qt::AlignLeft,
                          option.fontMetrics.elidedText(text, Qt::ElideRight, line.width() - room - 4));
        painter->drawText(line, Qt::AlignVCenter | Qt::AlignRight, keys);
        painter->restore();
    }
    QSize sizeHint(const QStyleOptionViewItem &option, const QModelIndex &index) const override
    {
        return {QStyledItemDelegate::sizeHint(option, index).width(), option.fontMetrics.height() + 12};
    }
};

} // namespace

int matchQuality(const QString &text, const QString &typed)
{
    const QString wanted = typed.trimmed();
    if (wanted.isEmpty())
        return 1;
    const qsizetype at = text.indexOf(wanted, 0, Qt::CaseInsensitive);
    if (at == 0)
        return 100;
    if (at > 0)
        return text[at - 1].isLetterOrNumber() ? 50 : 80;
    qsizetype from = 0;
    for (const QChar letter : wanted) {
        if (letter.isSpace())
            continue;
        from = text.indexOf(letter, from, Qt::CaseInsensitive) + 1;
        if (from == 0)
            return 0;
    }
    return 10;
}

CommandPalette::CommandPalette(const QList<QAction *> &actions, std::vector<Search> searches, QWidget *parent)
    : QDialog(parent),
      m_actions(actions),
      m_searches(std::move(searches)),
      m_line(new QLineEdit),
      m_list(new QListWidget)
{
    setWindowTitle(tr("Commands"));
    setAttribute(Qt::WA_DeleteOnClose);
    auto *layout = new QVBoxLayout(this);
    m_line->setPlaceholderText(tr("Type a command, a page, or what to look for"));
    m_line->setAccessibleName(tr("Command"));
    m_line->setClearButtonEnabled(true);
    m_line->installEventFilter(this);
    m_list->setAccessibleName(tr("Commands"));
    m_list->setFocusPolicy(Qt::NoFocus);
    m_list->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    m_list->setTextElideMode(Qt::ElideRight);
    m_list->setItemDelegate(new EntryDelegate(m_list));
    const int side = style()->pixelMetric(QStyle::PM_SmallIconSize); // as in menus and on buttons
    m_list->setIconSize({side, side});
    layout->addWidget(m_line);
    layout->addWidget(m_list, 1);
    resize(fontMetrics().height() * 36, fontMetrics().height() * 20);
    connect(m_line, &QLineEdit::textChanged, this, &CommandPalette::filter);
    connect(m_line, &QLineEdit::returnPressed, this, &CommandPalette::run);
    connect(m_list, &QListWidget::itemClicked, this, &CommandPalette::run);
    filter({});
    WorkArea::keep(*this);
}

void CommandPalette::filter(const QString &typed)
{
    QList<std::pair<int, QAction *>> fitting;
    for (QAction *action : m_actions) {
        if (action->isSeparator() || !action->isVisible())
            continue; // of a page that is not there
        if (const int quality = matchQuality(plainText(*action), typed); quality > 0)
            fitting.append({quality, action});
    }
    // Of what fits as well, what can be done comes before what cannot, and what loses or interrupts something last:
    // Enter runs the first.
    std::ranges::stable_sort(fitting, std::greater{}, [](const auto &entry) {
        return std::tuple(entry.first, entry.second->isEnabled(), isHarmless(entry.second));
    });
    m_list->clear();
    for (const auto &[quality, action] : fitting)
        addCommand(action);
    if (!typed.trimmed().isEmpty())
        addSearches(typed.trimmed());
    if (m_list->count() == 0)
        sayNothingFits(typed);
    m_list->setCurrentRow(0);
}

void CommandPalette::addCommand(QAction *action)
{
    QString shown = plainText(*action);
    if (!action->isEnabled() && !action->whatsThis().isEmpty())
        shown += QStringLiteral("  –  ") + action->whatsThis();
    auto *item = new QListWidgetItem(action->icon().isNull() ? noIcon() : action->icon(), shown, m_list);
    item->setData(ActionRole, QVariant::fromValue<QObject *>(action));
    const QString own = action->shortcut().toString(QKeySequence::NativeText);
    const QString keys = own.isEmpty() ? action->property("keys").toString() : own;
    item->setData(KeysRole, keys);
    item->setData(Qt::AccessibleTextRole, keys.isEmpty() ? shown : shown + ", " + keys);
    if (!action->isEnabled()) {
        item->setFlags(item->flags() & ~Qt::ItemIsEnabled);
        item->setToolTip(action->toolTip());
    }
}

/// As large as one, so that the lines are alike.
QIcon CommandPalette::noIcon() const
{
    QPixmap nothing(m_list->iconSize());
    nothing.fill(Qt::transparent);
    return nothing;
}

void CommandPalette::addSearches(const QString &typed)
{
    for (std::size_t i = 0; i < m_searches.size(); ++i) {
        auto *item =
            new QListWidgetItem(icon("search"), tr("Look for “%1” in the %2").arg(typed, m_searches[i].what), m_list);
        item->setData(SearchRole, int(i));
    }
}

void CommandPalette::sayNothingFits(const QString &typed)
{
    auto *item = new QListWidgetItem(noIcon(), tr("No matching command for “%1”").arg(typed.trimmed()), m_list);
    item->setFlags(Qt::NoItemFlags);
}

void CommandPalette::run()
{
    const QListWidgetItem *item = m_list->currentItem();
    if (!item || !item->flags().testFlag(Qt::ItemIsEnabled))
        return;
    auto *action = qobject_cast<QAction *>(item->data(ActionRole).value<QObject *>());
    const QVariant search = item->data(SearchRole);
    const QString typed = m_line->text().trimmed();
    const auto look = search.isValid() ? m_searches[std::size_t(search.toInt())].look : nullptr;
    // The dialog is gone before the action opens one of its own.
    accept();
    if (action)
        QMetaObject::invokeMethod(action, &QAction::trigger, Qt::QueuedConnection);
    else if (look)
        QMetaObject::invokeMethod(
            parent(), [look, typed] { look(typed); }, Qt::QueuedConnection);
}

bool CommandPalette::eventFilter(QObject *watched, QEvent *event)
{
    if (watched == m_line && event->type() == QEvent::KeyPress) {
        const int key = static_cast<QKeyEvent *>(event)->key();
        const int step = key == Qt::Key_Down ? 1 : key == Qt::Key_Up ? -1 : 0;
        if (step != 0 && m_list->count() > 0) {
            m_list->setCurrentRow((m_list->currentRow() + step + m_list->count()) % m_list->count());
            return true;
        }
    }
    return QDialog::eventFilter(watched, event);
}

} // namespace portolan::ui
