#include "ui/widgets/problem_label.h"

#include "ui/support/zones.h"

#include <QAccessible>
#include <QPainter>

namespace portolan::ui {

ProblemLabel::ProblemLabel(QWidget *parent) : QLabel(parent)
{
    setTextFormat(Qt::PlainText);
    setTextInteractionFlags(Qt::TextSelectableByMouse | Qt::TextSelectableByKeyboard);
    setWordWrap(true);
    setContentsMargins(14 + fontMetrics().height(), 3, 8, 3);
    hide();
}

void ProblemLabel::setProblem(const QString &sentence)
{
    const QString words = sentence.isEmpty() ? QString() : tr("Failed: %1").arg(sentence);
    const bool isNew = !words.isEmpty() && words != text();
    setText(words);
    setVisible(!words.isEmpty());
    if (isNew && isVisible()) {
        QAccessibleEvent event(this, QAccessible::Alert);
        QAccessible::updateAccessibility(&event);
    }
}

void ProblemLabel::paintEvent(QPaintEvent *event)
{
    const Colours &colours = coloursOf(palette());
    {
        QPainter painter(this);
        painter.setRenderHint(QPainter::Antialiasing);
        painter.setPen(QPen(blend(colours.red, colours.surface, 0.5), 1));
        painter.setBrush(blend(colours.red, colours.surface, 0.12));
        painter.drawRoundedRect(QRectF(rect()).adjusted(0.5, 0.5, -0.5, -0.5), 6, 6);
        const double line = fontMetrics().height();
        const double side = line * 0.78;
        paintZone(painter, QRectF(8, contentsMargins().top() + (line - side) / 2, side, side), Zone::Red, colours);
    }
    QLabel::paintEvent(event);
}

} // namespace portolan::ui
