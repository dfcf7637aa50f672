// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/storage/api_token_store.h"

#include "core/storage/errors.h"
#include "core/storage/table.h"

#include <algorithm>
#include <utility>

namespace portolan::storage {
namespace {

struct TokenRow : ApiToken
{
    std::string hash;
};

/// The member of a base, as one of the row: a pointer to it would be the base's.
template <auto Member> constexpr auto inherited(std::string_view name)
{
    using Type = typename detail::MemberOf<decltype(Member)>::Type;
    return Column<TokenRow>{name, [](const TokenRow &row) { return toValue(row.*Member); },
                            [](TokenRow &row, const Row &from, int at) { row.*Member = Reader<Type>::read(from, at); }};
}

constexpr auto tokens = makeTable<TokenRow>("api_tokens", {
                                                              inherited<&ApiToken::name>("name"),
                                                              column<&TokenRow::hash>("hash"),
                                                              inherited<&ApiToken::role>("role"),
                                                              inherited<&ApiToken::made>("made"),
                                                              inherited<&ApiToken::madeBy>("made_by"),
                                                              inherited<&ApiToken::expires>("expires"),
                                                              inherited<&ApiToken::lastUsed>("last_used"),
                                                          });

ApiToken withoutHash(const Row &row) { return static_cast<ApiToken>(tokens.read(row)); }

Error named(ErrorKind kind, std::string_view code, std::string message, std::string hint)
{
    Error error = failure(kind, std::move(message), std::move(hint));
    error.code = code;
    return error;
}

Result<void> addToken(DatabaseConnection &connection, const TokenRow &token)
{
    return transaction(connection, [&]() -> Result<void> {
        const auto count =
            selectOne(connection, "SELECT count(*) FROM api_tokens", {}, [](const Row &row) { return row.integer(0); });
        if (!count)
            return count.error();
        if (count->value_or(0) >= ApiTokenStore::most)
            return named(ErrorKind::Conflict, "too-many-tokens",
                         "There are " + std::to_string(ApiTokenStore::most) + " tokens, and no more can be made.",
                         "Revoke those that nobody uses.");
        auto done = tokens.insert(connection, token);
        if (!done && done.error().code == codeUnique)
            return named(ErrorKind::Conflict, "token-exists",
                         "There is a token of the name " + token.name + " already.",
                         "Take another name, or revoke it first.");
        return done;
    });
}

Result<std::vector<ApiToken>> listTokens(DatabaseConnection &connection)
{
    return select(connection, tokens.select("ORDER BY name LIMIT ?"), valuesOf(ApiTokenStore::most + 100), withoutHash);
}

Result<ApiToken> removeToken(DatabaseConnection &connection, const std::string &name)
{
    return transaction(connection, [&]() -> Result<ApiToken> {
        auto found = selectOne(connection, tokens.select("WHERE name = ?"), valuesOf(name), withoutHash);
        if (!found)
            return found.error();
        const auto done = execute(connection, "DELETE FROM api_tokens WHERE name = ?", valuesOf(name));
        if (!done)
            return done.error();
        if (!*found || *done == 0)
            return failure(ErrorKind::NotFound, "There is no such token.");
        return std::move(**found);
    });
}

Result<void> noteUses(DatabaseConnection &connection, const std::vector<ApiTokenStore::Use> &uses)
{
    constexpr std::chrono::minutes least{1};
    constexpr std::chrono::minutes ahead{5}; // of a clock that was
    return transaction(connection, [&]() -> Result<void> {
        for (const auto &use : uses) {
            const auto done = execute(connection,
                                      "UPDATE api_tokens SET last_used = ? WHERE hash = ? AND "
                                      "(last_used IS NULL OR last_used <= ? OR last_used > ?)",
                                      valuesOf(use.at, use.hash, use.at - least, use.at + ahead));
            if (!done)
                return done.error();
        }
        return {};
    });
}

} // namespace

awaitable<Result<std::optional<ApiToken>>> ApiTokenStore::find(std::string hash, std::chrono::milliseconds deadline)
{
    return m_database.run(
        [hash = std::move(hash)](DatabaseConnection &connection) {
            return selectOne(connection, tokens.select("WHERE hash = ?"), valuesOf(hash), withoutHash);
        },
        deadline);
}

awaitable<Result<std::vector<ApiToken>>> ApiTokenStore::list()
{
    return m_database.run([](DatabaseConnection &connection) { return listTokens(connection); });
}

awaitable<Result<ApiToken>> ApiTokenStore::remove(std::string name)
{
    return m_database.run(
        [name = std::move(name)](DatabaseConnection &connection) { return removeToken(connection, name); });
}

awaitable<Result<void>> ApiTokenStore::used(std::vector<Use> uses)
{
    // In one order, so that two instances do not wait for each other's rows in a circle.
    std::ranges::sort(uses, {}, &Use::hash);
    return m_database.run(
        [uses = std::move(uses)](DatabaseConnection &connection) { return noteUses(connection, uses); });
}

Result<void> ApiTokenStore::addBlocking(ApiToken token, std::string hash)
{
    const TokenRow row{std::move(token), std::move(hash)};
    return m_database.runBlocking([&row](DatabaseConnection &connection) { return addToken(connection, row); });
}

Result<std::vector<ApiToken>> ApiTokenStore::listBlocking()
{
    return m_database.runBlocking([](DatabaseConnection &connection) { return listTokens(connection); });
}

Result<ApiToken> ApiTokenStore::removeBlocking(std::string name)
{
    return m_database.runBlocking([&name](DatabaseConnection &connection) { return removeToken(connection, name); });
}

} // namespace portolan::storage
