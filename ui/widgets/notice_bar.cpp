#include "ui/widgets/notice_bar.h"

#include "ui/support/icons.h"
#include "ui/support/zones.h"

#include <QAccessible>
#include <QHBoxLayout>
#include <QKeyEvent>
#include <QToolButton>
#include <algorithm>

namespace portolan::ui {

NoticeBar::NoticeBar(QWidget &place) : QWidget(place.parentWidget()), m_place(place), m_label(new QLabel)
{
    place.installEventFilter(this);
    auto *layout = new QHBoxLayout(this);
    layout->setContentsMargins(38, 6, 8, 6);
    m_label->setTextFormat(Qt::PlainText);
    m_label->setWordWrap(true);
    m_label->setTextInteractionFlags(Qt::TextSelectableByMouse | Qt::TextSelectableByKeyboard);
    m_label->setFocusPolicy(Qt::StrongFocus); // so that it can be copied without a mouse
    layout->addWidget(m_label, 1);
    auto *close = new QToolButton;
    close->setIcon(icon("close"));
    close->setAutoRaise(true);
    close->setAccessibleName(tr("Dismiss the message"));
    close->setToolTip(tr("Dismiss"));
    close->setFocusPolicy(Qt::TabFocus);
    connect(close, &QToolButton::clicked, this, &QWidget::hide);
    layout->addWidget(close);
    m_hide.setSingleShot(true);
    connect(&m_hide, &QTimer::timeout, this, &QWidget::hide);
    hide();
}

void NoticeBar::tell(const QString &sentence, bool worked)
{
    m_worked = worked;
    m_label->setText(sentence);
    setAccessibleName(worked ? sentence : tr("Failed: %1").arg(sentence));
    cover();
    raise();
    show();
    update();
    if (worked)
        m_hide.start(8000);
    else
        m_hide.stop();
    QAccessibleEvent event(this, QAccessible::Alert);
    QAccessible::updateAccessibility(&event);
}

QString NoticeBar::sentence() const { return isHidden() ? QString() : m_label->text(); }

void NoticeBar::cover()
{
    const QRect place = m_place.geometry();
    setGeometry(place.x(), place.y(), place.width(), std::max(place.height(), heightForWidth(place.width())));
}

bool NoticeBar::eventFilter(QObject *watched, QEvent *event)
{
    if (watched == &m_place && (event->type() == QEvent::Resize || event->type() == QEvent::Move))
        cover();
    return QWidget::eventFilter(watched, event);
}

void NoticeBar::keyPressEvent(QKeyEvent *event)
{
    if (event->key() == Qt::Key_Escape)
        hide();
    else
        QWidget::keyPressEvent(event);
}

void NoticeBar::paintEvent(QPaintEvent *)
{
    const Colours &colours = coloursOf(palette());
    const QColor &colour = m_worked ? colours.green : colours.red;
    QPainter painter(this);
    painter.fillRect(rect(), colours.window); // also the corners hide what is below
    painter.setRenderHint(QPainter::Antialiasing);
    painter.setPen(QPen(blend(colour, colours.window, 0.5), 1));
    painter.setBrush(blend(colour, colours.window, 0.12));
    painter.drawRoundedRect(QRectF(rect()).adjusted(0.5, 0.5, -0.5, -0.5), 6, 6);
    const double side = fontMetrics().height() * 0.78;
    paintZone(painter, QRectF(14, (height() - side) / 2, side, side), m_worked ? Zone::Green : Zone::Red, colours);
}

} // namespace portolan::ui
