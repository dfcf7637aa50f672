// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/dialogs/help_dialogs.h"

#include "ui/support/icons.h"
#include "ui/support/work_area.h"
#include "ui/widgets/card.h"

#include <QDialogButtonBox>
#include <QHeaderView>
#include <QTreeWidget>

namespace portolan::ui {

namespace {

void finish(QDialog &dialog, QVBoxLayout &layout)
{
    auto *buttons = new QDialogButtonBox(QDialogButtonBox::Close);
    QObject::connect(buttons, &QDialogButtonBox::rejected, &dialog, &QDialog::close);
    layout.addWidget(buttons);
    dialog.setAttribute(Qt::WA_DeleteOnClose);
    WorkArea::keep(dialog);
}

} // namespace

ShortcutsDialog::ShortcutsDialog(const std::vector<Group> &groups, QWidget *parent) : QDialog(parent)
{
    setWindowTitle(tr("Keyboard shortcuts"));
    auto *layout = new QVBoxLayout(this);
    auto *tree = new QTreeWidget;
    tree->setAccessibleName(tr("Keyboard shortcuts"));
    tree->setHeaderLabels({tr("Command"), tr("Keys")});
    tree->setRootIsDecorated(false);
    tree->setFrameShape(QFrame::NoFrame);
    for (const Group &group : groups) {
        auto *top = new QTreeWidgetItem({group.title});
        for (const QAction *action : group.actions) {
            if (action->isVisible() && !action->shortcut().isEmpty())
                new QTreeWidgetItem(
                    top, {QString(action->text()).remove('&'), action->shortcut().toString(QKeySequence::NativeText)});
        }
        for (const auto &[what, keys] : group.keys)
            new QTreeWidgetItem(top, {what, keys});
        if (top->childCount() == 0) {
            delete top;
            continue;
        }
        tree->addTopLevelItem(top);
        top->setExpanded(true);
    }
    tree->header()->setSectionResizeMode(0, QHeaderView::Stretch);
    tree->header()->setSectionResizeMode(1, QHeaderView::ResizeToContents);
    tree->header()->setStretchLastSection(false);
    layout->addWidget(tree, 1);
    resize(fontMetrics().height() * 30, fontMetrics().height() * 30);
    finish(*this, *layout);
}

std::vector<ShortcutsDialog::Group> ShortcutsDialog::widgetKeys()
{
    const auto keys = [](const char *portable) { return QKeySequence(portable).toString(QKeySequence::NativeText); };
    const auto both = [&keys](const char *one, const char *other) { return tr("%1, %2").arg(keys(one), keys(other)); };
    return {{tr("In a chart"),
             {},
             {{tr("Move the cursor"), both("Left", "Right")},
              {tr("Move the cursor faster"), both("Ctrl+Left", "Ctrl+Right")},
              {tr("First value, last value"), both("Home", "End")},
              {tr("Previous event, next event"), both("PgUp", "PgDown")},
              {tr("Hide the cursor, then return to now"), keys("Esc")},
              {tr("Pan earlier, later"), both("Shift+Left", "Shift+Right")},
              {tr("Zoom in, zoom out"), both("+", "-")},
              {tr("Back to now"), keys("0")}}},
            {tr("In a table"),
             {},
             {{tr("Sort by this column, ascending or descending"), both("Alt+Up", "Alt+Down")},
              {tr("Open the row"), keys("Return")},
              {tr("Copy the selected rows"), keys("Ctrl+C")}}},
            {tr("Elsewhere"),
             {},
             {{tr("Open what a tile or a line stands for"), keys("Return")},
              {tr("Read out the trend of a tile"), both("Left", "Right")},
              {tr("Dismiss a message, close a dialog"), keys("Esc")}}}};
}

AboutDialog::AboutDialog(const QString &version, QWidget *parent) : QDialog(parent)
{
    setWindowTitle(tr("About Portolan"));
    auto *layout = new QVBoxLayout(this);
    layout->setSpacing(10);
    auto *title = new QLabel(tr("Portolan %1").arg(version));
    title->setFont(scaledFont(font(), 1.35, true));
    layout->addWidget(title);
    auto *about = new QLabel(tr("A desktop console for the people who run a small web portal, with the portal itself "
                                "inside. A portolan chart was the map a pilot used to bring a ship into port."));
    about->setWordWrap(true);
    layout->addWidget(about);
    auto *details = mutedLabel(tr("Qt %1  ·  License: GPL-3.0-or-later").arg(QString::fromLatin1(qVersion())));
    details->setTextInteractionFlags(Qt::TextSelectableByMouse | Qt::TextSelectableByKeyboard);
    layout->addWidget(details);
    layout->addStretch(1);
    resize(fontMetrics().height() * 26, sizeHint().height());
    finish(*this, *layout);
}

} // namespace portolan::ui
