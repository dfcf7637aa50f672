// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/auth/api_tokens.h"

#include "core/base/ids.h"
#include "core/base/masking.h"
#include "core/base/units.h"

#include <sodium.h>

#include <algorithm>
#include <array>

namespace portolan::auth {

namespace {

constexpr std::string_view start = "pt_";
constexpr std::size_t randomBytes = 32;
constexpr std::size_t mostKnown = 2000; ///< the database has fewer; those beyond were revoked and never asked for again
constexpr std::chrono::minutes noteEvery{1};
constexpr std::chrono::minutes ahead{5}; ///< of a use noted by a clock that was

bool isPlain(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

} // namespace

Secret newApiToken()
{
    std::string random = randomToken(randomBytes);
    std::string text(start);
    text.append(random);
    Secret token(text);
    wipe(random);
    wipe(text);
    return token;
}

bool isMeantAsApiToken(std::string_view bearer) { return bearer.starts_with(start); }

std::optional<std::string> apiTokenHash(std::string_view token)
{
    if (!isMeantAsApiToken(token))
        return std::nullopt;
    auto random = decodeBase64Url(token.substr(start.size()));
    if (!random || random->size() != randomBytes)
        return std::nullopt;
    wipe(*random);
    std::array<unsigned char, crypto_hash_sha256_BYTES> digest;
    crypto_hash_sha256(digest.data(), reinterpret_cast<const unsigned char *>(token.data()), token.size());
    return encodeBase64Url({reinterpret_cast<const char *>(digest.data()), digest.size()});
}

Result<void> checkApiTokenName(std::string_view name)
{
    constexpr std::size_t longest = 64;
    const bool fits = !name.empty() && name.size() <= longest && isPlain(name.front()) &&
                      std::ranges::all_of(name, [](char c) { return isPlain(c) || c == '.' || c == '_' || c == '-'; });
    if (fits)
        return {};
    return failure(ErrorKind::Invalid, "'" + quotable(name) + "' is no name of a token.",
                   "Take 1 to 64 of a–z, 0–9, '.', '_' and '-', the first a letter or a digit.");
}

Result<WallTime> apiTokenExpiry(std::string_view life, WallTime now)
{
    constexpr std::chrono::days longest{3660};
    const auto duration = parseDuration(life);
    if (duration && *duration >= std::chrono::seconds(1) && *duration <= longest)
        return now + *duration;
    return failure(ErrorKind::Invalid, "A token cannot be good for '" + quotable(life) + "'.",
                   "Write for example 90d or 12h: a second to ten years.");
}

ApiTokens::ApiTokens(const Clock &clock, Source source) : m_clock(clock), m_source(std::move(source)) {}

ApiTokens::Known ApiTokens::known(const std::string &hash) const
{
    const std::lock_guard lock(m_mutex);
    if (m_known.contains(hash))
        return Known::Good;
    return isGone(hash) ? Known::Gone : Known::No;
}

awaitable<Result<std::shared_ptr<const ApiToken>>> ApiTokens::find(std::string hash, std::chrono::milliseconds age)
{
    Asking asking;
    if (auto known = remembered(hash, age, asking))
        co_return std::move(*known);
    const auto answer = co_await m_source.find(hash);
    co_return learn(hash, answer, asking);
}

std::optional<ApiTokens::Found> ApiTokens::remembered(const std::string &hash, std::chrono::milliseconds age,
                                                      Asking &asking)
{
    const std::lock_guard lock(m_mutex);
    asking = {m_clock.steady(), m_changes};
    const auto found = m_known.find(hash);
    if (found == m_known.end())
        return isGone(hash) ? std::optional<Found>(nullptr) : std::nullopt;
    Entry &entry = found->second;
    if (hasExpired(*entry.token))
        return noteGone(hash);
    if (asking.since - entry.asked < age)
        return use(entry);
    entry.asked = asking.since;
    return std::nullopt;
}

Result<ApiTokens::Found> ApiTokens::learn(const std::string &hash, const Result<std::optional<ApiToken>> &answer,
                                          const Asking &asking)
{
    const std::lock_guard lock(m_mutex);
    const auto known = m_known.find(hash);
    if (!answer) {
        if (known == m_known.end() || m_clock.steady() - known->second.found >= outage)
            return answer.error();
        return hasExpired(*known->second.token) ? noteGone(hash) : use(known->second);
    }
    if (!*answer || hasExpired(**answer))
        return noteGone(hash);
    auto token = std::make_shared<const ApiToken>(**answer);
    if (asking.changes != m_changes)
        return token; // which may be the one that was revoked meanwhile: good for this once
    if (known == m_known.end())
        makeRoom();
    Entry &entry = m_known[hash];
    entry.token = std::move(token);
    entry.asked = std::max(entry.asked, asking.since);
    entry.found = m_clock.steady();
    entry.written = std::max(entry.written, entry.token->lastUsed.value_or(WallTime{}));
    return use(entry);
}

ApiTokens::Found ApiTokens::use(Entry &entry) const
{
    entry.used = m_clock.wall();
    return entry.token;
}

bool ApiTokens::hasExpired(const ApiToken &token) const { return token.expires && m_clock.wall() >= *token.expires; }

bool ApiTokens::isGone(const std::string &hash) const
{
    const auto gone = m_gone.find(hash);
    return gone != m_gone.end() && m_clock.steady() < gone->second;
}

ApiTokens::Found ApiTokens::noteGone(const std::string &hash)
{
    m_known.erase(hash);
    const SteadyTime now = m_clock.steady();
    m_gone[hash] = now + life;
    m_goneInOrder.emplace_back(now + life, hash);
    while (m_goneInOrder.size() > mostGone || m_goneInOrder.front().first <= now) {
        const auto &[until, old] = m_goneInOrder.front();
        if (const auto entry = m_gone.find(old); entry != m_gone.end() && entry->second == until)
            m_gone.erase(entry);
        m_goneInOrder.pop_front();
    }
    return nullptr;
}

void ApiTokens::makeRoom()
{
    if (m_known.size() < mostKnown)
        return;
    m_known.erase(std::ranges::min_element(m_known, {}, [](const auto &known) { return known.second.asked; }));
}

void ApiTokens::forget(std::string_view name)
{
    const std::lock_guard lock(m_mutex);
    ++m_changes;
    std::erase_if(m_known, [name](const auto &known) { return known.second.token->name == name; });
}

awaitable<void> ApiTokens::writeUses()
{
    std::vector<Use> uses;
    {
        const std::lock_guard lock(m_mutex);
        for (const auto &[hash, entry] : m_known)
            if (entry.used - entry.written >= noteEvery || entry.written - entry.used > ahead)
                uses.push_back({hash, entry.used});
    }
    if (uses.empty())
        co_return;
    const auto noted = co_await m_source.noteUses(uses);
    if (!noted)
        co_return; // the next time
    const std::lock_guard lock(m_mutex);
    for (const Use &use : uses)
        if (const auto known = m_known.find(use.hash); known != m_known.end())
            known->second.written = use.at;
}

} // namespace portolan::auth
