// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/notice_bar.h"

#include "ui/support/icons.h"
#include "ui/support/zones.h"
#include "ui/widgets/notice_ground.h"

#include <QAccessible>
#include <QApplication>
#include <QHBoxLayout>
#include <QKeyEvent>
#include <QToolButton>
#include <algorithm>

namespace portolan::ui {

namespace {

constexpr int leastRoom = 18; ///< heights of a line

} // namespace

NoticeBar::NoticeBar(QWidget &room, QWidget &row, QWidget &over)
    : QWidget(&over), m_room(room), m_row(row), m_label(new QLabel), m_more(new QToolButton), m_close(new QToolButton)
{
    for (QWidget *moved = &room; moved && moved != &over; moved = moved->parentWidget())
        moved->installEventFilter(this);
    auto *layout = new QHBoxLayout(this);
    layout->setContentsMargins(noticeMargin(fontMetrics()), 2, noticeEdge, 2);
    m_label->setTextFormat(Qt::PlainText);
    m_label->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Preferred);
    m_label->setTextInteractionFlags(Qt::TextSelectableByMouse | Qt::TextSelectableByKeyboard);
    m_label->setFocusPolicy(Qt::StrongFocus); // so that it can be copied without a mouse
    layout->addWidget(m_label, 1);
    m_more->setObjectName("more");
    m_more->setAutoRaise(true);
    m_more->setFocusPolicy(Qt::TabFocus);
    connect(m_more, &QToolButton::clicked, this, [this] {
        m_whole = !m_whole;
        cover();
    });
    layout->addWidget(m_more, 0, Qt::AlignTop);
    m_close->setIcon(icon("close"));
    m_close->setAutoRaise(true);
    m_close->setAccessibleName(tr("Dismiss the message"));
    m_close->setToolTip(tr("Dismiss"));
    m_close->setFocusPolicy(Qt::TabFocus);
    connect(m_close, &QToolButton::clicked, this, &NoticeBar::dismiss);
    connect(qApp, &QApplication::focusChanged, this, [this](QWidget *before, QWidget *now) {
        if (isAncestorOf(now) && before && !isAncestorOf(before))
            m_before = before;
    });
    layout->addWidget(m_close, 0, Qt::AlignTop);
    m_hide.setSingleShot(true);
    connect(&m_hide, &QTimer::timeout, this, &NoticeBar::dismiss);
    hide();
}

void NoticeBar::tell(const QString &sentence, bool worked)
{
    m_worked = worked;
    m_sentence = sentence;
    m_whole = false;
    setAccessibleName(worked ? sentence : tr("Failed: %1").arg(sentence));
    emit shownChanged(true);
    show();
    cover();
    raise();
    update();
    if (worked)
        m_hide.start(8000);
    else
        m_hide.stop();
    QAccessibleEvent event(this, QAccessible::Alert);
    QAccessible::updateAccessibility(&event);
}

void NoticeBar::withdraw(const QString &sentence)
{
    if (!sentence.isEmpty() && sentence == this->sentence())
        dismiss();
}

QString NoticeBar::sentence() const { return isHidden() ? QString() : m_sentence; }

/// The focus goes back to where it was, not on to whatever comes next: that may be an action.
void NoticeBar::dismiss()
{
    if (m_before && m_before->isVisible() && isAncestorOf(window()->focusWidget()))
        m_before->setFocus(Qt::OtherFocusReason);
    hide();
}

QRect NoticeBar::place() const
{
    const QRect row(m_row.mapTo(parentWidget(), QPoint()), m_row.size());
    if (m_room.width() < fontMetrics().height() * leastRoom)
        return row;
    return {m_room.mapTo(parentWidget(), QPoint()).x(), row.y(), m_room.width(), row.height()};
}

void NoticeBar::cover()
{
    const QRect place = this->place();
    const int left = noticeMargin(fontMetrics());
    int room = place.width() - left - noticeEdge - layout()->spacing() - m_close->sizeHint().width();
    const bool longer = m_label->fontMetrics().horizontalAdvance(m_sentence) > room || m_sentence.contains('\n');
    m_more->setText(m_whole ? tr("Show less") : tr("Show all"));
    m_more->setVisible(longer);
    if (longer)
        room -= m_more->sizeHint().width() + layout()->spacing();
    const bool cut = longer && !m_whole;
    const int edge = longer && m_whole ? 6 : 2; // a line has its room in the place that it covers
    layout()->setContentsMargins(left, edge, noticeEdge, edge);
    m_label->setWordWrap(!cut);
    m_label->setText(
        cut ? m_label->fontMetrics().elidedText(QString(m_sentence).replace('\n', ' '), Qt::ElideRight, room)
            : m_sentence);
    layout()->invalidate();
    const int height = cut ? layout()->sizeHint().height() : heightForWidth(place.width());
    if (!isHidden())
        m_row.setMinimumHeight(cut ? 0 : height); // read whole, it moves the page down rather than covering it
    setGeometry(place.x(), place.y(), place.width(), std::max(place.height(), height));
}

void NoticeBar::changeEvent(QEvent *event)
{
    QWidget::changeEvent(event);
    if (event->type() == QEvent::FontChange)
        cover();
}

void NoticeBar::hideEvent(QHideEvent *event)
{
    QWidget::hideEvent(event);
    if (!isHidden())
        return;
    m_row.setMinimumHeight(0);
    emit shownChanged(false);
}

bool NoticeBar::eventFilter(QObject *watched, QEvent *event)
{
    if (watched != this && (event->type() == QEvent::Resize || event->type() == QEvent::Move))
        cover();
    return QWidget::eventFilter(watched, event);
}

void NoticeBar::keyPressEvent(QKeyEvent *event)
{
    if (event->key() == Qt::Key_Escape)
        dismiss();
    else
        QWidget::keyPressEvent(event);
}

void NoticeBar::paintEvent(QPaintEvent *)
{
    const Colours &colours = coloursOf(palette());
    // Not the green of a zone: that something was done says nothing of how the portal is.
    const QColor &colour = m_worked ? colours.accent : colours.red;
    QPainter painter(this);
    painter.fillRect(rect(), colours.window); // also the corners hide what is below
    paintNoticeGround(painter, rect(), colour, colours.window);
    const QRectF mark = noticeMark(fontMetrics(), height() / 2.0);
    if (!m_worked) {
        paintZone(painter, mark, Zone::Red, colours);
        return;
    }
    painter.setPen(QPen(colour, std::max(1.5, mark.width() * 0.16), Qt::SolidLine, Qt::RoundCap, Qt::RoundJoin));
    painter.setBrush(Qt::NoBrush);
    const auto at = [&mark](double x, double y) {
        return QPointF(mark.left() + x * mark.width(), mark.top() + y * mark.height());
    };
    painter.drawPolyline(QPolygonF{at(0.1, 0.55), at(0.4, 0.85), at(0.95, 0.2)});
}

} // namespace portolan::ui
