// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/zone.h"

#include <QListWidget>

namespace portolan::ui {

/// The pages, each with its zone. Up and Down move, the shell follows.
class Sidebar final : public QListWidget
{
    Q_OBJECT

public:
    explicit Sidebar(QWidget *parent = nullptr);
    void addPage(const QString &id, const QString &title, const QString &iconName);
    void setZone(int row, Zone zone, bool shown); ///< pages that explain no resource show none
    /// Marks alone, where the window is too narrow for names as well; tool tips and screen readers still say them.
    void setCompact(bool compact);
    bool isCompact() const { return m_compact; }
    QSize sizeHint() const override;

private:
    bool m_compact = false;
};

} // namespace portolan::ui
