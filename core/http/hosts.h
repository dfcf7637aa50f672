// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/result.h"

#include <string>
#include <string_view>
#include <vector>

/// Which names a server is asked by, and which pages may ask it. Both are put into the one form browsers send, or
/// refused with the mend: a list in which nothing can ever match shuts everybody out.
namespace portolan::http {

/// localhost and what is below it, 127.0.0.0/8 and ::1; a port and a trailing dot do not matter.
bool isLoopbackName(std::string_view authority);

/// An address rather than a name: no page can have been loaded by it whose own server is elsewhere.
bool isAddressLiteral(std::string_view authority);

/// "name:port" or "[::1]:port" without the port and a trailing dot.
std::string_view hostOf(std::string_view authority);

/// Immutable, safe from any thread.
class AllowedHosts final
{
public:
    /// Any host.
    AllowedHosts() = default;
    /// Loopback names, and requests that name no host at all, as tools send them; no page can make a browser do that.
    static AllowedHosts loopback();
    /// Names as they are written for the Host header: `portal.example`, `.portal.example` (with all below it),
    /// `*.portal.example` (what is below it), `*` (any). A port, a scheme and a trailing slash or dot are left out,
    /// other alphabets are put as the DNS has them. Invalid with the entry, without what may be a password in it, and
    /// the mend; also for what other programs take for any name (`any`, `0.0.0.0`), and for addresses that browsers
    /// write otherwise (`127.1`).
    static Result<AllowedHosts> parse(const std::vector<std::string> &entries);

    bool allows(std::string_view authority) const; ///< of a Host header or a target; may be empty
    bool any() const { return m_any; }
    bool loopbackOnly() const { return m_loopback; }
    std::string describe() const; ///< for a person: "portal.example, .other.example"

private:
    bool m_any = true;
    bool m_loopback = false;
    std::vector<std::string> m_names; ///< ".name": with all below; "*.name": only below
};

/// An origin as browsers send it: scheme and host in small letters, no default port, nothing behind. Invalid, with the
/// mend, for what no browser ever sends.
Result<std::string> normalOrigin(std::string_view entry);

} // namespace portolan::http
