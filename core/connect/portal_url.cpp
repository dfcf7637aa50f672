// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/connect/portal_url.h"

#include "core/base/given_text.h"
#include "core/base/url_text.h"
#include "core/connect/watch_text.h"
#include "core/net/http_url.h"
#include "core/stack/watch_values.h"

#include <array>
#include <optional>

namespace portolan::connect {

namespace {

Error wrong(const std::string &what, const std::string &mend = {}) { return failure(ErrorKind::Invalid, what, mend); }

/// nullopt: a '%' that no byte follows.
std::optional<std::string> decoded(std::string_view text)
{
    const auto digit = [](char c) {
        return c >= '0' && c <= '9'   ? c - '0'
               : c >= 'a' && c <= 'f' ? c - 'a' + 10
               : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                      : -1;
    };
    std::string made;
    made.reserve(text.size());
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] != '%') {
            made += text[at];
            continue;
        }
        if (at + 2 >= text.size() || digit(text[at + 1]) < 0 || digit(text[at + 2]) < 0)
            return std::nullopt;
        made += char(digit(text[at + 1]) * 16 + digit(text[at + 2]));
        at += 2;
    }
    return made;
}

/// What stands before every path of the portal: its pages and routes are known.
std::string_view basePath(std::string_view path)
{
    constexpr std::array<std::string_view, 7> pages{"/api",   "/auth",    "/dashboard",   "/health",
                                                    "/ready", "/metrics", "/openapi.json"};
    for (const auto page : pages)
        for (auto at = path.find(page); at != path.npos; at = path.find(page, at + 1))
            if (at + page.size() == path.size() || path[at + page.size()] == '/') {
                path = path.substr(0, at);
                break;
            }
    while (path.ends_with('/'))
        path.remove_suffix(1);
    return path;
}

bool isThisMachine(std::string_view host) { return host == "localhost" || host == "::1" || host.starts_with("127."); }

} // namespace

Result<void> findPortal(std::string_view text, std::string_view where, Found &found)
{
    std::string url(trimmed(text));
    const auto fail = [&](const Error &why) {
        Error error = wrong(std::string(where) + (where.empty() ? "" : ": ") + why.message, why.hint);
        error.code = "connect-address";
        wipe(url);
        return error;
    };
    EndSpec spec;
    Secret password;
    if (const auto characters = unescapedCharacters(url)) // what seems to be a host may be the rest of a password
        return fail(wrong(*characters, "Escape it so, or leave user and password out"));
    if (const auto user = findUserInformation(url)) {
        const std::string_view all = std::string_view(url).substr(user->begin, user->end - user->begin);
        const auto colon = all.find(':');
        const auto email = decoded(all.substr(0, colon));
        auto given = decoded(colon == all.npos ? std::string_view() : all.substr(colon + 1));
        if (!email || !given)
            return fail(wrong("a '%' of its user or password must be written %25"));
        password = Secret(*given);
        wipe(*given);
        spec.signIn = SignInBy::Password;
        spec.email = visible(*email);
        url.erase(user->begin, user->end + 1 - user->begin);
    }
    url.erase(std::min(url.find_first_of("?#"), url.size()));
    if (const auto fit = stack::readHttpUrl(url); !fit)
        return fail(fit.error());
    const auto parsed = net::parseHttpUrl(url);
    if (!parsed)
        return fail(parsed.error());
    spec.kind = EndKind::Portal;
    spec.url = parsed->origin.display() + std::string(basePath(parsed->target));
    spec.name = parsed->origin.host;
    if (!parsed->origin.secure && !isThisMachine(parsed->origin.host))
        found.findings.push_back({FindingKind::PlainHttp, std::string(where), spec.name});
    found.findings.push_back({FindingKind::PortalUrl, std::string(where), spec.url});
    if (!password.empty()) {
        spec.secret = deploymentName(spec.name) + "-portal";
        found.findings.push_back({FindingKind::PasswordTaken, std::string(where), spec.secret});
        found.secrets.push_back({spec.secret, password});
    }
    found.ends.push_back(std::move(spec));
    return {};
}

} // namespace portolan::connect
