// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QRect>
#include <QSize>
#include <vector>

/// Where the parts of the overview stand: a function of the room and of what the parts need, so that it can be tried
/// for every window without one. All figures are pixels.
namespace portolan::ui {

struct OverviewNeeds
{
    int tiles = 0;
    QSize tile;        ///< the least one needs
    int cards = 0;     ///< height the cards below the tiles need
    int cardsMost = 0; ///< height they can fill: what is more would stay empty
    int cardWidth = 0; ///< a card needs; below each other where two do not fit beside each other
    int spacing = 0;
};

struct OverviewCells
{
    std::vector<QRect> tiles; ///< in their order, row by row
    QRect left;               ///< the cards, left and right of each other, or the left one above
    QRect right;
    int height = 0; ///< of all; more than the room's where it has to be scrolled
};

/// Tiles per row, in rows that are all filled from edge to edge. Of one width wherever the number of tiles allows it
/// without making much of the width useless: the eye takes wider ones for more important.
std::vector<int> tileRows(int tiles, int width, int tileWidth, int spacing);

/// Without holes: tiles fill the whole width, and with the cards the whole height. What is over in height goes to the
/// tiles' trends, to the cards a third of it as long as they can fill it.
OverviewCells overviewCells(QSize room, const OverviewNeeds &needs);

} // namespace portolan::ui
