// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/gui/drawn_texts.h"

#include <QFontMetricsF>
#include <QPaintDevice>
#include <QPaintEngine>
#include <QPainter>
#include <cmath>

namespace portolan::ui {

namespace {

/// Keeps the texts; lines and areas pass.
class TextKeeper final : public QPaintEngine
{
public:
    TextKeeper() : QPaintEngine(AllFeatures) {}

    bool begin(QPaintDevice *) override { return true; }
    bool end() override { return true; }
    void updateState(const QPaintEngineState &state) override
    {
        if (state.state() & DirtyTransform)
            m_transform = state.transform();
    }
    void drawPixmap(const QRectF &, const QPixmap &, const QRectF &) override {}
    void drawImage(const QRectF &, const QImage &, const QRectF &, Qt::ImageConversionFlags) override {}
    void drawPath(const QPainterPath &) override {}
    void drawPolygon(const QPointF *, int, PolygonDrawMode) override {}
    void drawTextItem(const QPointF &at, const QTextItem &item) override;
    Type type() const override { return User; }

    std::vector<DrawnText> texts;

private:
    QTransform m_transform;
    QPointF m_end; ///< where the last one ended
};

void TextKeeper::drawTextItem(const QPointF &at, const QTextItem &item)
{
    const QString text = item.text();
    const QPointF begin = m_transform.map(at);
    const QRectF ink =
        m_transform.mapRect(QFontMetricsF(item.font()).tightBoundingRect(text).translated(at)).normalized();
    QRectF seen = ink;
    if (painter()->hasClipping())
        seen &= m_transform.mapRect(painter()->clipBoundingRect());
    if (const QRegion clip = systemClip(); !clip.isEmpty()) {
        QRectF bounds;
        for (const QRect &part : clip) // of a text beside an opaque sibling, what is left of it
            bounds |= seen & QRectF(part);
        seen = bounds;
    }
    // A text of several scripts or fonts comes in pieces.
    const bool goesOn =
        !texts.empty() && std::abs(begin.y() - m_end.y()) < 0.5 && std::abs(begin.x() - m_end.x()) < 0.5;
    m_end = m_transform.map(at + QPointF(item.width(), 0));
    if (text.trimmed().isEmpty() && !goesOn)
        return;
    if (goesOn) {
        texts.back().text += text;
        texts.back().rect |= ink;
        texts.back().seen |= seen;
    } else {
        auto *device = painter()->device(); // of the widget whose turn it is, wherever it is painted onto
        texts.push_back(
            {text, ink, seen, device->devType() == QInternal::Widget ? static_cast<QWidget *>(device) : nullptr});
    }
}

class Paper final : public QPaintDevice
{
public:
    explicit Paper(const QWidget &widget) : m_widget(widget) {}
    QPaintEngine *paintEngine() const override { return &keeper; }

    mutable TextKeeper keeper;

protected:
    /// As of the screen, so that fonts are as large; but in the coordinates of widgets.
    int metric(PaintDeviceMetric metric) const override
    {
        switch (metric) {
        case PdmWidth:
            return m_widget.width();
        case PdmHeight:
            return m_widget.height();
        case PdmWidthMM:
            return m_widget.widthMM();
        case PdmHeightMM:
            return m_widget.heightMM();
        case PdmNumColors:
            return 0;
        case PdmDepth:
            return 32;
        case PdmDpiX:
            return m_widget.logicalDpiX();
        case PdmDpiY:
            return m_widget.logicalDpiY();
        case PdmPhysicalDpiX:
            return m_widget.physicalDpiX();
        case PdmPhysicalDpiY:
            return m_widget.physicalDpiY();
        case PdmDevicePixelRatio:
            return 1;
        case PdmDevicePixelRatioScaled:
            return int(devicePixelRatioFScale());
        }
        return 0;
    }

private:
    const QWidget &m_widget;
};

} // namespace

std::vector<DrawnText> drawnTexts(QWidget &widget)
{
    Paper paper(widget);
    widget.render(&paper, {}, {}, QWidget::DrawWindowBackground | QWidget::DrawChildren);
    return std::move(paper.keeper.texts);
}

} // namespace portolan::ui
