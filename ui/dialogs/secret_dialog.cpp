// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/dialogs/secret_dialog.h"

#include "ui/support/work_area.h"
#include "ui/widgets/card.h"

#include <QClipboard>
#include <QDialogButtonBox>
#include <QGuiApplication>
#include <QLineEdit>
#include <QPushButton>

namespace portolan::ui {

SecretDialog::SecretDialog(const QString &sentence, const QString &secret, QWidget *parent) : QDialog(parent)
{
    setAttribute(Qt::WA_DeleteOnClose);
    setWindowTitle(tr("Password"));
    setMinimumWidth(fontMetrics().height() * 24);
    auto *layout = new QVBoxLayout(this);
    layout->setSpacing(10);
    auto *said = new QLabel(sentence);
    said->setTextFormat(Qt::PlainText);
    said->setWordWrap(true);
    layout->addWidget(said);
    auto *line = new QLineEdit(secret);
    line->setReadOnly(true);
    line->setAccessibleName(tr("Password"));
    line->selectAll();
    layout->addWidget(line);
    auto *note = mutedLabel(tr("It is shown this once. Hand it on by a way that you trust."));
    note->setWordWrap(true);
    layout->addWidget(note);
    auto *buttons = new QDialogButtonBox(QDialogButtonBox::Close);
    auto *copy = buttons->addButton(tr("Copy"), QDialogButtonBox::ActionRole);
    connect(copy, &QPushButton::clicked, this, [line] { QGuiApplication::clipboard()->setText(line->text()); });
    connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::close);
    layout->addWidget(buttons);
    line->setFocus();
    WorkArea::keep(*this);
}

} // namespace portolan::ui
