// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/action.h"

#include <QComboBox>
#include <QDialog>
#include <QLineEdit>
#include <QPushButton>
#include <functional>

namespace portolan::ui {

/// Asks for the address and the role of a new account. It does not stop the event loop.
class AccountDialog final : public QDialog
{
    Q_OBJECT

public:
    /// `create` is told what was filled in; not at all when it was left.
    AccountDialog(std::function<void(CreateUser)> create, QWidget *parent);

private:
    QLineEdit *m_address;
    QComboBox *m_role;
    QPushButton *m_create;
};

} // namespace portolan::ui
