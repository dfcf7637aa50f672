// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/http/actor.h"

#include <utility>

namespace portolan::http {

Result<void> checkReason(std::string_view reason)
{
    if (reason.size() > longestReason)
        return badField("The reason cannot be read.", "/reason", "must be a text of at most 2048 bytes");
    return {};
}

Result<Actor> actorOf(const Request &request, std::optional<std::string> reason)
{
    Actor actor{request.principal, std::move(reason).value_or("")};
    if (const auto fits = checkReason(actor.reason); !fits)
        return fits.error();
    return actor;
}

} // namespace portolan::http
