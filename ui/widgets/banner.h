// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/zone.h"

#include <QVBoxLayout>
#include <QWidget>
#include <vector>

class QLabel;

namespace portolan::ui {

class ZoneBadge;
class FlatButton;

/// One cause of how a deployment stands.
struct BannerLine
{
    Zone zone = Zone::Unknown;
    QString words = {};     ///< "Red: Redis does not answer"
    QString since = {};     ///< "for 12 min, since 14:03"; empty: not known
    QString page = {};      ///< that explains it and has the remedy; empty: there is none, or one is on it
    QString pageTitle = {}; ///< "Redis"
    bool operator==(const BannerLine &) const = default;
};

/// How a deployment stands: one sentence while it is green; else its causes on a ground of their own, the worst first,
/// each with a button that leads to the page for it.
class Banner final : public QWidget
{
    Q_OBJECT

public:
    explicit Banner(QWidget *parent = nullptr);
    /// The first is said louder, with what there is to do below it. At least one.
    void setLines(const std::vector<BannerLine> &lines, const QString &advice);
    const std::vector<BannerLine> &lines() const { return m_lines; }
    QString verdict() const; ///< the first, as it is read out
    QString advice() const;  ///< since when, and what to do; empty: nothing is said

signals:
    void pageWanted(const QString &id);

protected:
    void paintEvent(QPaintEvent *event) override;
    void resizeEvent(QResizeEvent *event) override;

private:
    struct Row
    {
        QWidget *all;
        ZoneBadge *words;
        QLabel *since;
        FlatButton *button;
    };
    Row makeRow();
    QString leaveMoved(const std::vector<BannerLine> &lines);
    void showSince(); ///< where there is room beside the words
    bool isOnGround() const;

    std::vector<BannerLine> m_lines;
    std::vector<Row> m_rows;
    class QLabel *m_advice;
    QVBoxLayout *m_column;
};

} // namespace portolan::ui
