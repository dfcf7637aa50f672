#include "core/base/masking.h"

#include "core/base/url_text.h"

#include <algorithm>
#include <array>
#include <optional>

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
bool startsWith(std::string_view text, std::size_t at, std::string_view word)
{
    if (text.size() - at < word.size())
        return false;
    for (std::size_t i = 0; i < word.size(); ++i)
        if (small(text[at + i]) != word[i])
            return false;
    return true;
}

/// host or host:digits with a path or a query behind it: nothing that could be the beginning of a password.
bool looksWhole(std::string_view text)
{
    const auto end = std::min(text.find_first_of("/?#"), text.size());
    const auto authority = text.substr(0, end);
    if (authority.starts_with('['))
        return true;
    const auto colon = authority.find(':');
    if (colon == std::string_view::npos)
        return true;
    const auto port = authority.substr(colon + 1);
    return colon > 0 &&
           std::ranges::all_of(port, [](char c) { return (c >= '0' && c <= '9') || c == ',' || c == '.'; });
}

/// Behind "://" at `at`, in prose: where the user-info ends (its '@'), or npos if there is none. It ends at the last
/// '@' of the word, since a password may hold anything that nobody escaped; of the line, where the word by itself is
/// no address.
std::size_t userInfoEnd(std::string_view text, std::size_t at)
{
    // Pages have paths with an '@', databases and queues do not.
    const auto before = text.substr(0, at - 3);
    const auto authority = text.substr(at, text.find_first_of("/?#\"<> \t\r\n", at) - at);
    if ((before.ends_with("http") || before.ends_with("https")) &&
        authority.find_first_of(":@") == std::string_view::npos)
        return std::string_view::npos;
    const auto lineEnd = std::min(text.find('\n', at), text.size());
    auto wordEnd = at;
    while (wordEnd < lineEnd && !isSpace(text[wordEnd]) && text[wordEnd] != '"' && text[wordEnd] != '<' &&
           text[wordEnd] != '>')
        ++wordEnd;
    const auto within = [&](std::size_t end) {
        const auto found = text.substr(at, end - at).rfind('@');
        return found == std::string_view::npos ? found : at + found;
    };
    if (const auto found = within(wordEnd); found != std::string_view::npos)
        return found;
    return looksWhole(text.substr(at, wordEnd - at)) ? std::string_view::npos : within(lineEnd);
}

/// A value under a secret's name: where it begins and ends.
struct SecretValue
{
    std::size_t begin;
    std::size_t end;
};

/// Of a value that stands free, past '=' or ':': up to a blank, the next parameter or pair, or what closes around it.
std::size_t freeValueEnd(std::string_view text, std::size_t at)
{
    for (; at < text.size() && !isSpace(text[at]) && text[at] != '&' && text[at] != '"' && text[at] != '\''; ++at) {
        const char c = text[at];
        if (c != ',' && c != ';' && c != ')' && c != '}' && c != ']')
            continue;
        auto next = at + 1;
        while (next < text.size() && isName(text[next]))
            ++next;
        const bool pair = next > at + 1 && next < text.size() && (text[next] == '=' || text[next] == ':');
        if (pair || at + 1 == text.size() || isSpace(text[at + 1]) || !isName(text[at + 1]))
            break;
    }
    return at;
}

/// Behind the name that ends before `at`: its value, past `=` or `:`, quotes and spaces; nullopt if there is none.
std::optional<SecretValue> valueBehind(std::string_view text, std::size_t at)
{
    if (at < text.size() && (text[at] == '"' || text[at] == '\''))
        ++at;
    auto sign = at; // keyword strings of libpq may have blanks around the sign
    while (sign < text.size() && text[sign] == ' ')
        ++sign;
    if (sign < text.size() && text[sign] == '=')
        at = sign;
    if (at >= text.size() || (text[at] != '=' && text[at] != ':') || startsWith(text, at, "://"))
        return std::nullopt;
    ++at;
    while (at < text.size() && text[at] == ' ')
        ++at;
    if (at < text.size() && (text[at] == '"' || text[at] == '\'')) {
        const char quote = text[at++];
        auto end = at;
        while (end < text.size() && text[end] != quote)
            end += text[end] == '\\' ? 2 : 1;
        end = std::min(end, text.size());
        return end > at ? std::optional(SecretValue{at, end}) : std::nullopt;
    }
    const auto end = freeValueEnd(text, at);
    return end > at ? std::optional(SecretValue{at, end}) : std::nullopt;
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
        auto value = isSecretName(word) ? valueBehind(text, end) : std::nullopt;
        if (value) {
            if (const auto scheme = schemeSize(text, value->begin); scheme > 0) {
                value->begin += scheme;
                value->end = std::max(value->end, freeValueEnd(text, value->begin));
            }
        } else if (schemeSize(text, at) > 0 && freeValueEnd(text, end + 1) >= end + 1 + shortestCredential) {
            value = SecretValue{end + 1, freeValueEnd(text, end + 1)};
        }
        if (!value) {
            result += word;
            at = end;
            continue;
        }
        result.append(text.substr(at, value->begin - at)).append(maskedText);
        at = value->end;
    }
    return result;
}

std::string maskAddress(std::string_view value)
{
    // Before the last '@' nothing is shown but the scheme, however the text is written; the scheme itself may be what
    // is wrong with it ("redis:/:secret@host").
    std::size_t scheme = 0;
    while (scheme < value.size() && (isName(value[scheme]) || value[scheme] == '+' || value[scheme] == '.'))
        ++scheme;
    if (scheme == 0 || scheme >= value.size() || value[scheme] != ':') {
        scheme = 0;
    } else {
        ++scheme;
        while (scheme < value.size() && value[scheme] == '/')
            ++scheme;
    }
    const auto at = value.rfind('@');
    std::string rest;
    if (at != std::string_view::npos && at >= scheme) {
        rest = std::string(maskedText).append(value.substr(at));
    } else {
        rest = value.substr(scheme);
        const bool authority = value.substr(0, scheme).ends_with("://");
        if (authority && !looksWhole(rest)) // a password whose '@' was forgotten
            rest = maskedText;
    }
    return std::string(value.substr(0, scheme)) + maskSecrets(rest);
}

std::string maskAddresses(std::string_view list)
{
    std::string result;
    for (const auto item : splitAddresses(list)) {
        if (item.data() != list.data())
            result += *(item.data() - 1); // the separator before it
        result += maskAddress(item);
    }
    return result;
}

} // namespace portolan
