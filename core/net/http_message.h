// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/certificate.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace portolan::net {

struct Header
{
    std::string name;
    std::string value;
};
using Headers = std::vector<Header>;

/// The value of the first header of that name, in whatever case; empty: there is none.
std::string_view header(const Headers &headers, std::string_view name);

enum class Verb : std::uint8_t { Get, Head, Post, Put, Patch, Delete };

struct HttpRequest
{
    Verb verb = Verb::Get;
    std::string target = "/"; ///< path and query, as they go out: percent-encoded
    Headers headers = {};     ///< but Host, User-Agent and those of encoding, length and connection, which are ours
    std::string body = {};
    std::chrono::milliseconds deadline{10'000}; ///< of the whole call: waiting, dialing, TLS, writing, reading
    std::size_t most = 16 * 1024 * 1024;        ///< bytes of the answer's body; over it the call fails
    /// How many redirects a GET may follow: to the same scheme or to https, and without what signs in (Authorization,
    /// Cookie, X-CSRF-Token) once host, port or scheme is another. The answer to one too many is the answer.
    unsigned redirects = 0;
};

struct HttpAnswer
{
    unsigned status = 0;
    Headers headers;
    std::string body;
    std::chrono::milliseconds took{0};           ///< the whole call
    std::chrono::milliseconds firstByte{0};      ///< until the answer began
    std::optional<CertificateFacts> certificate; ///< of who answered; nothing without TLS
};

} // namespace portolan::net
