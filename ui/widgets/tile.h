// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/history.h"
#include "core/api/snapshot.h"
#include "ui/widgets/zone_strip.h"

#include <QAbstractButton>
#include <QPolygonF>
#include <functional>
#include <optional>
#include <vector>

namespace portolan::ui {

/// How much of its limit is used, and where its zones begin: parts of the whole, 0–1.
struct TileGauge
{
    double filled = 0;
    std::optional<double> yellow = {};
    std::optional<double> red = {};
    bool operator==(const TileGauge &) const = default;
};

/// Of what has a limit or a beginning of red, and a value. Where the limit is all of a thing of which little is too
/// much already (errors of all answers), the whole is a little more than where red begins.
std::optional<TileGauge> gaugeOf(const Reading &reading);

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
    std::optional<TileGauge> gauge = {};
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

/// Its zones over a longer time, as a strip below the trend. Where `until` is not after `from` there is no strip.
struct TileDay
{
    std::vector<ZoneSpan> spans = {};
    WallTime from{};
    WallTime until{};
    bool operator==(const TileDay &) const = default;
};

/// One resource on the overview: a button that leads to the page which explains it. Its figure, a gauge to the limit,
/// the trend, and the zones of a day. The pointer, or Left and Right, read the trend out; Escape leaves it.
class Tile final : public QAbstractButton
{
    Q_OBJECT

public:
    explicit Tile(QWidget *parent = nullptr);
    void setContent(const TileText &content);
    void setTrend(TileTrend trend);
    void setDay(TileDay day);
    void setFormat(std::function<QString(double)> format); ///< of the trend's values: "21.3 MB"
    const TileText &content() const { return m_content; }
    const TileTrend &trend() const { return m_trend; }
    const TileDay &day() const { return m_day; }
    QString foot() const; ///< what stands at the right below the trend: its time span, or what is read out of it
    QSize sizeHint() const override;
    QSize minimumSizeHint() const override { return sizeHint(); }

protected:
    bool event(QEvent *event) override; ///< a tooltip says what the trend was there
    void paintEvent(QPaintEvent *event) override;
    void keyPressEvent(QKeyEvent *event) override;
    void mouseMoveEvent(QMouseEvent *event) override;
    void enterEvent(QEnterEvent *event) override;
    void leaveEvent(QEvent *event) override;
    void focusOutEvent(QFocusEvent *event) override;

private:
    QRectF innerRect() const;
    QRectF gaugeRect() const;
    QRectF trendRect() const;
    QRectF footRect() const;
    QRectF dayRect() const; ///< with its name; empty: there is none
    void describe();
    void readOutAt(std::optional<double> part);
    QString trendWords(double part) const;
    QString dayWords() const;
    double zoneWordWidth(Zone zone) const;
    void paintGround(QPainter &painter) const;
    void paintHead(QPainter &painter) const;
    void paintZoneWord(QPainter &painter, const QRectF &rect) const;
    void paintFigure(QPainter &painter) const;
    void paintGauge(QPainter &painter) const;
    void paintBands(QPainter &painter, const QRectF &rect) const;
    void paintTrend(QPainter &painter, const QRectF &rect) const;
    void paintFoot(QPainter &painter) const;
    void paintDay(QPainter &painter) const;

    TileText m_content;
    TileTrend m_trend;
    TileDay m_day;
    std::function<QString(double)> m_format;
    std::optional<double> m_readOut; ///< part of the trend's time that somebody looks at
};

} // namespace portolan::ui
