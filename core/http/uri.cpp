// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/http/uri.h"

namespace portolan::http {

namespace {

int hexDigit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

} // namespace

bool wellFormedTarget(std::string_view target)
{
    for (std::size_t i = 0; i < target.size(); ++i) {
        const char c = target[i];
        if (c <= 0x20 || c >= 0x7f || c == '#' || c == '\\')
            return false;
        if (c == '%') {
            if (i + 2 >= target.size() || hexDigit(target[i + 1]) < 0 || hexDigit(target[i + 2]) < 0)
                return false;
            if (target[i + 1] == '0' && target[i + 2] == '0')
                return false;
            i += 2;
        }
    }
    return true;
}

std::string plainPath(std::string_view path)
{
    std::string plain("/");
    for (const char c : path) {
        if (c != '/' || plain.back() != '/')
            plain.push_back(c);
    }
    if (plain.size() > 1 && plain.back() == '/')
        plain.pop_back();
    return plain;
}

bool percentDecodeInto(std::string_view text, std::string &out, bool plusIsSpace)
{
    out.clear();
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%') {
            if (i + 2 >= text.size())
                return false;
            const int high = hexDigit(text[i + 1]);
            const int low = hexDigit(text[i + 2]);
            if (high < 0 || low < 0)
                return false;
            out.push_back(static_cast<char>(high * 16 + low));
            i += 2;
        } else {
            out.push_back(plusIsSpace && text[i] == '+' ? ' ' : text[i]);
        }
    }
    return true;
}

std::optional<std::string> percentDecode(std::string_view text, bool plusIsSpace)
{
    std::string out;
    if (!percentDecodeInto(text, out, plusIsSpace))
        return std::nullopt;
    return out;
}

std::optional<std::string> queryValue(std::string_view query, std::string_view name)
{
    while (!query.empty()) {
        const auto end = query.find('&');
        const auto pair = query.substr(0, end);
        query = end == std::string_view::npos ? std::string_view{} : query.substr(end + 1);
        const auto equals = pair.find('=');
        const auto key = percentDecode(pair.substr(0, equals), true);
        if (!key || *key != name)
            continue;
        return percentDecode(equals == std::string_view::npos ? std::string_view{} : pair.substr(equals + 1), true);
    }
    return std::nullopt;
}

std::optional<std::vector<std::pair<std::string, std::string>>> queryValues(std::string_view query)
{
    std::vector<std::pair<std::string, std::string>> all;
    while (!query.empty()) {
        const auto end = query.find('&');
        const auto pair = query.substr(0, end);
        query = end == std::string_view::npos ? std::string_view{} : query.substr(end + 1);
        if (pair.empty())
            continue;
        const auto equals = pair.find('=');
        auto name = percentDecode(pair.substr(0, equals), true);
        auto value =
            percentDecode(equals == std::string_view::npos ? std::string_view{} : pair.substr(equals + 1), true);
        if (!name || !value)
            return std::nullopt;
        all.emplace_back(std::move(*name), std::move(*value));
    }
    return all;
}

} // namespace portolan::http
