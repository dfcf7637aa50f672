// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/dialogs/quit_dialog.h"

#include "ui/support/action_button.h"
#include "ui/support/work_area.h"
#include "ui/widgets/card.h"

#include <QCoreApplication>
#include <QDialog>
#include <QDialogButtonBox>
#include <QLabel>

namespace portolan::ui {

namespace {

QString tr(const char *source) { return QCoreApplication::translate("quit", source); }

} // namespace

void askWithQuitDialog(const QuitQuestion &question, std::function<void(QuitAnswer)> answer)
{
    auto *dialog = new QDialog(question.owner);
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->setWindowTitle(tr("Quit"));
    auto *layout = new QVBoxLayout(dialog);
    layout->setSpacing(10);
    auto *title = new QLabel(tr("Quit and stop the portal?"));
    title->setFont(scaledFont(dialog->font(), 1.25, true));
    title->setWordWrap(true);
    layout->addWidget(title);
    auto *interrupted = new QLabel(question.interrupted);
    interrupted->setWordWrap(true);
    interrupted->setTextFormat(Qt::PlainText);
    layout->addWidget(interrupted);
    auto *buttons = new QDialogButtonBox;
    auto *quit = new QPushButton(tr("Stop it and quit"));
    auto *keep = new QPushButton(question.tray ? tr("Keep serving in the tray") : tr("Keep serving, minimised"));
    auto *stay = new QPushButton(tr("Stay"));
    makeDestructive(*quit);
    buttons->addButton(quit, QDialogButtonBox::DestructiveRole);
    buttons->addButton(keep, QDialogButtonBox::AcceptRole);
    buttons->addButton(stay, QDialogButtonBox::RejectRole);
    layout->addWidget(buttons);
    // Enter by habit keeps people served.
    quit->setAutoDefault(false);
    stay->setAutoDefault(false);
    keep->setDefault(true);
    keep->setFocus();
    const auto shared = std::make_shared<QuitAnswer>(QuitAnswer::Stay);
    const auto choose = [dialog, shared](QPushButton *button, QuitAnswer chosen) {
        QObject::connect(button, &QPushButton::clicked, dialog, [dialog, shared, chosen] {
            *shared = chosen;
            dialog->accept();
        });
    };
    choose(quit, QuitAnswer::Quit);
    choose(keep, QuitAnswer::KeepServing);
    choose(stay, QuitAnswer::Stay);
    QObject::connect(dialog, &QDialog::finished, dialog, [shared, answer = std::move(answer)] { answer(*shared); });
    WorkArea::keep(*dialog);
    dialog->open();
}

} // namespace portolan::ui
