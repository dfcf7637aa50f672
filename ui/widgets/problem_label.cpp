// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/problem_label.h"

#include "ui/support/zones.h"
#include "ui/widgets/notice_ground.h"

#include <QAccessible>
#include <QEvent>
#include <QPainter>

namespace portolan::ui {

ProblemLabel::ProblemLabel(QWidget *parent) : QLabel(parent)
{
    setTextFormat(Qt::PlainText);
    setTextInteractionFlags(Qt::TextSelectableByMouse | Qt::TextSelectableByKeyboard);
    setWordWrap(true);
    makeRoom();
    hide();
}

/// For the mark, which is as large as the letters.
void ProblemLabel::makeRoom() { setContentsMargins(noticeMargin(fontMetrics()), 3, noticeEdge, 3); }

void ProblemLabel::changeEvent(QEvent *event)
{
    QLabel::changeEvent(event);
    if (event->type() == QEvent::FontChange)
        makeRoom();
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
        paintNoticeGround(painter, rect(), colours.red, colours.surface);
        const double middle = contentsMargins().top() + fontMetrics().height() / 2.0;
        paintZone(painter, noticeMark(fontMetrics(), middle), Zone::Red, colours);
    }
    QLabel::paintEvent(event);
}

} // namespace portolan::ui
