// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/log_ring.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace portolan {
namespace {

constexpr std::uint32_t mostPerPage = 500;

/// Where a text can be cut: not within a character.
std::size_t cutOf(const std::string &text, std::size_t longest)
{
    std::size_t end = longest;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80)
        --end;
    return end;
}

LogLine cut(LogLine line)
{
    if (line.message.size() > LogRing::longest)
        line.message.replace(cutOf(line.message, LogRing::longest), std::string::npos, "…");
    return line;
}

} // namespace

void LogRing::add(LogLine line)
{
    line = cut(std::move(line));
    const std::lock_guard lock(m_mutex);
    push(std::move(line));
}

WallTime LogRing::add(LogLine line, const Clock &clock)
{
    line = cut(std::move(line));
    const std::lock_guard lock(m_mutex);
    const WallTime now = line.time = clock.wall();
    push(std::move(line));
    return now;
}

void LogRing::push(LogLine line)
{
    m_lines.push_back(std::move(line));
    if (m_lines.size() > most) {
        m_lines.pop_front();
        ++m_first;
    }
}

Result<LogPage> LogRing::page(const LogQuery &query) const
{
    if (query.limit < 1 || query.limit > mostPerPage)
        return badField("A page of the log has 1 to 500 lines.", "/limit", "must be 1–500");
    const std::lock_guard lock(m_mutex);
    std::uint64_t before = m_first + m_lines.size();
    if (!query.cursor.empty()) {
        const char *const end = query.cursor.data() + query.cursor.size();
        std::uint64_t last = 0;
        const auto [read, wrong] = std::from_chars(query.cursor.data(), end, last);
        if (wrong != std::errc() || read != end || last > before)
            return badField("That is no cursor of the log.", "/cursor", "must be a next_cursor of this list");
        before = std::max(last, m_first);
    }
    LogPage page;
    for (std::uint64_t number = before; number > m_first;) {
        const LogLine &line = m_lines[--number - m_first];
        if (line.level < query.level)
            continue;
        if (page.items.size() == query.limit) { // there is another one
            page.nextCursor = std::to_string(number + 1);
            break;
        }
        page.items.push_back(line);
    }
    return page;
}

} // namespace portolan
