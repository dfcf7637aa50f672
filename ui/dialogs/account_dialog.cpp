// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/dialogs/account_dialog.h"

#include "ui/support/words.h"
#include "ui/support/work_area.h"
#include "ui/widgets/card.h"

#include <QDialogButtonBox>
#include <QFormLayout>

namespace portolan::ui {

AccountDialog::AccountDialog(std::function<void(CreateUser)> create, QWidget *parent)
    : QDialog(parent),
      m_address(new QLineEdit),
      m_role(new QComboBox),
      m_create(new QPushButton(tr("Create the account")))
{
    setAttribute(Qt::WA_DeleteOnClose);
    setWindowTitle(tr("New account"));
    setMinimumWidth(fontMetrics().height() * 24);
    auto *layout = new QVBoxLayout(this);
    layout->setSpacing(10);
    auto *form = new QFormLayout;
    m_address->setAccessibleName(tr("E-mail address"));
    m_address->setPlaceholderText(tr("somebody@example.org"));
    m_address->setMaxLength(254);
    form->addRow(tr("E-mail &address"), m_address);
    m_role->setAccessibleName(tr("Role of the account"));
    for (const Role role : {Role::User, Role::Operator, Role::Admin})
        m_role->addItem(roleWord(role), int(role));
    form->addRow(tr("&Role"), m_role);
    layout->addLayout(form);
    auto *note = mutedLabel(tr("A password is made up and shown once."));
    note->setWordWrap(true);
    layout->addWidget(note);
    auto *buttons = new QDialogButtonBox(QDialogButtonBox::Cancel);
    buttons->addButton(m_create, QDialogButtonBox::AcceptRole);
    layout->addWidget(buttons);
    m_create->setDefault(true); // in its dialog by now, or the dialog takes its first button for the default
    m_create->setEnabled(false);
    connect(m_address, &QLineEdit::textChanged, this, [this](const QString &typed) {
        const QString address = typed.trimmed();
        const qsizetype at = address.indexOf('@');
        m_create->setEnabled(at > 0 && at < address.size() - 1);
    });
    connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
    connect(buttons, &QDialogButtonBox::accepted, this, [this, create = std::move(create)] {
        const CreateUser wanted{m_address->text().trimmed().toStdString(), Role(m_role->currentData().toInt())};
        accept();
        create(wanted);
    });
    m_address->setFocus();
    WorkArea::keep(*this);
}

} // namespace portolan::ui
