#include "ui/dialogs/command_palette.h"

#include <QKeyEvent>
#include <QVBoxLayout>
#include <algorithm>

namespace portolan::ui {

namespace {

QString plainText(const QAction &action) { return QString(action.text()).remove('&'); }

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

CommandPalette::CommandPalette(const QList<QAction *> &actions, QWidget *parent)
    : QDialog(parent), m_actions(actions), m_line(new QLineEdit), m_list(new QListWidget)
{
    setWindowTitle(tr("Commands"));
    setAttribute(Qt::WA_DeleteOnClose);
    auto *layout = new QVBoxLayout(this);
    m_line->setPlaceholderText(tr("Type a command or a page"));
    m_line->setAccessibleName(tr("Command"));
    m_line->setClearButtonEnabled(true);
    m_line->installEventFilter(this);
    m_list->setAccessibleName(tr("Commands"));
    m_list->setFocusPolicy(Qt::NoFocus);
    m_list->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    m_list->setTextElideMode(Qt::ElideRight);
    layout->addWidget(m_line);
    layout->addWidget(m_list, 1);
    resize(fontMetrics().height() * 36, fontMetrics().height() * 20);
    connect(m_line, &QLineEdit::textChanged, this, &CommandPalette::filter);
    connect(m_line, &QLineEdit::returnPressed, this, &CommandPalette::run);
    connect(m_list, &QListWidget::itemClicked, this, &CommandPalette::run);
    filter({});
}

void CommandPalette::filter(const QString &typed)
{
    QList<std::pair<int, QAction *>> fitting;
    for (QAction *action : m_actions) {
        if (const int quality = matchQuality(plainText(*action), typed); quality > 0 && !action->isSeparator())
            fitting.append({quality, action});
    }
    std::ranges::stable_sort(fitting, std::greater{}, [](const auto &entry) { return entry.first; });
    m_list->clear();
    for (const auto &[quality, action] : fitting) {
        const QString keys = action->shortcut().toString(QKeySequence::NativeText);
        QString shown = plainText(*action);
        if (!action->isEnabled() && !action->whatsThis().isEmpty())
            shown += QStringLiteral("  –  ") + action->whatsThis();
        else if (!keys.isEmpty())
            shown += "    " + keys;
        auto *item = new QListWidgetItem(action->icon(), shown, m_list);
        item->setData(Qt::UserRole, QVariant::fromValue<QObject *>(action));
        if (!action->isEnabled()) {
            item->setFlags(item->flags() & ~Qt::ItemIsEnabled);
            item->setToolTip(action->toolTip());
        }
    }
    m_list->setCurrentRow(0);
}

void CommandPalette::run()
{
    const QListWidgetItem *item = m_list->currentItem();
    if (!item || !item->flags().testFlag(Qt::ItemIsEnabled))
        return;
    auto *action = qobject_cast<QAction *>(item->data(Qt::UserRole).value<QObject *>());
    // The dialog is gone before the action opens one of its own.
    accept();
    if (action)
        QMetaObject::invokeMethod(action, &QAction::trigger, Qt::QueuedConnection);
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
