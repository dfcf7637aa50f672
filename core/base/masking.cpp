#include "core/base/masking.h"

#include <algorithm>
#include <array>

namespace portolan {

namespace {

/// Without separators and in small letters. A name that contains one of these is a secret's.
constexpr std::array<std::string_view, 14> parts{"password",      "passwd", "passphrase", "token",      "secret",
                                                 "authorization", "cookie", "apikey",     "credential", "privatekey",
                                                 "ingestkey",     "appkey", "signature",  "csrf"};
/// Too short to look for inside other words.
constexpr std::array<std::string_view, 6> wholes{"sid", "pwd", "pw", "otp", "jwt", "auth"};

constexpr char small(char c) { return c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c; }
constexpr bool isName(char c)
{
    return (small(c) >= 'a' && small(c) <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}
constexpr bool isSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
constexpr bool endsValue(char c)
{
    return isSpace(c) || c == '&' || c == ';' || c == ',' || c == '"' || c == '\'' || c == ')' || c == '}' || c == ']';
}

bool startsWith(std::string_view text, std::size_t at, std::string_view word)
{
    if (text.size() - at < word.size())
        return false;
    for (std::size_t i = 0; i < word.size(); ++i)
        if (small(text[at + i]) != word[i])
            return false;
    return true;
}

/// Behind "://" at `at`: where the user-info ends (its '@'), or npos if there is none.
std::size_t userInfoEnd(std::string_view text, std::size_t at)
{
    std::size_t found = std::string_view::npos;
    for (; at < text.size() && !isSpace(text[at]) && text[at] != '/' && text[at] != '?' && text[at] != '"'; ++at)
        if (text[at] == '@')
            found = at; // the last one: a password may hold an '@' nobody escaped
    return found;
}

/// Behind the name that ends before `at`: where its value begins, past `=` or `:`, quotes and spaces; npos if none
/// does.
std::size_t valueStart(std::string_view text, std::size_t at)
{
    if (at < text.size() && (text[at] == '"' || text[at] == '\''))
        ++at;
    if (at >= text.size() || (text[at] != '=' && text[at] != ':') || startsWith(text, at, "://"))
        return std::string_view::npos;
    const bool colon = text[at++] == ':';
    while (colon && at < text.size() && text[at] == ' ')
        ++at;
    if (at < text.size() && (text[at] == '"' || text[at] == '\''))
        ++at;
    return at < text.size() && !endsValue(text[at]) ? at : std::string_view::npos;
}

std::size_t valueEnd(std::string_view text, std::size_t at)
{
    while (at < text.size() && !endsValue(text[at]))
        ++at;
    return at;
}

/// Of the words that introduce credentials in a header (RFC 7235), the space included; 0 if there is none.
std::size_t schemeSize(std::string_view text, std::size_t at)
{
    for (const std::string_view scheme : {"bearer ", "basic "})
        if (startsWith(text, at, scheme))
            return scheme.size();
    return 0;
}

/// "basic authentication" is prose; what follows a scheme is longer when it is a credential.
constexpr std::size_t shortestCredential = 16;

} // namespace

bool isSecretName(std::string_view name)
{
    std::string plain;
    plain.reserve(name.size());
    for (const char c : name)
        if (c != '_' && c != '-' && c != '.' && c != ' ')
            plain += small(c);
    return std::ranges::any_of(wholes, [&](auto whole) { return plain == whole; }) ||
           std::ranges::any_of(parts, [&](auto part) { return plain.find(part) != std::string::npos; });
}

std::string maskSecrets(std::string_view text)
{
    std::string result;
    result.reserve(text.size());
    std::size_t at = 0;
    while (at < text.size()) {
        if (startsWith(text, at, "://")) {
            result += "://";
            at += 3;
            if (const auto end = userInfoEnd(text, at); end != std::string_view::npos) {
                result += maskedText;
                at = end;
            }
            continue;
        }
        if (!isName(text[at])) {
            result += text[at++];
            continue;
        }
        std::size_t end = at;
        while (end < text.size() && isName(text[end]))
            ++end;
        const std::string_view word = text.substr(at, end - at);
        std::size_t value = isSecretName(word) ? valueStart(text, end) : std::string_view::npos;
        if (value != std::string_view::npos)
            value += schemeSize(text, value);
        else if (schemeSize(text, at) > 0 && valueEnd(text, end + 1) >= end + 1 + shortestCredential)
            value = end + 1;
        if (value == std::string_view::npos) {
            result += word;
            at = end;
            continue;
        }
        result.append(text.substr(at, value - at)).append(maskedText);
        at = valueEnd(text, value);
    }
    return result;
}

} // namespace portolan
