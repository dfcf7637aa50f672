// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/history.h"
#include "core/api/snapshot.h"

#include <QAbstractButton>
#include <QPolygonF>
#include <functional>
#include <vector>

namespace portolan::ui {

/// What a tile shows, in words.
struct TileText
{
    QString title = {};
    Zone zone = Zone::Unknown;
    QString value = {}; ///< "21.3 MB", or why nothing is known
    QString limit = {}; ///< "of 30 MB"
    QString age = {};
    QString next = {};   ///< "red in about 40 min"
    bool limited = true; ///< false: there is no limit, so no zone
    bool known = false;  ///< `value` is a figure
    bool stale = false;
    bool operator==(const TileText &) const = default;
};

/// How a figure went lately (from `from` to `until`; what is missing stays empty), and what its scale is: from 0 to
/// where red lies or the limit, and never finer than `least`. So a quiet figure looks quiet, and its height says how
/// much is left.
struct TileTrend
{
    Series series = {};
    WallTime from{};
    WallTime until{};
    std::optional<double> yellow = {};
    std::optional<double> red = {};
    std::optional<double> limit = {};
    double least = 0;
    bool stale = false; ///< it could not be read anew
    bool operator==(const TileTrend &) const = default;
    double top() const; ///< of the scale
};

/// The lines of a trend in `rect`: one for each stretch without a gap. Each point holds for the time it covers, from
/// one of its extremes to the other.
std::vector<QPolygonF> trendLines(const TileTrend &trend, const QRectF &rect);

/// One resource on the overview: a button that leads to the page which explains it.
class Tile final : public QAbstractButton
{
    Q_OBJECT

public:
    explicit Tile(QWidget *parent = nullptr);
    void setContent(const TileText &content);
    void setTrend(TileTrend trend);
    void setFormat(std::function<QString(double)> format); ///< of the trend's values: "21.3 MB"
    const TileTrend &trend() const { return m_trend; }
    QSize sizeHint() const override;
    QSize minimumSizeHint() const override { return sizeHint(); }

protected:
    bool event(QEvent *event) override; ///< a tooltip says what the trend was there
    void paintEvent(QPaintEvent *event) override;
    void keyPressEvent(QKeyEvent *event) override;
    void enterEvent(QEnterEvent *event) override;
    void leaveEvent(QEvent *event) override;

private:
    QRectF trendRect() const;
    QString trendWords(const QPointF &at) const;
    void paintTrend(QPainter &painter, const QRectF &rect) const;

    TileText m_content;
    TileTrend m_trend;
    std::function<QString(double)> m_format;
};

} // namespace portolan::ui
