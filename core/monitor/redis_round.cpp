#include "core/monitor/redis_round.h"

#include "core/redis/errors.h"
#include "core/redis/keys.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace portolan::monitor {

namespace {

constexpr std::size_t maxQueues = 64;
constexpr std::array prioritySteps{0, 3, 6, 9};

std::vector<std::string> listsOf(const RoundPlan &plan)
{
    std::vector<std::string> lists;
    for (std::size_t i = 0; i < std::min(plan.queues.size(), maxQueues); ++i)
        for (const int step : prioritySteps)
            lists.push_back(redis::queueKey(plan.queues[i], step));
    return lists;
}

std::vector<std::string> measuredKeys(const RoundPlan &plan)
{
    std::vector<std::string> keys = listsOf(plan);
    keys.emplace_back(redis::keys::unacked);
    keys.emplace_back(redis::keys::unackedIndex);
    for (const std::string &key : plan.bigKeys)
        if (std::ranges::find(keys, key) == keys.end())
            keys.push_back(key);
    return keys;
}

std::optional<std::uint64_t> number(const redis::Reply &reply)
{
    if (reply.type != redis::Reply::Type::Integer || reply.integer < 0)
        return std::nullopt;
    return std::uint64_t(reply.integer);
}

std::optional<double> score(const redis::Reply &reply)
{
    if (reply.type != redis::Reply::Type::Array || reply.elements.size() < 2)
        return std::nullopt;
    const std::string &text = reply.elements[1].text;
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() ? std::optional(value) : std::nullopt;
}

/// Queues whose lists could not be read (some other type has the name) are left out: unknown is not empty.
std::vector<QueueLine> depths(const RoundPlan &plan, std::span<const redis::Reply> lengths)
{
    std::vector<QueueLine> lines;
    for (std::size_t i = 0; i * prioritySteps.size() < lengths.size(); ++i) {
        std::optional<std::uint64_t> waiting = 0;
        for (std::size_t step = 0; step < prioritySteps.size(); ++step) {
            const auto length = number(lengths[i * prioritySteps.size() + step]);
            waiting = waiting && length ? std::optional(*waiting + *length) : std::nullopt;
        }
        if (waiting)
            lines.push_back({plan.queues[i], *waiting});
    }
    return lines;
}

void noteRefusal(RoundAnswer &answer, std::string_view part, std::string_view command, const redis::Reply &reply)
{
    const auto known = [&](const NotTold &one) { return one.part == part; };
    if (reply.isError() && redis::refusesRight(reply) && std::ranges::none_of(answer.notTold, known))
        answer.notTold.push_back({std::string(part), std::string(command),
                                  reply.errorCode() != "NOPERM" && reply.text.find("can't") == std::string::npos});
}

void readScript(redis::Reply &reply, const std::vector<std::string> &lists, RoundAnswer &answer)
{
    answer.scriptMissing = reply.errorCode() == "NOSCRIPT";
    noteRefusal(answer, "families", "EVALSHA", reply);
    if (reply.type != redis::Reply::Type::Array || reply.elements.size() < 2)
        return;
    if (reply.elements.size() > 2) {
        redis::Reply refused;
        refused.type = redis::Reply::Type::Error;
        refused.text = std::move(reply.elements[2].text);
        noteRefusal(answer, "families", "RANDOMKEY", refused);
    }
    const auto &heads = reply.elements[1].elements;
    for (std::size_t i = 0; i < std::min(heads.size(), lists.size()); ++i)
        answer.heads.push_back({lists[i], heads[i].text});
    if (reply.elements.size() == 2)
        answer.draws = std::move(reply.elements[0]);
}

} // namespace

redis::Script samplingScript()
{
    return redis::Script("sampling", R"(
local began = redis.call('TIME')
local draws, refused = {0}, nil
for i = 1, tonumber(ARGV[1]) do
    local key = redis.pcall('RANDOMKEY')
    if not key then break end
    local bytes = type(key) == 'string' and redis.pcall('MEMORY', 'USAGE', key, 'SAMPLES', ARGV[2]) or key
    if type(bytes) == 'table' then
        refused = bytes.err
        break
    end
    draws[#draws + 1] = key
    draws[#draws + 1] = type(bytes) == 'number' and bytes or 0
end
local heads = {}
for i, list in ipairs(KEYS) do
    local message = redis.pcall('LINDEX', list, -1)
    if type(message) ~= 'string' then
        heads[i] = ''
    elseif #message <= 4096 then
        heads[i] = redis.sha1hex(message)
    else
        heads[i] = #message .. ':' .. string.sub(message, -256)
    end
end
local ended = redis.call('TIME')
local took = (ended[1] - began[1]) * 1000000 + ended[2] - began[2]
draws[1] = took > 0 and took or -1
return {draws, heads, refused}
)");
}

redis::Command roundCommand(const RoundPlan &plan, const redis::Script &script)
{
    const auto lists = listsOf(plan);
    redis::Command command("INFO");
    command.add("DBSIZE");
    for (const std::string &list : lists)
        command.add("LLEN", list);
    command.add("HLEN", redis::keys::unacked);
    command.add("ZRANGE", redis::keys::unackedIndex, 0, 0, "WITHSCORES");
    for (const std::string &key : measuredKeys(plan))
        command.add("MEMORY", "USAGE", key, "SAMPLES", plan.nested);
    if (plan.clientList)
        command.add("CLIENT", "LIST");
    if (plan.loadScript)
        command.add("SCRIPT", "LOAD", script.source());
    if (plan.draws) {
        command.begin(5 + lists.size()).argument("EVALSHA").argument(script.sha()).argument(lists.size());
        for (const std::string &list : lists)
            command.argument(list);
        command.argument(plan.perRound).argument(plan.nested);
    }
    return command;
}

Result<RoundAnswer> readRound(const RoundPlan &plan, std::vector<redis::Reply> replies)
{
    const auto lists = listsOf(plan);
    const auto measured = measuredKeys(plan);
    const std::size_t expected = 4 + lists.size() + measured.size() + plan.clientList + plan.loadScript + plan.draws;
    RoundAnswer answer;
    if (!replies.empty())
        noteRefusal(answer, "redis", "INFO", replies[0]);
    if (!replies.empty() && replies[0].isError() && answer.notTold.empty())
        return redis::errorOf(replies[0]); // LOADING, NOAUTH, …
    if (replies.size() != expected || (answer.notTold.empty() && replies[0].type != redis::Reply::Type::String))
        return failure(ErrorKind::Protocol, "Redis did not answer INFO as expected.",
                       "Check that the Redis URL leads to Redis itself.");
    std::size_t at = 0;
    if (replies[at].type == redis::Reply::Type::String)
        answer.info = redis::parseInfo(replies[at].text);
    ++at;
    answer.keys = number(replies[at]);
    noteRefusal(answer, "families", "DBSIZE", replies[at++]);
    for (std::size_t i = 0; i < lists.size(); ++i)
        noteRefusal(answer, "queue", "LLEN", replies[at + i]);
    answer.queues = depths(plan, std::span(replies).subspan(at, lists.size()));
    at += lists.size();
    noteRefusal(answer, "queue", "HLEN", replies[at]);
    answer.unacked = number(replies[at++]);
    answer.oldestUnacked = score(replies[at++]);
    for (const std::string &key : measured) {
        noteRefusal(answer, "families", "MEMORY USAGE", replies[at]);
        answer.measured.push_back({key, number(replies[at++])});
    }
    if (plan.clientList) {
        if (replies[at].type == redis::Reply::Type::String)
            answer.clients = redis::parseClientList(replies[at].text);
        noteRefusal(answer, "clients", "CLIENT LIST", replies[at++]);
    }
    at += plan.loadScript;
    if (plan.draws)
        readScript(replies[at], lists, answer);
    return answer;
}

OwnLoad ownLoad(const RoundPlan &plan, const RoundAnswer &answer)
{
    const std::uint64_t lists = listsOf(plan).size();
    OwnLoad load;
    load.commands = 4 + lists + answer.measured.size() + plan.clientList + plan.loadScript + plan.draws;
    const auto empty =
        std::uint64_t(std::ranges::count_if(answer.heads, [](const ListHead &head) { return head.message.empty(); }));
    // Each list is asked for its length, and by the script for its head.
    load.misses = 2 * empty + (answer.unacked.value_or(0) == 0) + !answer.oldestUnacked;
    load.hits = 2 * answer.heads.size() + 2 - load.misses;
    if (answer.draws)
        load.commands += 2 + (answer.draws->elements.size() - 1) + lists; // TIME, RANDOMKEY and MEMORY USAGE, LINDEX
    return load;
}

} // namespace portolan::monitor
