#include "ui/widgets/figure_strip.h"

#include "ui/widgets/card.h"

#include <QHBoxLayout>
#include <algorithm>

namespace portolan::ui {

FigureStrip::FigureStrip(const QStringList &names, QWidget *parent) : QWidget(parent)
{
    auto *card = new Card;
    auto *across = new QHBoxLayout;
    across->setSpacing(18);
    for (const QString &name : names) {
        auto *column = new QVBoxLayout;
        column->setSpacing(2);
        auto *label = mutedLabel(name);
        label->setMinimumWidth(1);
        auto *value = new QLabel(QStringLiteral("–"));
        value->setFont(scaledFont(font(), 1.18, true));
        value->setTextFormat(Qt::PlainText);
        value->setMinimumWidth(1);
        value->setAccessibleName(name);
        column->addWidget(label);
        column->addWidget(value);
        across->addLayout(column, 1);
        m_values.push_back(value);
    }
    card->body()->addLayout(across);
    auto *layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->addWidget(card);
    setSizePolicy(QSizePolicy::Preferred, QSizePolicy::Fixed);
}

void FigureStrip::setValues(const QStringList &values, bool stale)
{
    for (std::size_t i = 0; i < std::min(m_values.size(), std::size_t(values.size())); ++i) {
        m_values[i]->setText(values[qsizetype(i)]);
        m_values[i]->setToolTip(values[qsizetype(i)]);
        m_values[i]->setForegroundRole(stale ? QPalette::PlaceholderText : QPalette::WindowText);
    }
}

} // namespace portolan::ui
