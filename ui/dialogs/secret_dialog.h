// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QDialog>
#include <QString>

namespace portolan::ui {

/// A password that was made up, shown once: to be copied and handed on. Nothing of it stays anywhere.
class SecretDialog final : public QDialog
{
    Q_OBJECT

public:
    SecretDialog(const QString &sentence, const QString &secret, QWidget *parent);
};

} // namespace portolan::ui
