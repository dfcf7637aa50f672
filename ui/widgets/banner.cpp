// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/banner.h"

#include "ui/support/colours.h"
#include "ui/widgets/card.h"
#include "ui/widgets/flat_button.h"
#include "ui/widgets/zone_badge.h"

#include <QHBoxLayout>
#include <QLabel>
#include <QPainter>
#include <algorithm>
#include <memory>

namespace portolan::ui {

namespace {

constexpr int edge = 10;  ///< of the ground
constexpr int roomy = 40; ///< heights of a line: from here on there is room for the time beside a cause

/// Not muted: on the ground of a zone that would have too little contrast (WCAG 2, 1.4.3: 4.5:1).
QLabel *plainLabel()
{
    auto *label = new QLabel;
    label->setTextFormat(Qt::PlainText);
    return label;
}

} // namespace

Banner::Banner(QWidget *parent) : QWidget(parent), m_advice(plainLabel()), m_column(new QVBoxLayout(this))
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
    Row row{new QWidget, new ZoneBadge, plainLabel(), new FlatButton};
    auto *across = new QHBoxLayout(row.all);
    across->setContentsMargins(0, 0, 0, 0);
    across->setSpacing(12);
    across->addWidget(row.words, 1);
    across->addWidget(row.since);
    across->addWidget(row.button);
    const std::size_t at = m_rows.size();
    // What it said when it was pressed: the causes may have been sorted anew until it is let go.
    const auto said = std::make_shared<QString>();
    connect(row.button, &QAbstractButton::pressed, this,
            [this, at, said] { *said = at < m_lines.size() ? m_lines[at].page : QString(); });
    connect(row.button, &QAbstractButton::clicked, this, [this, said] {
        if (!said->isEmpty())
            emit pageWanted(*said);
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
    const QString focused = leaveMoved(lines);
    m_lines = lines;
    while (m_rows.size() < lines.size())
        m_rows.push_back(makeRow());
    for (; m_rows.size() > lines.size(); m_rows.pop_back()) {
        m_rows.back().all->hide();
        m_rows.back().all->deleteLater(); // its button may be what led here
    }
    for (std::size_t i = 0; i < m_rows.size(); ++i) {
        const Row &row = m_rows[i];
        row.all->show();
        const QString beside = i == 0 ? QString() : lines[i].since;
        row.words->setZone(lines[i].zone, lines[i].words, beside); // with it where there is no room for it
        row.since->setText(beside);
        row.button->setText(lines[i].pageTitle);
        row.button->setAccessibleName(tr("Open the page %1").arg(lines[i].pageTitle));
        row.button->setToolTip(tr("Open the page %1").arg(lines[i].pageTitle));
        row.button->setVisible(!lines[i].page.isEmpty());
    }
    const auto moved = std::ranges::find(m_lines, focused, &BannerLine::page);
    if (!focused.isEmpty() && moved != m_lines.end())
        m_rows[std::size_t(moved - m_lines.begin())].button->setFocus(Qt::OtherFocusReason);
    m_advice->setText(said);
    m_advice->setVisible(!said.isEmpty());
    const int around = isOnGround() ? edge : 0;
    // As high with a ground as without: nothing below moves as the zone changes.
    m_column->setContentsMargins(around, edge / 2, around, edge / 2);
    showSince();
    update();
}

/// The focus of one that goes is nobody's: Qt would hand it to the next action. Of one that is to lead elsewhere it
/// goes with the page, which this is; empty: it stays where it is.
QString Banner::leaveMoved(const std::vector<BannerLine> &lines)
{
    const QWidget *focused = window()->focusWidget();
    for (std::size_t i = 0; i < std::min(m_rows.size(), m_lines.size()); ++i) {
        const QString &page = m_lines[i].page;
        const bool leads = i < lines.size() && !lines[i].page.isEmpty();
        // One that is held down leads to where it did then; without the focus it would not be let go.
        if (m_rows[i].button != focused || (leads && (lines[i].page == page || m_rows[i].button->isDown())))
            continue;
        m_rows[i].button->clearFocus();
        return page;
    }
    return {};
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
