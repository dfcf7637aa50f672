// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "ui/support/confirmer.h"

#include <QDialog>
#include <QLineEdit>
#include <QPointer>
#include <QPushButton>
#include <QVBoxLayout>

namespace portolan::ui {

/// Shows what would be lost, and lets somebody say yes.
class ConfirmDialog final : public QDialog
{
    Q_OBJECT

public:
    ConfirmDialog(const Confirmation &confirmation, QWidget *parent);
    std::string reason() const;

private:
    void addPreview(QVBoxLayout &layout, const ActionPreview &preview);

    QLineEdit *m_reason;
    QLineEdit *m_typed = nullptr;
    QPushButton *m_yes;
};

/// Asks with a dialog over its owner. It does not stop the event loop.
class DialogConfirmer final : public Confirmer
{
public:
    /// The window that dialogs belong to, also when the answer to a preview comes while another program is in front.
    void setOwner(QWidget *owner) { m_owner = owner; }
    void ask(const Confirmation &confirmation, std::function<void(std::optional<std::string>)> answer) override;

private:
    QPointer<QWidget> m_owner;
};

} // namespace portolan::ui
