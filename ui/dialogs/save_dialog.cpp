// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/dialogs/save_dialog.h"

#include <QFileDialog>
#include <QFileInfo>

namespace portolan::ui {

void askWithSaveDialog(const SaveQuestion &question, SaveAnswer answer)
{
    auto *dialog = new QFileDialog(question.owner, question.title, question.folder, question.filter);
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->setAcceptMode(QFileDialog::AcceptSave);
    dialog->setDefaultSuffix(QFileInfo(question.fileName).suffix());
    dialog->selectFile(question.fileName);
    QObject::connect(dialog, &QDialog::finished, dialog, [dialog, answer = std::move(answer)](int result) {
        const QStringList chosen = dialog->selectedFiles();
        answer(result == QDialog::Accepted && !chosen.isEmpty() ? chosen.first() : QString());
    });
    dialog->open();
}

} // namespace portolan::ui
