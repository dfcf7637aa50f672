// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/zone.h"
#include "core/commands/status_text.h"

#include <cstddef>
#include <string>
#include <string_view>

namespace portolan::commands {

constexpr std::string_view dim = "\x1b[2m";
constexpr std::string_view bold = "\x1b[1m";

/// Characters of UTF-8 text, each one column wide: all that is printed here is.
std::size_t columns(std::string_view text);

/// Builds one line of a StatusStyle, which outlives it: counts columns, knows the colours, never passes the width.
class StatusLine final
{
public:
    explicit StatusLine(const StatusStyle &options);

    StatusLine &add(std::string_view text, std::string_view colour = {});
    StatusLine &pad(std::size_t column); ///< blanks up to there
    StatusLine &zone(Zone zone);         ///< its shape and word
    bool room(std::size_t wanted) const { return m_columns + wanted <= m_width; }
    std::string end(); ///< the line with its newline; once

private:
    const StatusStyle &m_options;
    const std::size_t m_width;
    std::string m_text;
    std::size_t m_columns = 0;
};

} // namespace portolan::commands
