// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/storage/email.h"
#include "core/storage/table.h"
#include "core/storage/users_store.h"

namespace portolan::storage {

/// column<> for a member UserRecord has from User.
template <auto Member> constexpr Column<UserRecord> userColumn(std::string_view name)
{
    using Type = typename detail::MemberOf<decltype(Member)>::Type;
    return {name, [](const UserRecord &user) { return toValue(user.*Member); },
            [](UserRecord &user, const Row &row, int at) { user.*Member = Reader<Type>::read(row, at); }};
}

inline constexpr auto users =
    makeTable<UserRecord>("users", {
                                       userColumn<&User::id>("id"),
                                       userColumn<&User::email>("email"),
                                       userColumn<&User::role>("role"),
                                       userColumn<&User::disabled>("disabled"),
                                       userColumn<&User::created>("created"),
                                       userColumn<&User::lastSignIn>("last_sign_in"),
                                       userColumn<&UserRecord::passwordHash>("password_hash"),
                                       userColumn<&UserRecord::passwordChanged>("password_changed"),
                                   });

/// A whole row, and whether its address looks like another's.
inline UserRecord readUser(const Row &row)
{
    UserRecord user = users.reader()(row);
    user.deceptive = isDeceptiveEmail(user.email);
    return user;
}

} // namespace portolan::storage
