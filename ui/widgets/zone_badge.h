// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/zone.h"

#include <QWidget>

namespace portolan::ui {

/// A zone as shape, word and colour.
class ZoneBadge final : public QWidget
{
    Q_OBJECT

public:
    explicit ZoneBadge(QWidget *parent = nullptr);
    void setLoud(bool loud) { m_loud = loud; } ///< red stands on a ground of its colour
    /// `words` in place of the zone's own. `more` is not painted, but read out, and stands in the tool tip.
    void setZone(Zone zone, const QString &words = {}, const QString &more = {});
    QSize sizeHint() const override;
    QSize minimumSizeHint() const override;

protected:
    void paintEvent(QPaintEvent *event) override;

private:
    bool isOnGround() const { return m_loud && m_zone == Zone::Red; }

    bool m_loud = false;
    Zone m_zone = Zone::Unknown;
    QString m_words;
    QString m_more;
};

} // namespace portolan::ui
