// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/access.h"
#include "core/api/clock.h"

#include <boost/describe/class.hpp>
#include <boost/describe/enum.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace portolan {

/// Somebody with an account, as admins and the account's owner see it. The password hash is not here.
struct User
{
    Id id = 0;
    std::string email; ///< normalised: lower case, no surrounding blanks
    Role role = Role::User;
    bool disabled = false; ///< cannot sign in
    WallTime created{};
    std::optional<WallTime> lastSignIn;
    bool deceptive = false; ///< the address may be taken for another (it mixes scripts, say): lists mark it
    bool operator==(const User &) const = default;
    static constexpr std::string_view jsonDefaulted[] = {"deceptive"};
};
BOOST_DESCRIBE_STRUCT(User, (), (id, email, role, disabled, created, lastSignIn, deceptive))

/// How UserQuery::search is compared with the address.
enum class TextMatch : std::uint8_t {
    Contains, ///< anywhere; newest users first
    Prefix,   ///< at its start; in alphabetical order
};
BOOST_DESCRIBE_ENUM(TextMatch, Contains, Prefix)

/// What users are sorted by; those alike in it by when they were created.
enum class UserOrder : std::uint8_t { Created, Address, Role, State, LastSignIn };
BOOST_DESCRIBE_ENUM(UserOrder, Created, Address, Role, State, LastSignIn)

/// A page of users.
struct UserQuery
{
    std::string search; ///< part of the address, any case; empty: everybody, newest first
    TextMatch match = TextMatch::Contains;
    std::optional<Role> role;
    std::optional<bool> disabled;
    std::optional<UserOrder> order; ///< nothing: as TextMatch says
    bool ascending = false;         ///< with `order`
    std::uint32_t limit = 50;       ///< 1–500
    std::string cursor; ///< UserPage::nextCursor of the page before, of the same query; empty: the first page
    bool operator==(const UserQuery &) const = default;
    static constexpr std::pair<std::string_view, std::uint32_t> queryMost[] = {{"limit", 500}};
};
BOOST_DESCRIBE_STRUCT(UserQuery, (), (search, match, role, disabled, order, ascending, limit, cursor))

struct UserPage
{
    std::vector<User> items;               ///< may be fewer than asked for, even none, while there is a next page
    std::optional<std::string> nextCursor; ///< nothing: this was the last page
    bool operator==(const UserPage &) const = default;
};
BOOST_DESCRIBE_STRUCT(UserPage, (), (items, nextCursor))

/// Windows of one category that replace the tier's for one user; grammar: core/limits/grammar.h.
struct LimitOverride
{
    Category category = Category::Api;
    std::string windows;
    bool operator==(const LimitOverride &) const = default;
};
BOOST_DESCRIBE_STRUCT(LimitOverride, (), (category, windows))

/// One sign-in of a user that may still be open.
struct SessionEntry
{
    std::string id; ///< a hash of the session id: names the session without being able to use it
    Id userId = 0;
    WallTime created{};
    WallTime lastSeen{};
    std::string address;
    std::string agent; ///< User-Agent, cut to 256 bytes
    bool operator==(const SessionEntry &) const = default;
};
BOOST_DESCRIBE_STRUCT(SessionEntry, (), (id, userId, created, lastSeen, address, agent))

} // namespace portolan
