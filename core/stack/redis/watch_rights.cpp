// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/stack/redis/watch_rights.h"

#include "core/base/ids.h"
#include "core/redis/client.h"
#include "core/redis/errors.h"

#include <algorithm>
#include <charconv>

namespace portolan::stack {

namespace {

constexpr std::uint32_t bit(RedisUse use) { return 1u << static_cast<unsigned>(use); }
constexpr std::uint32_t connection = bit(RedisUse::Connection);
constexpr std::uint32_t figures = bit(RedisUse::Figures);
constexpr std::uint32_t clients = bit(RedisUse::Clients);
constexpr std::uint32_t families = bit(RedisUse::Families);
constexpr std::uint32_t queue = bit(RedisUse::Queue);
constexpr std::uint32_t closing = bit(RedisUse::CloseClients);
constexpr std::uint32_t cleaning = bit(RedisUse::CleanUp);
constexpr std::uint32_t sampling = figures | families | queue;

constexpr std::string_view noKey = "@";
constexpr std::string_view ownDatabase = "@db";
constexpr std::string_view noClient = "9223372036854775807"; ///< ids grow by one
constexpr std::string_view noSha = "0000000000000000000000000000000000000000";

/// A read on a key that is not there answers at once and is nobody's; a right is judged before the key is looked at.
const RedisCommand commands[] = {
    {"PING", connection, false, false, {}},
    {"SELECT", connection, false, false, {ownDatabase}},
    {"CLIENT SETNAME", connection, false, false, {redis::watchCommandsName}},
    {"INFO", figures, false, false, {"cluster"}},
    {"CONFIG GET", figures, false, false, {"maxmemory"}},
    {"SCRIPT LOAD", sampling, false, false, {"return 1"}},
    {"EVALSHA", sampling, false, false, {noSha, "0"}},
    {"TIME", families, false, false, {}},
    {"DBSIZE", families | cleaning, false, false, {}},
    {"RANDOMKEY", families, false, false, {}},
    {"MEMORY USAGE", families | cleaning, false, true, {noKey}},
    {"CLIENT LIST", clients | closing, false, false, {"ID", noClient}},
    {"SCAN", queue | cleaning, false, false, {"0", "COUNT", "1"}},
    {"SSCAN", queue, false, true, {noKey, "0"}},
    {"EXISTS", queue, false, true, {noKey}},
    {"LLEN", queue, false, true, {noKey}},
    {"LINDEX", queue, false, true, {noKey, "0"}},
    {"HLEN", queue, false, true, {noKey}},
    {"ZRANGE", queue, false, true, {noKey, "0", "0"}},
    {"MULTI", closing | cleaning, true, false, {}},
    {"DISCARD", closing | cleaning, true, false, {}},
    {"CLIENT KILL", closing, true, false, {"ID", noClient}},
    {"OBJECT IDLETIME", cleaning, true, true, {noKey}},
    {"UNLINK", cleaning, true, true, {noKey}},
};

constexpr std::string_view limits[] = {"maxmemory", "maxclients", "maxmemory-policy"};

bool isFrame(const RedisCommand &command) { return command.name == "MULTI" || command.name == "DISCARD"; }

/// "+client|list".
std::string ruleOf(std::string_view name)
{
    std::string rule("+");
    for (const char c : name)
        rule += c == ' ' ? '|' : c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return rule;
}

std::string rulesOf(bool acts)
{
    std::string rules;
    for (const RedisCommand &command : commands)
        if (command.acts == acts)
            rules.append(" ").append(ruleOf(command.name));
    return rules;
}

void add(redis::Command &batch, const RedisCommand &tried, const std::string &key, unsigned database)
{
    const auto space = tried.name.find(' ');
    const bool two = space != std::string_view::npos;
    batch.begin(1 + two + tried.trial.size()).argument(tried.name.substr(0, space));
    if (two)
        batch.argument(tried.name.substr(space + 1));
    for (const std::string_view argument : tried.trial) {
        if (argument == ownDatabase)
            batch.argument(database);
        else
            batch.argument(argument == noKey ? std::string_view(key) : argument);
    }
}

std::optional<RefusedCommand> refusalIn(std::string_view name, const redis::Reply &reply)
{
    if (!reply.isError() || !redis::refusesRight(reply))
        return std::nullopt;
    const bool keys = redis::refusesPlace(reply);
    return RefusedCommand{std::string(name), !keys && reply.errorCode() != "NOPERM", keys};
}

std::optional<std::uint64_t> number(const std::string &text)
{
    std::uint64_t value = 0;
    const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), value);
    return wrong == std::errc() && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

/// Replies to CONFIG GET of `limits`, in order.
RedisLimits limitsIn(std::span<const redis::Reply> replies)
{
    RedisLimits told;
    for (const redis::Reply &reply : replies) {
        if (reply.elements.size() != 2)
            continue;
        const std::string &value = reply.elements[1].text;
        if (reply.elements[0].text == "maxmemory")
            told.maxMemory = number(value);
        else if (reply.elements[0].text == "maxclients")
            told.maxClients = number(value);
        else if (reply.elements[0].text == "maxmemory-policy")
            told.policy = value.substr(0, 64);
    }
    return told;
}

/// Those that look, the limits, and DISCARD, which outside of MULTI is an error that tells whether it is allowed.
awaitable<Result<void>> tryLooking(redis::Client &client, WatchRights &rights, const std::string &key,
                                   unsigned database, bool acting, std::chrono::milliseconds deadline)
{
    redis::Command batch;
    std::vector<std::string_view> names;
    for (const RedisCommand &command : commands) {
        if (command.acts)
            continue;
        add(batch, command, key, database);
        names.push_back(command.name);
    }
    for (const std::string_view limit : limits)
        batch.add("CONFIG", "GET", limit);
    if (acting)
        batch.add("DISCARD");
    const Result<std::vector<redis::Reply>> replies = co_await client.pipeline(std::move(batch), deadline);
    if (!replies)
        co_return replies.error();
    for (std::size_t i = 0; i < names.size(); ++i)
        if (auto refused = refusalIn(names[i], (*replies)[i]))
            rights.refused.push_back(std::move(*refused));
    rights.limits = limitsIn(std::span(*replies).subspan(names.size(), std::size(limits)));
    if (acting)
        rights.untried = refusalIn("DISCARD", replies->back());
    co_return Result<void>();
}

/// Whether a transaction can be begun; one is begun only where it can also be given up, or the connection would be left
/// in it.
awaitable<Result<void>> tryMulti(redis::Client &client, WatchRights &rights, std::chrono::milliseconds deadline)
{
    redis::Command batch;
    batch.add("MULTI").add("DISCARD");
    const Result<std::vector<redis::Reply>> replies = co_await client.pipeline(std::move(batch), deadline);
    if (!replies)
        co_return replies.error();
    rights.untried = refusalIn("MULTI", replies->front());
    if (!rights.untried && replies->front().isError())
        rights.untried = RefusedCommand{"MULTI", true, false};
    co_return Result<void>();
}

awaitable<Result<void>> tryActing(redis::Client &client, WatchRights &rights, const std::string &key, unsigned database,
                                  std::chrono::milliseconds deadline)
{
    redis::Command batch;
    std::vector<std::string_view> names;
    batch.add("MULTI");
    for (const RedisCommand &command : commands) {
        if (!command.acts || isFrame(command))
            continue;
        add(batch, command, key, database);
        names.push_back(command.name);
    }
    batch.add("DISCARD");
    const Result<std::vector<redis::Reply>> replies = co_await client.pipeline(std::move(batch), deadline);
    if (!replies)
        co_return replies.error();
    for (std::size_t i = 0; i < names.size(); ++i)
        if (auto refused = refusalIn(names[i], (*replies)[1 + i]))
            rights.refused.push_back(std::move(*refused));
    co_return Result<void>();
}

} // namespace

std::span<const RedisCommand> redisCommands() { return commands; }

std::string aclToLook(std::string_view user, bool made)
{
    std::string line = "ACL SETUSER ";
    line.append(user);
    if (made)
        line.append(" on ><password> resetkeys resetchannels -@all");
    return line.append(" ~*").append(rulesOf(false));
}

std::string aclToAct(std::string_view user)
{
    std::string line = "ACL SETUSER ";
    return line.append(user).append(rulesOf(true));
}

Capability WatchRights::can(RedisUse use) const
{
    for (const RedisCommand &command : commands) {
        if (!command.is(use))
            continue;
        const auto found = std::ranges::find(refused, command.name, &RefusedCommand::name);
        if (found == refused.end())
            continue;
        Capability why{.why = WhyNot::CommandRefused, .about = found->name};
        if (!found->unknown)
            why.mend = "ACL SETUSER " + user + (found->keys ? " ~*" : " " + ruleOf(found->name));
        return why;
    }
    const bool acting = use == RedisUse::CloseClients || use == RedisUse::CleanUp;
    // Who may not begin a transaction may not act either, as far as the printed lines go; where the server itself does
    // not know it, doing it will tell.
    if (acting && untried && !untried->unknown)
        return {.why = WhyNot::CommandRefused, .about = untried->name, .mend = aclToAct(user)};
    return {};
}

awaitable<Result<WatchRights>> watchRights(redis::Client &client, std::string user, unsigned database, bool acting,
                                           std::chrono::milliseconds deadline)
{
    WatchRights rights;
    if (!user.empty())
        rights.user = std::move(user);
    const std::string key = "portolan:none:" + uuid4();
    if (const auto looked = co_await tryLooking(client, rights, key, database, acting, deadline); !looked)
        co_return looked.error();
    if (!acting || rights.untried)
        co_return rights;
    if (const auto begun = co_await tryMulti(client, rights, deadline); !begun)
        co_return begun.error();
    if (rights.untried)
        co_return rights;
    if (const auto tried = co_await tryActing(client, rights, key, database, deadline); !tried)
        co_return tried.error();
    co_return rights;
}

} // namespace portolan::stack
