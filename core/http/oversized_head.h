// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace portolan::http {

/// Reads over a head that is too large to be taken, keeping nothing but what its refusal depends on: a person's browser
/// gets a page and is told of its cookies, a program gets neither.
class OversizedHead final
{
public:
    void take(std::string_view bytes); ///< what has come since

    bool complete() const { return m_complete; } ///< the empty line has come
    /// Whether the rest may still say that a page is wanted.
    bool undecided() const { return !m_complete && !m_page && (m_first || m_get); }

    bool isHead() const { return m_head; }
    bool wantsPage() const { return m_page; }
    /// Whether cookies are most of it so far.
    bool mostlyCookies() const { return 2 * m_cookieBytes > m_bytes; }

private:
    void endLine();
    bool inCookie() const;

    std::string m_line; ///< its beginning
    bool m_first = true;
    bool m_get = false;
    bool m_head = false;
    bool m_page = false;
    bool m_complete = false;
    std::size_t m_bytes = 0;
    std::size_t m_cookieBytes = 0;
};

} // namespace portolan::http
