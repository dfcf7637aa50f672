// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/http/oversized_head.h"

#include "core/http/accept.h"

#include <boost/beast/core/string.hpp>

#include <algorithm>

namespace portolan::http {

namespace {

constexpr std::size_t keptOfLine = 1024;

bool isHeader(std::string_view line, std::string_view name)
{
    return line.size() > name.size() && line[name.size()] == ':' &&
           boost::beast::iequals(line.substr(0, name.size()), name);
}

} // namespace

bool OversizedHead::inCookie() const { return !m_first && isHeader(m_line, "Cookie"); }

void OversizedHead::take(std::string_view bytes)
{
    while (!bytes.empty() && !m_complete) {
        const auto end = bytes.find('\n');
        const auto part = bytes.substr(0, end);
        m_line.append(part.substr(0, keptOfLine - std::min(keptOfLine, m_line.size())));
        m_bytes += part.size();
        if (inCookie())
            m_cookieBytes += part.size();
        if (end == std::string_view::npos)
            return;
        endLine();
        bytes.remove_prefix(end + 1);
    }
}

void OversizedHead::endLine()
{
    if (m_line.empty() || m_line == "\r") {
        m_complete = !m_first;
    } else if (m_first) {
        m_get = m_line.starts_with("GET ");
        m_head = m_line.starts_with("HEAD ");
        m_first = false;
    } else if (isHeader(m_line, "Accept")) {
        const std::string_view line(m_line);
        m_page = m_get && asksForPage(line.substr(line.find(':') + 1, line.rfind('\r') - line.find(':') - 1));
    }
    m_line.clear();
}

} // namespace portolan::http
