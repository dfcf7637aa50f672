// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/figure_strip.h"

#include "ui/widgets/card.h"

#include <algorithm>

namespace portolan::ui {

FigureStrip::FigureStrip(const QStringList &names, QWidget *parent) : QWidget(parent), m_grid(new QGridLayout)
{
    auto *card = new Card;
    m_grid->setHorizontalSpacing(16);
    m_grid->setVerticalSpacing(10);
    for (const QString &name : names) {
        auto *cell = new QWidget(card);
        auto *column = new QVBoxLayout(cell);
        column->setContentsMargins(0, 0, 0, 0);
        column->setSpacing(2);
        auto *value = new QLabel(QStringLiteral("–"));
        value->setFont(scaledFont(font(), 1.15, true));
        value->setTextFormat(Qt::PlainText);
        value->setAccessibleName(name);
        column->addWidget(mutedLabel(name));
        column->addWidget(value);
        m_figures.push_back({cell, value});
    }
    card->body()->addLayout(m_grid);
    auto *layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->addWidget(card);
    setSizePolicy(QSizePolicy::Preferred, QSizePolicy::Fixed);
    arrange();
}

void FigureStrip::resizeEvent(QResizeEvent *event)
{
    QWidget::resizeEvent(event);
    arrange();
}

void FigureStrip::arrange()
{
    const int count = int(m_figures.size());
    int columns = std::clamp(width() / (fontMetrics().height() * 7), 2, count);
    // Rows of the same length look like a table, a last one of one figure like a mistake.
    columns = (count + (count + columns - 1) / columns - 1) / ((count + columns - 1) / columns);
    if (columns == m_columns)
        return;
    for (int i = 0; i < m_columns; ++i)
        m_grid->setColumnStretch(i, 0);
    m_columns = columns;
    for (int i = 0; i < count; ++i)
        m_grid->addWidget(m_figures[std::size_t(i)].cell, i / columns, i % columns);
    for (int i = 0; i < columns; ++i)
        m_grid->setColumnStretch(i, 1);
}

void FigureStrip::setValues(const QStringList &values, bool stale)
{
    for (std::size_t i = 0; i < std::min(m_figures.size(), std::size_t(values.size())); ++i) {
        QLabel *label = m_figures[i].value;
        label->setText(values[qsizetype(i)]);
        // Setting the role it has would paint it again.
        if (const auto role = stale ? QPalette::PlaceholderText : QPalette::WindowText; label->foregroundRole() != role)
            label->setForegroundRole(role);
    }
}

} // namespace portolan::ui
