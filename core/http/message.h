// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/access.h"
#include "core/api/clock.h"
#include "core/base/asio.h"

#include <boost/beast/http/fields.hpp>
#include <boost/beast/http/status.hpp>
#include <boost/beast/http/verb.hpp>
#include <boost/json/value.hpp>

#include <any>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace portolan::http {

using boost::beast::http::field;
using boost::beast::http::fields;
using boost::beast::http::status;
using boost::beast::http::verb;

/// One request as a handler sees it. Lives on its connection's thread until the answer is written; views into it die
/// with it.
class Request final
{
public:
    verb method = verb::get;
    std::string target;     ///< as sent: path and query
    std::string_view path;  ///< of `target`, still percent-encoded
    std::string_view query; ///< of `target`, without '?', still percent-encoded
    fields headers;
    std::string body;         ///< empty until admission let it be read
    std::string id;           ///< X-Request-Id: the client's if it is sane, else made here
    std::string_view address; ///< of the client; behind a trusted proxy the one it forwards
    bool secure = false;      ///< came over TLS, here or at a trusted proxy

    Principal principal; ///< set by admission
    std::any admission;  ///< admission's own (session id, …); handlers of `portal` may read it

    SteadyTime deadline{}; ///< an answer not written by then is replaced by 504 `timeout`

    /// A header's value, or empty. Of a repeated one the first.
    std::string_view header(field name) const { return headers[name]; }
    std::string_view header(std::string_view name) const { return headers[name]; }
    /// A cookie's value, or empty.
    std::string_view cookie(std::string_view name) const;
    /// Every value that came under this name which is not empty.
    std::vector<std::string_view> cookies(std::string_view name) const;
    /// The token of `Authorization: Bearer …`, or empty.
    std::string_view bearer() const;
    /// A `{name}` of the route, percent-decoded; empty if the route has none of that name.
    std::string_view param(std::string_view name) const;
    /// A query parameter, decoded; nullopt if absent.
    std::optional<std::string> queryParam(std::string_view name) const;

    static constexpr std::size_t maxParams = 4;
    std::array<std::pair<std::string_view, std::string>, maxParams> params; ///< name → decoded value
    std::size_t paramCount = 0;
};

/// One answer. Content-Length, Date, X-Request-Id, CORS and limit headers are added when it is written.
class Response final
{
public:
    status code = status::ok;
    std::string_view contentType = "application/json"; ///< must outlive the response: a literal
    std::string body;
    /// Further headers in order; names are literals. Values must hold no CR or LF (they are refused).
    std::vector<std::pair<std::string_view, std::string>> headers;
    std::string cause; ///< for the log: what the client is not told

    Response &with(std::string_view name, std::string value) &
    {
        headers.emplace_back(name, std::move(value));
        return *this;
    }
    Response &&with(std::string_view name, std::string value) &&
    {
        headers.emplace_back(name, std::move(value));
        return std::move(*this);
    }
};

Response json(std::string serialized, status code = status::ok);
Response json(const boost::json::value &value, status code = status::ok);
Response text(std::string body, status code = status::ok, std::string_view contentType = "text/plain; charset=utf-8");
Response noContent();

} // namespace portolan::http
