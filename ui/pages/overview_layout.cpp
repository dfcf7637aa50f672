// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/pages/overview_layout.h"

#include <algorithm>

namespace portolan::ui {

namespace {

constexpr int mostColumns = 8; ///< more are no longer overlooked

/// The `index`th of `count` equal parts of `length` with `spacing` between them: whole pixels, the last ends where
/// `length` does.
std::pair<int, int> part(int length, int count, int index, int spacing)
{
    const int free = std::max(0, length - (count - 1) * spacing);
    const int begin = free * index / count, end = free * (index + 1) / count;
    return {begin + index * spacing, end - begin};
}

} // namespace

std::vector<int> tileRows(int tiles, int width, int tileWidth, int spacing)
{
    if (tiles <= 0)
        return {};
    const int fit = (width + spacing) / std::max(1, tileWidth + spacing);
    const int most = std::clamp(fit, 1, std::min(mostColumns, tiles));
    int columns = most;
    while (tiles % columns != 0)
        --columns;
    if (columns * 2 > most)
        return std::vector<int>(std::size_t(tiles / columns), columns);
    // No divisor is near: rows that differ by one, the fuller ones first.
    const int rows = (tiles + most - 1) / most;
    std::vector<int> counts(std::size_t(rows), tiles / rows);
    for (int row = 0; row < tiles % rows; ++row)
        ++counts[std::size_t(row)];
    return counts;
}

OverviewCells overviewCells(QSize room, const OverviewNeeds &needs)
{
    OverviewCells cells;
    const int width = std::max(1, room.width());
    const std::vector<int> rows = tileRows(needs.tiles, width, needs.tile.width(), needs.spacing);
    const int count = int(rows.size());
    const bool beside = width >= 2 * needs.cardWidth + needs.spacing;
    const int cardRows = beside ? 1 : 2;
    const int gaps =
        std::max(0, count - 1) * needs.spacing + (count > 0 ? needs.spacing : 0) + (cardRows - 1) * needs.spacing;
    const int over = std::max(0, room.height() - count * needs.tile.height() - cardRows * needs.cards - gaps);
    int card = needs.cards + std::clamp(over / 3 / cardRows, 0, std::max(0, needs.cardsMost - needs.cards));
    if (count == 0)
        card = needs.cards + over / cardRows;
    const int below = cardRows * card + (cardRows - 1) * needs.spacing;
    const int least = count * needs.tile.height() + (count - 1) * needs.spacing;
    const int above = count == 0 ? 0 : std::max(least, room.height() - below - needs.spacing);
    for (int row = 0; row < count; ++row) {
        const auto [top, height] = part(above, count, row, needs.spacing);
        for (int column = 0; column < rows[std::size_t(row)]; ++column) {
            const auto [left, wide] = part(width, rows[std::size_t(row)], column, needs.spacing);
            cells.tiles.emplace_back(left, top, wide, height);
        }
    }
    const int top = above + (count == 0 ? 0 : needs.spacing);
    if (beside) {
        // The left one tells events in short lines, the right one is read across: of much width it needs more.
        const bool wide = width >= 4 * needs.cardWidth + needs.spacing;
        const int second = part(width, wide ? 3 : 2, 1, needs.spacing).first;
        cells.left = QRect(0, top, second - needs.spacing, card);
        cells.right = QRect(second, top, width - second, card);
    } else {
        cells.left = QRect(0, top, width, card);
        cells.right = QRect(0, top + card + needs.spacing, width, card);
    }
    cells.height = top + below;
    return cells;
}

} // namespace portolan::ui
