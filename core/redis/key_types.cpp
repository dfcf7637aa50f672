// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/redis/key_types.h"

#include "core/redis/client.h"

#include <utility>

namespace portolan::redis {

// The keys are arguments, not KEYS: what the user has no right to is told as such (rights.h), not as a failure here.
Script typesProbe()
{
    return Script("types", R"(
local wrong = {}
for i = 1, #ARGV, 2 do
    local reply = redis.pcall(ARGV[i], ARGV[i + 1])
    if type(reply) == 'table' and reply.err and string.find(reply.err, 'WRONGTYPE', 1, true) then
        wrong[#wrong + 1] = (i - 1) / 2
    end
end
return wrong
)");
}

awaitable<Result<std::vector<NeededKey>>> probeTypes(Client &client, const Script &script,
                                                     std::vector<NeededKey> needed)
{
    std::vector<std::string_view> arguments;
    for (const NeededKey &one : needed)
        arguments.insert(arguments.end(), {one.command, one.key});
    const Result<Reply> reply = co_await client.eval(script, {}, arguments);
    if (!reply)
        co_return reply.error();
    std::vector<NeededKey> wrong;
    for (const Reply &index : reply->elements)
        if (std::in_range<std::size_t>(index.integer) && std::size_t(index.integer) < needed.size())
            wrong.push_back(needed[std::size_t(index.integer)]);
    co_return wrong;
}

} // namespace portolan::redis
