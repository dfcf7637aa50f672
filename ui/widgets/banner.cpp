// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/banner.h"

#include "ui/support/colours.h"
#include "ui/widgets/card.h"
#include "ui/widgets/flat_button.h"
#include "ui/widgets/zone_badge.h"

#include <QHBoxLayout>
#include <QLabel>
#include <QPainter>

namespace portolan::ui {

namespace {

constexpr int edge = 10;  ///< of the ground
constexpr int roomy = 40; ///< heights of a line: from here on there is room for the time beside a cause

} // namespace

Banner::Banner(QWidget *parent) : QWidget(parent), m_advice(mutedLabel()), m_column(new QVBoxLayout(this))
{
    m_column->setSpacing(2);
    m_rows.push_back(makeRow());
    m_rows.front().words->setFont(scaledFont(font(), 1.08));
    m_advice->setWordWrap(true);
    m_advice->setAccessibleName(tr("What to do"));
    m_advice->hide();
    m_column->addWidget(m_advice);
}

Banner::Row Banner::makeRow()
{
    Row row{new QWidget, new ZoneBadge, mutedLabel(), new FlatButton};
    auto *across = new QHBoxLayout(row.all);
    across->setContentsMargins(0, 0, 0, 0);
    across->setSpacing(12);
    across->addWidget(row.words, 1);
    across->addWidget(row.since);
    across->addWidget(row.button);
    const std::size_t at = m_rows.size();
    connect(row.button, &QAbstractButton::clicked, this, [this, at] {
        if (at < m_lines.size())
            emit pageWanted(m_lines[at].page);
    });
    row.button->hide();
    row.since->hide();
    m_column->addWidget(row.all);
    return row;
}

void Banner::setLines(const std::vector<BannerLine> &lines, const QString &advice)
{
    const QString since = lines.front().since;
    const QString said =
        since.isEmpty() ? advice : since + (advice.isEmpty() ? QString() : QStringLiteral("  ·  ") + advice);
    if (lines == m_lines && said == m_advice->text())
        return;
    m_lines = lines;
    while (m_rows.size() < lines.size())
        m_rows.push_back(makeRow());
    for (std::size_t i = 0; i < m_rows.size(); ++i) {
        const Row &row = m_rows[i];
        // The focus of one that goes is nobody's: Qt would hand it to the next action.
        if (row.button->hasFocus() && (i >= lines.size() || lines[i].page.isEmpty()))
            row.button->clearFocus();
        row.all->setVisible(i < lines.size());
        if (i >= lines.size())
            continue;
        row.words->setZone(lines[i].zone, lines[i].words);
        row.since->setText(i == 0 ? QString() : lines[i].since);
        row.button->setText(lines[i].pageTitle);
        row.button->setAccessibleName(tr("Open the page %1").arg(lines[i].pageTitle));
        row.button->setToolTip(tr("Open the page %1").arg(lines[i].pageTitle));
        row.button->setVisible(!lines[i].page.isEmpty());
    }
    m_advice->setText(said);
    m_advice->setVisible(!said.isEmpty());
    const int around = isOnGround() ? edge : 0;
    // As high with a ground as without: nothing below moves as the zone changes.
    m_column->setContentsMargins(around, edge / 2, around, edge / 2);
    showSince();
    update();
}

void Banner::showSince()
{
    const bool room = width() >= fontMetrics().height() * roomy;
    for (const Row &row : m_rows)
        row.since->setVisible(room && !row.since->text().isEmpty());
}

QString Banner::verdict() const { return m_rows.front().words->accessibleName(); }

QString Banner::advice() const { return m_advice->isHidden() ? QString() : m_advice->text(); }

bool Banner::isOnGround() const
{
    return !m_lines.empty() && (m_lines.front().zone == Zone::Red || m_lines.front().zone == Zone::Yellow);
}

void Banner::resizeEvent(QResizeEvent *event)
{
    QWidget::resizeEvent(event);
    showSince();
}

void Banner::paintEvent(QPaintEvent *)
{
    if (!isOnGround())
        return;
    const Colours &colours = coloursOf(palette());
    const bool red = m_lines.front().zone == Zone::Red;
    const QColor &colour = colours.zone(m_lines.front().zone);
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    painter.setPen(QPen(blend(colour, colours.window, red ? 0.9 : 0.6), red ? 2 : 1));
    painter.setBrush(blend(colour, colours.window, red ? 0.18 : 0.1));
    const double half = red ? 1 : 0.5;
    painter.drawRoundedRect(QRectF(rect()).adjusted(half, half, -half, -half), 6, 6);
}

} // namespace portolan::ui
