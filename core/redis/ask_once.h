// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/redis/command.h"
#include "core/redis/reply.h"
#include "core/redis/stream.h"

#include <memory>
#include <optional>
#include <vector>

namespace portolan::redis {

struct Answers
{
    std::optional<Reply> signIn; ///< to AUTH; nothing: there is no password
    std::vector<Reply> replies;  ///< one for each command, errors among them
};

/// Asks what speaks RESP over a connection of its own, which is closed afterwards: signs in as the endpoint says, sends
/// the commands and reads their replies, all by the deadline. Whether the sign-in was refused the replies tell. No
/// database is chosen and no name set. `tls`: tlsClient() of the endpoint.
///
/// The errors of Stream::connect(); Timeout "redis-timeout", Unavailable "redis-away" (it hung up), Protocol (it speaks
/// something else). They do not name the endpoint.
awaitable<Result<Answers>> askOnce(Endpoint endpoint, std::shared_ptr<Dialer> way, std::shared_ptr<TlsClient> tls,
                                   Command commands, SteadyTime deadline);

} // namespace portolan::redis
