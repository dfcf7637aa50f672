// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/net/http_url.h"

#include "core/base/masking.h"
#include "core/base/url_text.h"
#include "core/net/coded.h"

#include <boost/url/parse.hpp>
#include <boost/url/url.hpp>

#include <algorithm>

namespace portolan::net {

namespace urls = boost::urls;

namespace {

constexpr std::size_t longest = 4096;

Error invalid(const std::string &what, std::string hint)
{
    return coded(ErrorKind::Invalid, "http-url", "The URL is not valid: " + what + ".", std::move(hint));
}

std::string small(std::string_view text)
{
    std::string result(text);
    std::ranges::transform(result, result.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    return result;
}

Result<HttpUrl> fromUrl(const urls::url_view_base &url)
{
    HttpUrl result;
    const std::string scheme = small(std::string(url.scheme()));
    if (scheme != "http" && scheme != "https")
        return invalid("its scheme '" + quotable(scheme, 64) + "' is neither http nor https",
                       "Write https:// before it.");
    if (url.has_userinfo())
        return invalid("it has a user or password in it", "Leave it out of the URL: it would be shown and logged.");
    result.origin.secure = scheme == "https";
    result.origin.host = small(std::string(url.host_address()));
    if (result.origin.host.empty())
        return invalid("it names no host", "Write https://HOST[:PORT][/PATH].");
    const std::string port(url.port());
    const auto number = port.empty() ? std::optional<std::uint16_t>(result.origin.secure ? 443 : 80) : portNumber(port);
    if (!number)
        return invalid("its port is none from 1 to 65535", "Write https://HOST[:PORT][/PATH].");
    result.origin.port = *number;
    const auto path = url.encoded_path();
    const auto query = url.encoded_query();
    if (!path.empty())
        result.target.assign(path.data(), path.size());
    if (url.has_query())
        result.target.append("?").append(query.data(), query.size());
    return result;
}

} // namespace

std::string Origin::authority() const
{
    const std::string name = host.find(':') != std::string::npos ? "[" + host + "]" : host;
    return port == (secure ? 443 : 80) ? name : name + ":" + std::to_string(port);
}

std::string Origin::display() const { return (secure ? "https://" : "http://") + authority(); }

Result<HttpUrl> parseHttpUrl(std::string_view url)
{
    if (url.size() > longest)
        return invalid("it is longer than 4096 bytes", "Write https://HOST[:PORT][/PATH].");
    if (url.find("://") == url.npos)
        return invalid("it has no scheme", "Write https:// before it.");
    if (const auto flaw = authorityFlaw(url))
        return invalid(flaw->what, flaw->mend);
    const auto parsed = urls::parse_uri({url.data(), url.size()});
    if (!parsed)
        return invalid("it does not have the form of a URL", "Write https://HOST[:PORT][/PATH].");
    return fromUrl(*parsed);
}

Result<HttpUrl> resolveLocation(const HttpUrl &from, std::string_view location)
{
    if (location.size() > longest)
        return invalid("it is longer than 4096 bytes", "");
    const auto reference = urls::parse_uri_reference({location.data(), location.size()});
    const std::string base = from.origin.display() + from.target;
    const auto parsed = urls::parse_uri({base.data(), base.size()});
    if (!reference || !parsed)
        return invalid("it does not have the form of a URL", "");
    urls::url resolved(*parsed);
    if (const auto done = resolved.resolve(*reference); !done)
        return invalid("it leads nowhere", "");
    const auto text = resolved.buffer();
    return parseHttpUrl({text.data(), text.size()});
}

} // namespace portolan::net
