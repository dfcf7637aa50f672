// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/auth/session.h"

#include "core/base/ids.h"

#include <sodium.h>

#include <algorithm>
#include <cstring>

namespace portolan::auth {

namespace {

void putLittle(char *to, std::uint32_t value)
{
    for (int i = 0; i < 4; ++i)
        to[i] = static_cast<char>(value >> (8 * i));
}

std::uint32_t getLittle(const char *from)
{
    std::uint32_t value = 0;
    for (int i = 0; i < 4; ++i)
        value |= static_cast<std::uint32_t>(static_cast<unsigned char>(from[i])) << (8 * i);
    return value;
}

void putBig(char *to, Id id)
{
    for (int i = 0; i < 8; ++i)
        to[i] = static_cast<char>(id >> (56 - 8 * i));
}

Id getBig(const char *from)
{
    Id id = 0;
    for (int i = 0; i < 8; ++i)
        id = id << 8 | static_cast<unsigned char>(from[i]);
    return id;
}

/// The value of a character of base64url, or 64.
constexpr unsigned digit(char c)
{
    if (c >= 'A' && c <= 'Z')
        return static_cast<unsigned>(c - 'A');
    if (c >= 'a' && c <= 'z')
        return static_cast<unsigned>(c - 'a' + 26);
    if (c >= '0' && c <= '9')
        return static_cast<unsigned>(c - '0' + 52);
    return c == '-' ? 62u : c == '_' ? 63u : 64u;
}

} // namespace

std::optional<Text22> Text22::parse(std::string_view text)
{
    if (text.size() != size)
        return std::nullopt;
    if (!std::ranges::all_of(text, [](char c) { return digit(c) < 64; }))
        return std::nullopt;
    if (digit(text.back()) % 16 != 0) // 22 × 6 bits are 4 more than 128
        return std::nullopt;
    Text22 result;
    std::ranges::copy(text, result.m_text.begin());
    return result;
}

Text22 Text22::ofBytes(std::string_view sixteenBytes)
{
    const std::string text = encodeBase64Url(sixteenBytes.substr(0, 16));
    Text22 result;
    std::copy_n(text.begin(), std::min(text.size(), size), result.m_text.begin());
    return result;
}

SessionToken SessionToken::random() { return SessionToken(*Text22::parse(randomToken(16))); }

std::optional<SessionToken> SessionToken::parse(std::string_view cookie)
{
    const auto text = Text22::parse(cookie);
    if (!text)
        return std::nullopt;
    return SessionToken(*text);
}

SessionId SessionToken::id() const
{
    std::array<unsigned char, crypto_hash_sha256_BYTES> digest;
    const auto text = reveal();
    crypto_hash_sha256(digest.data(), reinterpret_cast<const unsigned char *>(text.data()), text.size());
    return SessionId::ofBytes({reinterpret_cast<const char *>(digest.data()), 16});
}

std::string encodeSession(const Session &session)
{
    std::string bytes(sessionBytes, '\0');
    putBig(bytes.data(), session.userId);
    putLittle(bytes.data() + 8, session.noted << 2 | static_cast<std::uint32_t>(session.role));
    return bytes;
}

std::optional<Session> decodeSession(std::string_view bytes)
{
    if (bytes.size() != sessionBytes)
        return std::nullopt;
    const auto packed = getLittle(bytes.data() + 8);
    return Session{getBig(bytes.data()), static_cast<Role>(packed & 3), packed >> 2};
}

std::string sessionKey(const SessionId &id) { return std::string("s:").append(id.view()); }

std::string revocationKey(Id user)
{
    std::string key = "s:!12345678";
    putBig(key.data() + 3, user);
    return key;
}

} // namespace portolan::auth
