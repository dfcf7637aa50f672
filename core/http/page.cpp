// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/http/page.h"

#include <openssl/evp.h>

namespace portolan::http {

namespace {

// As resources/portal/portal.css, so that it is seen to be of the portal.
constexpr std::string_view style =
    ":root{color-scheme:light dark;--accent:#1f6feb;"
    "--line:color-mix(in srgb,currentColor 18%,transparent)}"
    "body{margin:0;font:16px/1.5 system-ui,sans-serif}"
    "header{padding:.75rem 1.5rem;border-bottom:1px solid var(--line);font-weight:600;font-size:1.1rem}"
    "main{max-width:46rem;margin:2rem auto;padding:0 1.5rem}"
    "h1{font-size:1.25rem;margin:0 0 1rem}"
    "p{margin:0 0 1rem;overflow-wrap:anywhere}"
    ".hint{font-size:.875rem;opacity:.75}"
    "a{color:var(--accent)}"
    "a:focus-visible{outline:2px solid var(--accent);outline-offset:2px}";

std::string escaped(std::string_view text)
{
    std::string out;
    out.reserve(text.size());
    for (const char c : text) {
        switch (c) {
        case '<':
            out += "&lt;";
            break;
        case '>':
            out += "&gt;";
            break;
        case '&':
            out += "&amp;";
            break;
        case '"':
            out += "&quot;";
            break;
        default:
            out += c;
        }
    }
    return out;
}

std::string policyOf(std::string_view text)
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    EVP_Digest(text.data(), text.size(), hash, &size, EVP_sha256(), nullptr);
    unsigned char encoded[4 * ((EVP_MAX_MD_SIZE + 2) / 3) + 1];
    const int length = EVP_EncodeBlock(encoded, hash, static_cast<int>(size));
    const std::string_view base64(reinterpret_cast<const char *>(encoded), static_cast<std::size_t>(length));
    return std::string("default-src 'none'; style-src 'sha256-").append(base64).append("'; frame-ancestors 'none'");
}

} // namespace

std::string errorPage(std::string_view title, std::string_view detail, std::string_view requestId)
{
    const auto heading = escaped(title);
    std::string page = "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">"
                       "<meta name=\"viewport\" content=\"width=device-width\"><title>";
    page.append(heading).append("</title><style>").append(style).append("</style></head><body>");
    page.append("<header>Portal</header><main><h1>").append(heading).append("</h1><p>").append(escaped(detail));
    page.append("</p><p><a href=\"/\">Open the portal's first page</a></p><p class=\"hint\">Request ");
    page.append(escaped(requestId)).append("</p></main></body></html>\n");
    return page;
}

const std::string &errorPagePolicy()
{
    static const std::string policy = policyOf(style);
    return policy;
}

} // namespace portolan::http
