// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/commands/status_line.h"

#include "core/api/words.h"

#include <algorithm>
#include <array>
#include <utility>

namespace portolan::commands {

namespace {

struct ZoneStyle
{
    std::string_view shape;
    std::string_view ascii;
    std::string_view colour;
};

constexpr std::string_view reset = "\x1b[0m";

const ZoneStyle &styleOf(Zone zone)
{
    static constexpr std::array<ZoneStyle, 4> styles{
        {{"○", "?", dim}, {"●", "o", "\x1b[32m"}, {"▲", "^", "\x1b[33m"}, {"■", "#", "\x1b[31m"}}};
    return styles[std::min<std::size_t>(std::size_t(zone), styles.size() - 1)];
}

} // namespace

std::size_t columns(std::string_view text)
{
    return std::size_t(
        std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

StatusLine::StatusLine(const StatusStyle &options)
    : m_options(options), m_width(std::max<std::size_t>(options.width, 40))
{}

StatusLine &StatusLine::add(std::string_view text, std::string_view colour)
{
    std::size_t bytes = 0;
    const std::size_t before = m_columns;
    while (bytes < text.size() && m_columns < m_width) {
        ++bytes;
        while (bytes < text.size() && (static_cast<unsigned char>(text[bytes]) & 0xc0) == 0x80)
            ++bytes;
        ++m_columns;
    }
    if (m_columns == before)
        return *this;
    const bool coloured = m_options.colour && !colour.empty();
    if (coloured)
        m_text += colour;
    // What a portal elsewhere says must not drive this terminal.
    for (const char c : text.substr(0, bytes))
        m_text += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
    if (coloured)
        m_text += reset;
    return *this;
}

StatusLine &StatusLine::pad(std::size_t column)
{
    return m_columns < column ? add(std::string(column - m_columns, ' ')) : *this;
}

StatusLine &StatusLine::zone(Zone zone)
{
    const ZoneStyle &style = styleOf(zone);
    add(m_options.utf8 ? style.shape : style.ascii, style.colour).add(" ");
    return add(wordOf(zone), style.colour);
}

std::string StatusLine::end()
{
    m_text.erase(m_text.find_last_not_of(' ') + 1);
    return std::move(m_text) + "\n";
}

} // namespace portolan::commands
