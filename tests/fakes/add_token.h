// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/auth/api_tokens.h"
#include "core/base/system_clock.h"
#include "core/storage/api_token_store.h"

#include <QString>
#include <stdexcept>
#include <string>

namespace portolan {

/// Makes an API token in the database of a data directory, as `portoland token add` does it, also beside a portal that
/// runs; answers its text.
inline std::string addToken(const QString &directory, const std::string &name = "contract", Role role = Role::Operator)
{
    auto url = storage::DatabaseUrl::parse("sqlite:" + directory.toStdString() + "/portal.db");
    if (!url)
        throw std::runtime_error(url.error().message);
    storage::Database database(std::move(*url));
    if (const auto opened = database.open(); !opened)
        throw std::runtime_error(opened.error().message);
    const Secret text = auth::newApiToken();
    const ApiToken token{name, role, SystemClock().wall(), "system", std::nullopt, std::nullopt};
    const auto hash = auth::apiTokenHash(text.reveal());
    if (const auto added = storage::ApiTokenStore(database).addBlocking(token, hash.value()); !added)
        throw std::runtime_error(added.error().message);
    return std::string(text.reveal());
}

} // namespace portolan
