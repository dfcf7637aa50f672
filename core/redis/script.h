// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>
#include <string_view>

namespace portolan::redis {

/// A Lua script that Redis runs atomically. Sent by its SHA-1; the client loads it on every new connection before
/// anything else, and again should Redis have forgotten it (NOSCRIPT). Make one per script and keep it as long as the
/// client lives.
class Script final
{
public:
    Script(std::string name, std::string source); ///< `name` is for error messages
    const std::string &name() const { return m_name; }
    const std::string &source() const { return m_source; }
    const std::string &sha() const { return m_sha; } ///< 40 lower-case hex digits

private:
    std::string m_name;
    std::string m_source;
    std::string m_sha;
};

} // namespace portolan::redis
