// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/access.h"
#include "core/api/clock.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace portolan::auth {

/// 22 characters of base64url: 128 bits.
class Text22 final
{
public:
    static constexpr std::size_t size = 22;
    /// nullopt unless it is 22 characters of the alphabet with no loose bits.
    static std::optional<Text22> parse(std::string_view text);
    static Text22 ofBytes(std::string_view sixteenBytes);

    std::string_view view() const { return {m_text.data(), m_text.size()}; }
    auto operator<=>(const Text22 &) const = default;

private:
    std::array<char, size> m_text{};
};

/// Names a session without opening it: the first 128 bits of SHA-256 of its token. It is the Redis key
/// (`s:<id>`), the entry in the list of sessions, and what access tokens carry; who reads any of these cannot sign in
/// with it.
using SessionId = Text22;

/// What the cookie `sid` holds: 128 bits that nobody but the browser knows, random, or random and marked
/// (session_mark.h).
class SessionToken final
{
public:
    static SessionToken random();
    static SessionToken ofBytes(std::string_view sixteenBytes) { return SessionToken(Text22::ofBytes(sixteenBytes)); }
    static std::optional<SessionToken> parse(std::string_view cookie);
    std::string_view reveal() const { return m_text.view(); }
    SessionId id() const;

private:
    explicit SessionToken(Text22 text) : m_text(text) {}
    Text22 m_text;
};

/// What Redis holds of a session: 12 bytes, so that object, header and value fit one allocation of 32 bytes, and
/// 100,000 sessions a small plan.
///
///     u64 user id, big-endian as in the key of its windows; u32 little-endian: noted << 2 | role
///
/// Read and written by resources/scripts/{admission,session_create}.lua as well.
struct Session
{
    Id userId = 0;
    Role role = Role::Anonymous;
    /// Seconds since 2020-01-01 (until 2054): when its use was last written down and its life renewed. Greater than the
    /// user's last revocation before it, if need be ahead of the clock: what is not, is void.
    std::uint32_t noted = 0;
    bool operator==(const Session &) const = default;
};

inline constexpr std::size_t sessionBytes = 12;
inline constexpr std::uint32_t sessionEpoch = 1'577'836'800; ///< 2020-01-01 in Unix seconds
/// A session that is being used is noted again after so many seconds.
inline constexpr std::uint32_t noteInterval = 10;
std::string encodeSession(const Session &session);
std::optional<Session> decodeSession(std::string_view bytes); ///< nullopt: not 12 bytes

/// `s:<22 characters>`.
std::string sessionKey(const SessionId &id);
/// `s:!<8 bytes>`: holds the u32 up to which a user's sessions are void (Session::noted ≤ it). Lives as long as any
/// session it concerns could, and in the family `s:`, so that cleaning up limits never brings a session back.
std::string revocationKey(Id user);

} // namespace portolan::auth
