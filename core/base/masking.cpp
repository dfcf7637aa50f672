// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/masking.h"

#include "core/base/given_text.h"
#include "core/base/url_text.h"
#include "core/base/utf8.h"

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

namespace portolan {

namespace {

/// Without separators and in small letters. A name that contains one of these is a secret's.
constexpr std::array<std::string_view, 14> parts{"password",      "passwd", "passphrase", "token",      "secret",
                                                 "authorization", "cookie", "apikey",     "credential", "privatekey",
                                                 "ingestkey",     "appkey", "signature",  "csrf"};
/// Too short to look for inside other words.
constexpr std::array<std::string_view, 7> wholes{"sid", "pwd", "pw", "pass", "otp", "jwt", "auth"};

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

constexpr bool isDigits(std::string_view text)
{
    return std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

bool isPorts(std::string_view text)
{
    return std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || c == ',' || c == '.'; });
}

/// host or host:digits with a path or a query behind it: nothing that could be the beginning of a password.
bool looksWhole(std::string_view text)
{
    const auto end = std::min(text.find_first_of("/?#"), text.size());
    const auto authority = text.substr(0, end);
    const bool bracketed = authority.starts_with('[');
    const auto close = bracketed ? authority.find(']') : 0;
    if (close == std::string_view::npos)
        return false;
    const auto colon = authority.find(':', close);
    if (colon == std::string_view::npos)
        return true;
    if (authority.substr(close, colon - close).find('@') != std::string_view::npos)
        return false;
    const auto port = authority.substr(colon + 1);
    return colon > 0 && !port.empty() && isPorts(port);
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

/// Whether the '@' at `sign` stands in the value of a secret parameter that begins behind `begin` (?password=a@b): then
/// what follows it is no host.
bool inSecretParameter(std::string_view text, std::size_t begin, std::size_t sign)
{
    const auto before = text.substr(begin, sign - begin);
    const auto parameter = before.find_last_of("?&");
    if (parameter == std::string_view::npos)
        return false;
    const auto equals = before.find('=', parameter);
    return equals != std::string_view::npos && isSecretName(before.substr(parameter + 1, equals - parameter - 1));
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

/// Where the value of a parameter ends that nobody may have escaped: before the next `name=`, which '&' introduces in a
/// query and a blank among keywords.
std::size_t unescapedValueEnd(std::string_view text, std::size_t at, bool query)
{
    for (; at < text.size(); ++at) {
        if (query ? text[at] != '&' : !isSpace(text[at]))
            continue;
        auto next = at + 1;
        while (next < text.size() && isName(text[next]))
            ++next;
        const bool named = next > at + 1;
        while (!query && next < text.size() && isSpace(text[next]))
            ++next;
        if (named && next < text.size() && text[next] == '=')
            break;
    }
    return at;
}

/// Where a value ends that a quotation mark before `at` opened: at the one behind which something else begins.
std::size_t quotedValueEnd(std::string_view text, std::size_t at)
{
    const char quote = text[at - 1];
    for (; at < text.size(); ++at)
        if (text[at] == quote && (at + 1 == text.size() || unescapedValueEnd(text, at + 1, false) == at + 1))
            break;
    return at;
}

/// The names of parameters under which other programs take a password or a key.
bool namesSecret(std::string_view name)
{
    if (name.find('%') != std::string_view::npos) // nobody escapes a name but to hide it
        return true;
    std::string plain(name);
    std::ranges::transform(plain, plain.begin(), small);
    return isSecretName(name) || plain == "key" || plain == "sig" || plain == "code" ||
           plain.find("pass") != std::string::npos || plain.find("pwd") != std::string::npos;
}

/// The values of secret parameters and keywords, in order. What precedes a colon between the scheme, which ends at
/// `authority`, and the first parameter is a user or a part of a password, and names no value.
std::vector<SecretValue> addressSecrets(std::string_view text, std::size_t authority)
{
    std::vector<SecretValue> found;
    const auto isPart = [](char c) { return isName(c) || c == '.' || c == '%'; };
    for (std::size_t at = 0; at < text.size();) {
        if (!isPart(text[at])) {
            ++at;
            continue;
        }
        const auto begin = at;
        while (at < text.size() && isPart(text[at]))
            ++at;
        auto sign = at;
        while (sign < text.size() && (isSpace(text[sign]) || text[sign] == '"' || text[sign] == '\''))
            ++sign;
        const bool pair =
            sign < text.size() && (text[sign] == '=' || text[sign] == ':') && !startsWith(text, sign, "://");
        if (!pair || !namesSecret(text.substr(begin, at - begin)))
            continue;
        if (text[at] == ':' && authority > 0 && authority <= begin &&
            text.substr(authority, begin - authority).find_first_of("?& \t,;\"'{") == std::string_view::npos)
            continue;
        ++sign;
        while (sign < text.size() && isSpace(text[sign]))
            ++sign;
        const bool quoted = sign < text.size() && (text[sign] == '"' || text[sign] == '\'');
        const bool query = text.substr(0, begin).find_last_of("?&") != std::string_view::npos;
        const auto value = sign + (quoted ? 1 : 0);
        at = quoted ? quotedValueEnd(text, value) : unescapedValueEnd(text, value, query);
        if (at > value)
            found.push_back({value, at});
    }
    return found;
}

/// `name:` and the slashes behind it, at the beginning of an address. The name may be what is wrong with it
/// ("redis:/:secret@h"), or be none at all ("user:secret@h").
struct Scheme
{
    std::size_t end = 0; ///< 0: there is none
    std::size_t slashes = 0;
    bool ofFiles = false; ///< a path follows, and no host
};
Scheme readScheme(std::string_view value)
{
    constexpr std::array<std::string_view, 4> ofFiles{"sqlite", "sqlite3", "file", "unix"};
    constexpr std::array<std::string_view, 17> known{"redis", "rediss", "valkey", "valkeys",    "tcp",     "tls",
                                                     "http",  "https",  "smtp",   "smtps",      "amqp",    "amqps",
                                                     "jdbc",  "mysql",  "pgsql",  "postgresql", "postgres"};
    std::size_t end = 0;
    while (end < value.size() && (isName(value[end]) || value[end] == '+' || value[end] == '.'))
        ++end;
    if (end == 0 || end >= value.size() || value[end] != ':')
        return {};
    std::string name(value.substr(0, end));
    std::ranges::transform(name, name.begin(), small);
    const bool files = std::ranges::find(ofFiles, name.substr(0, name.find('+'))) != ofFiles.end() ||
                       name.ends_with("+socket") || name.ends_with("+unix");
    ++end;
    const auto slashes = std::min(value.find_first_not_of('/', end), value.size()) - end;
    if (!files && slashes < 2 && std::ranges::find(known, name.substr(0, name.find('+'))) == known.end())
        return {};
    return {end + slashes, slashes, files};
}

bool isAddress6(std::string_view text)
{
    return std::ranges::count(text, ':') > 1 && text.find_first_not_of("0123456789abcdefABCDEF:.[]/%") == text.npos;
}

/// A host with the word that names a service, or stands for a port: "portal.example:http", "HOST:PORT". Of a text whose
/// name could as well be a user's the word is taken for a password.
bool isHostAndService(std::string_view text)
{
    const auto colon = text.rfind(':');
    if (colon == text.npos)
        return false;
    const auto is = [](std::string_view given, std::string_view word) {
        return given.size() == word.size() && startsWith(given, 0, word);
    };
    const auto host = text.substr(0, colon), word = text.substr(colon + 1);
    const bool service = is(word, "http") || is(word, "https") || is(word, "port");
    const bool bracketed = host.starts_with('[') && host.ends_with(']') && isAddress6(host);
    const bool named = !host.empty() && std::ranges::all_of(host, [](char c) { return isName(c) || c == '.'; });
    return service && (host == "*" || bracketed || is(host, "localhost") || is(host, "host") || is(host, "address") ||
                       (named && host.find('.') != host.npos));
}

/// "a.example:80,b.example:81": every item has a host with a dot and a port.
bool isListOfPorts(std::string_view text)
{
    for (bool more = true; more;) {
        const auto item = text.substr(0, text.find(','));
        const auto colon = item.find(':');
        const auto dot = item.find('.');
        if (colon == item.npos || colon + 1 == item.size() || dot == 0 || dot > colon ||
            !isDigits(item.substr(colon + 1)))
            return false;
        more = item.size() < text.size();
        text.remove_prefix(std::min(text.size(), item.size() + 1));
    }
    return true;
}

/// Of a text without an '@': whether what follows its colons is a port, so that no password stands there whose host was
/// forgotten.
bool namesItsHost(std::string_view value, const Scheme &scheme)
{
    for (auto at = value.find("://", scheme.end); at != value.npos; at = value.find("://", at + 3))
        if (!looksWhole(value.substr(at + 3)))
            return false;
    const auto rest = value.substr(scheme.end);
    if (scheme.ofFiles && scheme.slashes != 2)
        return !rest.starts_with(':') || rest == ":memory:";
    if (scheme.slashes > 1)
        return looksWhole(rest) || isHostAndService(rest);
    if (scheme.end > 0)
        return isPorts(rest);
    const auto colon = value.find(':');
    if (colon == value.npos || value.substr(colon).starts_with("://") || isAddress6(value) || isHostAndService(value) ||
        isListOfPorts(value) || (colon == 0 && portNumber(value.substr(1))))
        return true;
    const auto name = value.substr(0, colon); // "user:secret", unless a port or prose follows
    return name.find_first_of(" =/") != name.npos || value.substr(colon).starts_with(": ") ||
           (!name.empty() && (isPorts(value.substr(colon + 1)) || (name.front() >= '0' && name.front() <= '9')));
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
                at = inSecretParameter(text, at, end) ? freeValueEnd(text, end) : end;
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
    const auto scheme = readScheme(value);
    auto hidden = scheme.end;
    const auto hide = [&](std::size_t to) { hidden = std::max(hidden, to); };
    const auto sign = value.rfind('@');
    const auto secrets = addressSecrets(value, sign != value.npos && scheme.slashes > 1 ? scheme.end : 0);
    if (sign != std::string_view::npos) {
        hide(sign);
        for (const auto &secret : secrets) // what follows the '@' is no host then
            if (secret.begin <= sign && secret.end > sign)
                hide(secret.end);
    } else if (!namesItsHost(value, scheme)) {
        hide(value.size());
    }
    std::string result(value.substr(0, scheme.end));
    if (hidden > scheme.end)
        result += maskedText;
    auto at = hidden;
    for (const auto &secret : secrets) {
        if (secret.begin < at)
            continue;
        result.append(value.substr(at, secret.begin - at)).append(maskedText);
        at = secret.end;
    }
    return maskSecrets(result.append(value.substr(at)));
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

std::string quotable(std::string_view text, std::size_t longest)
{
    const std::string masked = maskAddress(text);
    const auto begin = cutText(masked, longest);
    return visible(begin) + (begin.size() < masked.size() ? "\u2026" : "");
}

} // namespace portolan
