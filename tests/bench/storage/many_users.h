// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/ids.h"
#include "tests/fakes/add_users.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace portolan::storage {

/// Adds so many users, their addresses scattered over the alphabet as real ones are. Ends the program if it cannot.
inline void addManyUsers(Database &database, IdGenerator &ids, std::size_t count)
{
    constexpr std::size_t batch = 20'000;
    for (std::size_t done = 0; done < count; done += batch) {
        std::vector<UserRecord> part(std::min(batch, count - done));
        for (std::size_t i = 0; i < part.size(); ++i) {
            auto &user = part[i];
            const std::size_t number = done + i;
            user.id = ids.next();
            const auto scattered = std::to_string(number * 2654435761u % 1'000'000'007u);
            user.email = std::string(1, static_cast<char>('a' + number % 26)) + scattered + "@example" +
                         std::to_string(number % 97) + ".com";
            user.role = number % 10'000 == 0 ? Role::Admin : number % 1000 == 0 ? Role::Operator : Role::User;
            user.disabled = number % 500 == 0;
            user.passwordHash = std::string(97, 'h');
        }
        if (const auto added = addUsers(database, part); added.has_error()) {
            std::fprintf(stderr, "cannot fill: %s\n", added.error().message.c_str());
            std::exit(1);
        }
    }
}

} // namespace portolan::storage
