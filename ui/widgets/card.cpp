// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/card.h"

#include "ui/support/colours.h"

#include <QEvent>
#include <QLineEdit>
#include <QPainter>

namespace portolan::ui {

namespace {

/// One line, cut with an ellipsis where it does not fit; then a hint has all of it.
class NoteLabel final : public QLabel
{
public:
    NoteLabel()
    {
        setForegroundRole(QPalette::PlaceholderText);
        setTextFormat(Qt::PlainText);
        setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Preferred);
    }

protected:
    void paintEvent(QPaintEvent *) override
    {
        QPainter painter(this);
        painter.setPen(palette().color(foregroundRole()));
        painter.drawText(contentsRect(), Qt::AlignLeft | Qt::AlignVCenter, elided());
    }
    bool event(QEvent *event) override
    {
        if (event->type() == QEvent::ToolTip)
            setToolTip(elided() == text() ? QString() : text());
        return QLabel::event(event);
    }

private:
    QString elided() const { return fontMetrics().elidedText(text(), Qt::ElideRight, contentsRect().width()); }
};

} // namespace

QLabel *mutedLabel(const QString &text, QWidget *parent)
{
    auto *label = new QLabel(text, parent);
    label->setForegroundRole(QPalette::PlaceholderText); // follows the theme, as a colour set here would not
    label->setTextFormat(Qt::PlainText);
    return label;
}

QFont scaledFont(const QFont &font, double factor, bool bold)
{
    QFont scaled = font;
    scaled.setPointSizeF(font.pointSizeF() * factor);
    scaled.setBold(bold);
    return scaled;
}

Card::Card(const QString &title, QWidget *parent) : QWidget(parent)
{
    auto *outer = new QVBoxLayout(this);
    outer->setContentsMargins(16, 12, 16, 14);
    outer->setSpacing(10);
    m_head = new QHBoxLayout;
    m_head->setSpacing(10);
    auto *label = new QLabel(title);
    label->setFont(scaledFont(font(), 1.05, true));
    m_note = new NoteLabel;
    m_head->addWidget(label);
    m_head->addWidget(m_note, 1);
    outer->addLayout(m_head);
    if (title.isEmpty()) {
        label->hide();
        m_note->hide();
        outer->setSpacing(0);
    } else {
        // As high as with a field or a button in it: titles of cards beside each other stand on one line.
        m_head->addStrut(QLineEdit().sizeHint().height());
    }
    m_body = new QVBoxLayout;
    m_body->setSpacing(8);
    outer->addLayout(m_body, 1);
}

void Card::setNote(const QString &note) { m_note->setText(note); }

void Card::paintEvent(QPaintEvent *)
{
    const Colours &colours = coloursOf(palette());
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    painter.setPen(QPen(colours.border, 1));
    painter.setBrush(colours.surface);
    painter.drawRoundedRect(QRectF(rect()).adjusted(0.5, 0.5, -0.5, -0.5), 8, 8);
}

} // namespace portolan::ui
