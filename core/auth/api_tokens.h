// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/api_token.h"
#include "core/api/clock.h"
#include "core/api/result.h"
#include "core/api/secret.h"
#include "core/base/asio.h"

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

/// Tokens for consoles and scripts: `pt_` and 43 characters of base64url (RFC 4648), 256 random bits. What is kept is
/// the SHA-256 of the text, as base64url: with so many bits nobody finds the text by trying, so nothing slow is needed.
namespace portolan::auth {

Secret newApiToken();
/// Whether whoever sent this means it as an API token, right or wrong: it begins as one.
bool isMeantAsApiToken(std::string_view bearer);
/// nullopt: no token looks like that.
std::optional<std::string> apiTokenHash(std::string_view token);

/// Invalid: it is not 1–64 of a–z 0–9 . _ -, the first a letter or a digit.
Result<void> checkApiTokenName(std::string_view name);
/// When a token made `now` expires that is good for so long ("90d", as units.h reads it). Invalid: no duration, less
/// than a second, or more than ten years.
Result<WallTime> apiTokenExpiry(std::string_view life, WallTime now);

/// Whose token it is, asked of the database and remembered for `life`, found or not: what is revoked elsewhere has
/// ended here by then, and a request costs no query. Any thread; coroutines resume on the caller's executor.
///
/// - While the database cannot be asked: a token that was good within the last hour goes on until it expires, as
///   sessions do while Redis is away; of others nobody can say (the error of `find`).
/// - Bounded: `mostGone` that are none, the oldest go first; those that are cannot be more than the database has.
class ApiTokens final
{
public:
    struct Use
    {
        std::string hash;
        WallTime at{};
    };
    /// How the database is asked. `find`: nothing, if there is none of this hash; within a second, or `life` is not
    /// kept. `noteUses`: may be called again with the same.
    struct Source
    {
        std::function<awaitable<Result<std::optional<ApiToken>>>(std::string hash)> find;
        std::function<awaitable<Result<void>>(std::vector<Use> uses)> noteUses;
    };
    ApiTokens(const Clock &clock, Source source);

    static constexpr std::chrono::milliseconds life{8000};
    static constexpr std::chrono::hours outage{1};
    static constexpr std::size_t mostGone = 10'000;

    enum class Known : std::uint8_t {
        No,   ///< not asked for yet, or long ago
        Good, ///< it was one when it was last asked for
        Gone, ///< a moment ago it was none
    };
    Known known(const std::string &hash) const; ///< without asking

    /// Null: there is no such token, or it has expired. What was found no more than `age` ago is not asked for again.
    /// While one call asks, others go by what is known. Counts as a use of the token.
    awaitable<Result<std::shared_ptr<const ApiToken>>> find(std::string hash, std::chrono::milliseconds age = life);

    void forget(std::string_view name); ///< it was revoked
    /// Tells the database which tokens were used since it last heard of it, at most once a minute of each; call it
    /// every few seconds.
    awaitable<void> writeUses();

private:
    struct Entry
    {
        std::shared_ptr<const ApiToken> token;
        SteadyTime asked{}; ///< when the latest call began to ask
        SteadyTime found{}; ///< when the database last said that it is there
        WallTime used{};
        WallTime written{}; ///< the latest use that the database knows
    };
    using Found = std::shared_ptr<const ApiToken>;
    struct Asking
    {
        SteadyTime since{};
        std::uint64_t changes = 0;
    };

    std::optional<Found> remembered(const std::string &hash, std::chrono::milliseconds age, Asking &asking);
    Result<Found> learn(const std::string &hash, const Result<std::optional<ApiToken>> &answer, const Asking &asking);
    Found use(Entry &entry) const;
    Found noteGone(const std::string &hash);
    bool hasExpired(const ApiToken &token) const;
    bool isGone(const std::string &hash) const;
    void makeRoom();

    const Clock &m_clock;
    const Source m_source;
    mutable std::mutex m_mutex;
    std::unordered_map<std::string, Entry> m_known;     ///< by hash
    std::unordered_map<std::string, SteadyTime> m_gone; ///< until when that is taken for granted
    std::deque<std::pair<SteadyTime, std::string>> m_goneInOrder;
    std::uint64_t m_changes = 0; ///< calls of forget(): what was read before one may be old
};

} // namespace portolan::auth
