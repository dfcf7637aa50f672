// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/api_token.h"
#include "core/storage/database.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace portolan::storage {

/// API tokens by name and by the hash of their text (auth/api_tokens.h), which is all that is kept of it. One that has
/// expired stays until it is removed. Errors of Database::run() beside those named; coroutines resume on the caller's
/// executor, from any thread.
class ApiTokenStore final
{
public:
    explicit ApiTokenStore(Database &database) : m_database(database) {}

    static constexpr std::uint32_t most = 1000; ///< tokens; so list() has no pages

    /// nullopt: no token has this hash.
    awaitable<Result<std::optional<ApiToken>>> find(std::string hash, std::chrono::milliseconds deadline = {});
    awaitable<Result<std::vector<ApiToken>>> list();      ///< by name
    awaitable<Result<ApiToken>> remove(std::string name); ///< as it was; NotFound

    struct Use
    {
        std::string hash;
        WallTime at{};
    };
    /// Notes when tokens were used last, whichever instance says so at most once a minute of each: what is less than
    /// that after the use noted before is passed over, and so is a token that is gone.
    awaitable<Result<void>> used(std::vector<Use> uses);

    // For the command line, which may block. Name, role and times are the caller's to check.
    /// Conflict: code `token-exists`, there is one of this name; code `too-many-tokens`, there are `most`.
    Result<void> addBlocking(ApiToken token, std::string hash);
    Result<std::vector<ApiToken>> listBlocking();
    Result<ApiToken> removeBlocking(std::string name);

private:
    Database &m_database;
};

} // namespace portolan::storage
