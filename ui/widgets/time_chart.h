// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/history.h"
#include "ui/support/axis.h"
#include "ui/support/reduce.h"

#include <QColor>
#include <QWidget>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

namespace portolan::ui {

/// Figures over time: zones as bands, events on the time line, gaps where nothing was known. Only extremes and means
/// per pixel are drawn, computed when points or size change. Left and Right walk along it and read it out, Page up and
/// Page down from event to event; + and −, Ctrl with the wheel and a drag zoom, with Shift Left and Right move the time
/// shown; 0, Escape and a double click return to now. What
/// keeps it from showing how it stands now is said beside its title and in its accessible description.
class TimeChart final : public QWidget
{
    Q_OBJECT

public:
    struct Line
    {
        QString name;
        Series series;
    };
    struct Bands
    {
        std::optional<double> yellow;
        std::optional<double> red;
        std::optional<double> limit;
        bool operator==(const Bands &) const = default;
    };
    using Format = std::function<QString(double)>;

    /// How far what is shown can be relied on.
    struct Standing
    {
        QString words = {}; ///< "No new figures for 25 s"; empty: there is nothing to say
        bool stale = false; ///< lines are muted, and what is missing up to now is hatched
        bool operator==(const Standing &) const = default;
    };

    TimeChart(const QString &title, Format format, AxisUnit unit = AxisUnit::Plain, QWidget *parent = nullptr);

    void setLines(std::vector<Line> lines, WallTime from, WallTime to);
    void setRange(WallTime from, WallTime to); ///< what is known stays
    void setStanding(const Standing &standing);
    void setBands(const Bands &bands);
    void setNameRoom(int pixels); ///< at the right, so that charts below each other have the same time axis
    void setEvents(std::vector<Event> events);
    /// The cursor stands there because that of another chart does; nobody is told of it again.
    void followCursor(std::optional<WallTime> time);
    QStringList valueLabels() const; ///< as drawn at the left, from the bottom
    QString heading() const;         ///< the title, with what has no room in the picture
    const std::vector<Event> &events() const { return m_events; }
    /// The label of a zone's beginning, where it is drawn.
    struct PlacedLabel
    {
        QRectF rect;
        QString words;
        QColor colour;
    };
    const std::vector<PlacedLabel> &labels() const { return m_labels; }
    QPointF placeOf(WallTime time, double value) const { return {xOf(time), yOf(value)}; }
    QString readOut() const; ///< of the cursor's place; empty: there is no cursor
    bool hasData() const { return m_hasData; }
    /// The end of what its latest point covers, at most that of the time shown; nothing: there is no point.
    std::optional<WallTime> knownUntil() const;
    WallTime from() const { return m_from; } ///< of the time shown
    WallTime to() const { return m_to; }
    const Standing &standing() const { return m_standing; }
    const QString &title() const { return m_title; }
    std::unique_ptr<TimeChart> copy() const; ///< without the cursor: to be painted elsewhere
    QSize sizeHint() const override;
    QSize minimumSizeHint() const override;

signals:
    void rangeWanted(portolan::WallTime from, portolan::WallTime to);
    void nowWanted();
    void cursorMoved(std::optional<portolan::WallTime> time); ///< by whoever looks at this chart; nothing: it is gone

protected:
    void paintEvent(QPaintEvent *event) override;
    void resizeEvent(QResizeEvent *event) override;
    void mousePressEvent(QMouseEvent *event) override; ///< a drag zooms to what it covers
    void mouseMoveEvent(QMouseEvent *event) override;
    void mouseReleaseEvent(QMouseEvent *event) override;
    void mouseDoubleClickEvent(QMouseEvent *event) override; ///< back to now
    void leaveEvent(QEvent *event) override;
    void wheelEvent(QWheelEvent *event) override;
    void keyPressEvent(QKeyEvent *event) override;
    void focusOutEvent(QFocusEvent *event) override;
    void changeEvent(QEvent *event) override;

private:
    void recompute();
    QRectF plot() const { return m_plot; }
    int mostValueTicks() const;
    std::vector<Tick> valueTicks(int wanted) const; ///< about so many, no two with the same label
    struct Threshold
    {
        double value;
        QString words;
        QColor colour;
    };
    std::vector<Threshold> thresholds() const;
    QString thresholdLabel(double value) const;
    bool isFree(const QRectF &label) const;
    void placeLabels();
    QString hint() const; ///< its tooltip
    double yOf(double value) const;
    double xOf(WallTime time) const;
    WallTime timeAt(int column) const;
    const PixelColumn *columnNear(std::size_t line, int place) const; ///< null: nothing is known there
    void moveCursor(std::optional<int> column);
    void zoom(double factor, double column); ///< of the time shown; what is at the column stays there
    void pan(double part);
    void seekEvent(bool forward);
    QString figures() const;
    QString timedText(const Event &event) const;
    QString eventWords() const; ///< of those at the cursor
    void describe();            ///< to who cannot see it
    void paintBands(QPainter &painter) const;
    void paintLabels(QPainter &painter) const;
    void paintAxes(QPainter &painter) const;
    void paintMissing(QPainter &painter) const; ///< from the last figure to now
    QColor lineColour(std::size_t line) const;
    void paintLine(QPainter &painter, std::size_t line) const;
    void paintSpread(QPainter &painter, std::size_t line) const; ///< from the lowest to the highest of each column
    void paintEnds(QPainter &painter) const;
    void paintEvents(QPainter &painter) const;
    void paintCursor(QPainter &painter) const;
    void paintDrag(QPainter &painter) const;

    QString m_title;
    Format m_format;
    AxisUnit m_unit;
    std::vector<Line> m_lines;
    std::vector<std::vector<PixelColumn>> m_columns; ///< of each line
    Bands m_bands;
    std::vector<Event> m_events;
    std::vector<PlacedLabel> m_labels;
    QStringList m_unplaced; ///< of zones' beginnings
    int m_nameRoom = 8;
    WallTime m_from{};
    WallTime m_to{};
    QRectF m_plot;
    double m_top = 1;
    bool m_hasData = false;
    Standing m_standing;
    std::optional<int> m_cursor;  ///< pixel column
    std::optional<int> m_dragged; ///< the column a drag began at
};

} // namespace portolan::ui
