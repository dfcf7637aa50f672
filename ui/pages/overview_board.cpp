// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/pages/overview_board.h"

#include "ui/pages/overview_layout.h"

#include <QEvent>
#include <algorithm>

namespace portolan::ui {

namespace {

constexpr int spacing = 12;
constexpr int cardWidth = 27; ///< heights of a line
constexpr int tileWidth = 12;

} // namespace

void OverviewBoard::setParts(std::vector<QWidget *> tiles, QWidget &left, QWidget &right)
{
    m_tiles = std::move(tiles);
    m_left = &left;
    m_right = &right;
    for (QWidget *tile : m_tiles)
        tile->setParent(this);
    for (QWidget *card : {m_left, m_right})
        card->setParent(this);
    arrange();
}

void OverviewBoard::setCardsMost(int height)
{
    if (std::exchange(m_cardsMost, height) != height)
        arrange();
}

OverviewNeeds OverviewBoard::needs() const
{
    const int em = fontMetrics().height();
    OverviewNeeds needs;
    needs.tiles = int(m_tiles.size());
    for (const QWidget *tile : m_tiles)
        needs.tile = needs.tile.expandedTo(tile->minimumSizeHint());
    needs.tile = needs.tile.expandedTo({em * tileWidth, 0});
    needs.cards = std::max(m_left->minimumSizeHint().height(), m_right->minimumSizeHint().height());
    needs.cardsMost = std::max(needs.cards, m_cardsMost);
    needs.cardWidth = em * cardWidth;
    needs.spacing = spacing;
    return needs;
}

QSize OverviewBoard::minimumSizeHint() const
{
    return {fontMetrics().height() * tileWidth, m_left ? overviewCells({width(), 0}, needs()).height : 0};
}

void OverviewBoard::arrange()
{
    if (!m_left)
        return;
    updateGeometry(); // the least height depends on the width
    const OverviewCells cells = overviewCells(size(), needs());
    for (std::size_t i = 0; i < m_tiles.size(); ++i)
        m_tiles[i]->setGeometry(cells.tiles[i]);
    m_left->setGeometry(cells.left);
    m_right->setGeometry(cells.right);
}

void OverviewBoard::resizeEvent(QResizeEvent *event)
{
    QWidget::resizeEvent(event);
    arrange();
}

void OverviewBoard::changeEvent(QEvent *event)
{
    QWidget::changeEvent(event);
    if (event->type() == QEvent::FontChange)
        arrange();
}

bool OverviewBoard::event(QEvent *event)
{
    const bool handled = QWidget::event(event);
    if (event->type() == QEvent::LayoutRequest)
        arrange();
    return handled;
}

} // namespace portolan::ui
