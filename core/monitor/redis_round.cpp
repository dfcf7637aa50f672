// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/monitor/redis_round.h"

#include "core/monitor/printable.h"
#include "core/redis/errors.h"
#include "core/redis/keys.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace portolan::monitor {

namespace {

/// Of INFO, in the order in which the script answers them; redis::parseInfo knows them all.
constexpr std::array infoFields{"redis_version",
                                "redis_mode",
                                "run_id",
                                "uptime_in_seconds",
                                "connected_clients",
                                "blocked_clients",
                                "maxclients",
                                "used_memory",
                                "used_memory_peak",
                                "used_memory_rss",
                                "used_memory_overhead",
                                "mem_fragmentation_ratio",
                                "maxmemory",
                                "maxmemory_policy",
                                "total_commands_processed",
                                "instantaneous_ops_per_sec",
                                "keyspace_hits",
                                "keyspace_misses",
                                "evicted_keys",
                                "expired_keys",
                                "rejected_connections",
                                "total_net_output_bytes",
                                "loading",
                                "aof_enabled",
                                "aof_last_write_status",
                                "aof_rewrite_in_progress",
                                "rdb_bgsave_in_progress",
                                "rdb_last_bgsave_status"};

constexpr std::string_view body = R"(
local calls = 0
local function try(...) calls = calls + 1 return redis.pcall(...) end
local refused, noted = {}, {}
local function note(part, command, reply)
    if type(reply) == 'table' and reply.err and not noted[part] and not string.find(reply.err, '^WRONGTYPE') then
        noted[part] = true
        refused[#refused + 1] = part
        refused[#refused + 1] = command
        refused[#refused + 1] = reply.err
    end
    return reply
end
local draws, nested, lists, alone = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3]), ARGV[8] == '1'
local keys = {unpack(ARGV, 9)}

local info = note('redis', 'INFO', alone and try('INFO', 'stats') or try('INFO'))
if type(info) == 'string' then
    local found, values = {}, {}
    for field, value in string.gmatch(info, '([%w_]+):([^\r\n]*)') do
        if fields[field] then found[fields[field]] = value end
    end
    for n = 1, wanted do values[n] = found[n] or '' end
    info = table.concat(values, '\n')
end
local count = alone and -1 or note('families', 'DBSIZE', try('DBSIZE'))

local lengths, heads = {}, {}
for first = 1, lists, 16 do
    local last = math.min(first + 15, lists)
    local there = try('EXISTS', unpack(keys, first, last))
    if type(there) ~= 'number' then there = 16 end
    for i = first, last do
        lengths[i], heads[i] = 0, ''
        if there > 0 then
            local length = try('LLEN', keys[i])
            lengths[i] = type(length) == 'number' and length or -1
            if lengths[i] < 0 then
                local ours = string.sub(ARGV[4], i, i) == '0'
                note(ours and 'queue' or 'lists', ours and 'LLEN' or keys[i], length)
            end
            if lengths[i] ~= 0 then there = there - 1 end
        end
        local how = string.sub(ARGV[4], i, i)
        if lengths[i] > 0 then
            local message = try('LINDEX', keys[i], -1)
            if type(message) == 'string' then
                local whole = #message <= 4096 and message or (#message .. ':' .. string.sub(message, -256))
                local task = how ~= '2' or (string.find(message, '"properties"', 1, true) and string.find(message, '"body"', 1, true))
                heads[i] = (task and 't' or '-') .. string.sub(redis.sha1hex(whole), 1, 16)
            end
        end
    end
end
local unacked, oldest = alone and -1 or note('queue', 'HLEN', try('HLEN', unackedKey)), ''
if type(unacked) ~= 'number' then
    unacked = -1
elseif unacked > 0 then
    local first = try('ZRANGE', unackedIndex, 0, 0, 'WITHSCORES')
    oldest = first[2] or ''
end

local function bytes(key)
    local size = note('families', 'MEMORY USAGE', try('MEMORY', 'USAGE', key, 'SAMPLES', nested))
    return type(size) == 'number' and size or 0
end
local measured = {}
if ARGV[5] == '1' then
    local function measure(key) measured[#measured + 1] = bytes(key) end
    for i = 1, lists do
        if lengths[i] > 0 then measure(keys[i]) else measured[i] = 0 end
    end
    if unacked > 0 then
        measure(unackedKey)
        measure(unackedIndex)
    else
        measured[lists + 1], measured[lists + 2] = 0, 0
    end
    for i = lists + 1, #keys do measure(keys[i]) end
end

local drawn = {}
if draws > 0 then
    local began = try('TIME')
    drawn[1] = 0
    for i = 1, draws do
        local key = note('families', 'RANDOMKEY', try('RANDOMKEY'))
        if type(key) ~= 'string' then break end
        drawn[#drawn + 1] = key
        drawn[#drawn + 1] = bytes(key)
    end
    local took = 0
    if not began.err then
        local ended = try('TIME')
        took = (ended[1] - began[1]) * 1000000 + ended[2] - began[2]
    end
    drawn[1] = took > 0 and took or -1
end

local found = {}
if ARGV[6] ~= '' then found = try('SCAN', ARGV[6], 'COUNT', ARGV[7], 'TYPE', 'list') end
-- What of Redis' look-ups was this script's: SCAN … TYPE makes one for each key it passes.
local ended = try('INFO', 'stats')
if type(ended) ~= 'string' then ended = '' end
local hits, misses = string.match(ended, 'keyspace_hits:(%d+)'), string.match(ended, 'keyspace_misses:(%d+)')

local longest = 0
for i = 1, lists do
    if lengths[i] ~= 0 then longest = i end
end
if longest == 0 then lengths, heads = {}, {} end
return {calls, info, count, lengths, heads, unacked, oldest, measured, drawn, found, hits or '', misses or '', refused}
)";

/// A text as Lua's source has it, whatever bytes it holds.
std::string luaText(std::string_view text)
{
    std::string source = "'";
    for (const unsigned char c : text) {
        const bool plain = c >= ' ' && c < 0x7f && c != '\'' && c != '\\';
        if (plain)
            source.push_back(char(c));
        else // all three digits, for one of the text may follow
            source.append("\\")
                .append(1, char('0' + c / 100))
                .append(1, char('0' + c / 10 % 10))
                .append(1, char('0' + c % 10));
    }
    return source + "'";
}

std::optional<std::uint64_t> number(const redis::Reply &reply)
{
    if (reply.type != redis::Reply::Type::Integer || reply.integer < 0)
        return std::nullopt;
    return std::uint64_t(reply.integer);
}

std::optional<double> decimal(const std::string &text)
{
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() && !text.empty() ? std::optional(value) : std::nullopt;
}

std::uint64_t bytesOf(const redis::Reply &reply)
{
    // "$12\r\n" or so before, "\r\n" behind; ":123\r\n".
    std::uint64_t bytes = reply.type == redis::Reply::Type::Integer ? 6 : reply.text.size() + 8;
    for (const redis::Reply &element : reply.elements)
        bytes += bytesOf(element);
    return bytes;
}

/// `command`: of the part "lists" the list that was asked, or what looks for lists.
void noteRefusal(RoundAnswer &answer, std::string_view part, std::string_view command, const redis::Reply &reply)
{
    const auto known = [&](const NotTold &one) { return one.part == part; };
    if (!reply.isError() || !redis::refusesRight(reply) || std::ranges::any_of(answer.notTold, known))
        return;
    NotTold one{std::string(part), std::string(command),
                reply.errorCode() != "NOPERM" && reply.text.find("can't") == std::string::npos};
    if (redis::refusesPlace(reply) && part == "lists") {
        one.reason = unread_keys::list;
        one.about = printable(command);
        one.command = "keys " + one.about;
    } else if (redis::refusesPlace(reply)) {
        one.reason = part == "queue" ? unread_keys::queue : unread_keys::others;
    } else if (part == "lists" && !command.ends_with("SCAN")) {
        one.command = "LLEN";
    }
    answer.notTold.push_back(std::move(one));
}

/// What looks for lists may be refused as a whole, or for some keys.
void noteSearch(const RoundPlan &plan, RoundAnswer &answer)
{
    const std::size_t first = plan.search.cursor.empty() ? 0 : 1;
    for (std::size_t i = 0; i < answer.search.size(); ++i)
        noteRefusal(answer, "lists", i < first + (plan.search.bindings ? 1 : 0) ? "SCAN" : "SSCAN", answer.search[i]);
}

/// The lines of the script's figures, as INFO would have said them.
std::string infoText(const std::string &values)
{
    std::string text;
    std::size_t at = 0;
    for (const char *field : infoFields) {
        const std::size_t end = std::min(values.find('\n', at), values.size());
        if (end > at)
            text.append(field).append(":").append(values, at, end - at).append("\n");
        if (end == values.size())
            break;
        at = end + 1;
    }
    return text;
}

/// What is asked with MEMORY USAGE besides the lists, the unacknowledged and their index.
std::vector<std::string> otherKeys(const RoundPlan &plan)
{
    std::vector<std::string> keys;
    if (!plan.details)
        return keys;
    for (const std::string &key : plan.bigKeys) {
        const bool asked = key == plan.unacked || key == plan.unackedIndex ||
                           std::ranges::find(plan.lists, key, &queue::WaitingList::key) != plan.lists.end();
        if (!asked)
            keys.push_back(key);
    }
    return keys;
}

void addScript(redis::Command &command, const RoundPlan &plan, const redis::Script &script)
{
    if (plan.loadScript)
        command.add("SCRIPT", "LOAD", script.source());
    const auto others = otherKeys(plan);
    std::string how;
    for (const queue::WaitingList &list : plan.lists)
        how.push_back(list.untaken == Untaken::No ? '0' : list.certain ? '1' : '2');
    command.begin(11 + plan.lists.size() + others.size()).argument("EVALSHA").argument(script.sha()).argument(0);
    command.argument(plan.details ? plan.perRound : 0).argument(plan.nested).argument(plan.lists.size());
    command.argument(how).argument(plan.details ? 1 : 0).argument(plan.search.cursor).argument(plan.search.keys);
    command.argument(plan.searchOnly ? 1 : 0);
    for (const queue::WaitingList &list : plan.lists)
        command.argument(list.key);
    for (const std::string &key : others)
        command.argument(key);
}

void addPlain(redis::Command &command, const RoundPlan &plan)
{
    if (!plan.searchOnly) {
        command.add("INFO").add("DBSIZE").add("HLEN", plan.unacked);
        command.add("ZRANGE", plan.unackedIndex, 0, 0, "WITHSCORES");
    }
    for (const queue::WaitingList &list : plan.lists)
        command.add("LLEN", list.key);
    if (!plan.search.cursor.empty())
        command.add("SCAN", plan.search.cursor, "COUNT", plan.search.keys, "TYPE", "list");
}

std::size_t plainReplies(const RoundPlan &plan)
{
    return (plan.searchOnly ? 0 : 4) + plan.lists.size() + !plan.search.cursor.empty();
}

/// Of each list: how long it is, what is next, how many bytes it takes.
void readLists(const RoundPlan &plan, redis::Reply &reply, RoundAnswer &answer)
{
    const auto &lengths = reply.elements[3].elements;
    const auto &heads = reply.elements[4].elements;
    for (std::size_t i = 0; i < plan.lists.size(); ++i) {
        ListFigures figures{plan.lists[i], 0, {}, {}};
        if (i < lengths.size())
            figures.length = number(lengths[i]);
        if (i < heads.size() && !heads[i].text.empty()) {
            figures.message = heads[i].text.substr(1);
            figures.task = heads[i].text.front() == 't';
        }
        answer.lists.push_back(std::move(figures));
    }
}

/// How much a counter of INFO has grown while the script ran.
std::uint64_t growth(const std::optional<std::uint64_t> &before, const std::string &after)
{
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(after.data(), after.data() + after.size(), value);
    return before && error == std::errc() && value >= *before ? value - *before : 0;
}

void readMeasured(const RoundPlan &plan, redis::Reply &reply, RoundAnswer &answer)
{
    if (!plan.details)
        return;
    std::vector<std::string> keys;
    for (const queue::WaitingList &list : plan.lists)
        keys.push_back(list.key);
    keys.push_back(plan.unacked);
    keys.push_back(plan.unackedIndex);
    std::ranges::move(otherKeys(plan), std::back_inserter(keys));
    for (std::size_t i = 0; i < std::min(keys.size(), reply.elements.size()); ++i) {
        const auto bytes = number(reply.elements[i]);
        answer.measured.push_back({std::move(keys[i]), bytes == std::uint64_t(0) ? std::nullopt : bytes});
    }
}

void readScript(const RoundPlan &plan, redis::Reply &reply, RoundAnswer &answer)
{
    answer.scriptMissing = reply.errorCode() == "NOSCRIPT";
    answer.scriptRefused = redis::refusesRight(reply);
    noteRefusal(answer, "families", "EVALSHA", reply);
    if (reply.type != redis::Reply::Type::Array || reply.elements.size() != 13)
        return;
    auto &parts = reply.elements;
    const auto &refused = parts[12].elements;
    for (std::size_t i = 0; i + 2 < refused.size(); i += 3) {
        redis::Reply error;
        error.type = redis::Reply::Type::Error;
        error.text = refused[i + 2].text;
        noteRefusal(answer, refused[i].text, refused[i + 1].text, error);
    }
    answer.load.commands += std::uint64_t(std::max<std::int64_t>(0, parts[0].integer));
    answer.info = redis::parseInfo(infoText(parts[1].isError() ? std::string() : parts[1].text));
    answer.keys = number(parts[2]);
    readLists(plan, reply, answer);
    answer.unacked = number(parts[5]);
    answer.oldestUnacked = decimal(parts[6].text);
    readMeasured(plan, parts[7], answer);
    if (plan.details)
        answer.draws = std::move(parts[8]);
    if (!plan.search.cursor.empty())
        answer.search.push_back(std::move(parts[9]));
    answer.load.hits = growth(answer.info.stats.hits, parts[10].text);
    answer.load.misses = growth(answer.info.stats.misses, parts[11].text);
}

void readPlain(const RoundPlan &plan, std::span<redis::Reply> replies, RoundAnswer &answer)
{
    if (plan.searchOnly) {
        if (!plan.search.cursor.empty())
            answer.search.push_back(std::move(replies[0]));
        return;
    }
    if (replies[0].type == redis::Reply::Type::String)
        answer.info = redis::parseInfo(replies[0].text);
    noteRefusal(answer, "redis", "INFO", replies[0]);
    noteRefusal(answer, "queue", "HLEN", replies[2]);
    answer.keys = number(replies[1]);
    answer.unacked = number(replies[2]);
    if (replies[3].elements.size() >= 2)
        answer.oldestUnacked = decimal(replies[3].elements[1].text);
    ++(answer.unacked.value_or(0) > 0 ? answer.load.hits : answer.load.misses);
    ++(answer.oldestUnacked ? answer.load.hits : answer.load.misses);
    for (std::size_t i = 0; i < plan.lists.size(); ++i) {
        answer.lists.push_back({plan.lists[i], number(replies[4 + i]), {}, {}});
        const bool ours = plan.lists[i].untaken == Untaken::No;
        noteRefusal(answer, ours ? "queue" : "lists", ours ? "LLEN" : plan.lists[i].key, replies[4 + i]);
        ++(answer.lists.back().length.value_or(1) > 0 ? answer.load.hits : answer.load.misses);
    }
    if (!plan.search.cursor.empty())
        answer.search.push_back(std::move(replies[4 + plan.lists.size()]));
}

} // namespace

bool RoundPlan::asks(std::string_view part) const
{
    if (part == "lists")
        return !search.cursor.empty() || search.others.count() > 0;
    return !searchOnly && (part != "clients" || clientList) && (part != "families" || details);
}

redis::Script samplingScript(const queue::KeyLayout &layout)
{
    std::string fields = "local fields = {";
    for (std::size_t i = 0; i < infoFields.size(); ++i)
        fields.append(infoFields[i]).append(" = ").append(std::to_string(i + 1)).append(", ");
    fields.append("}\nlocal wanted, unackedKey, unackedIndex = ").append(std::to_string(infoFields.size()));
    fields.append(", ").append(luaText(layout.unackedKey())).append(", ").append(luaText(layout.unackedIndexKey()));
    return redis::Script("sampling", fields + std::string(body));
}

redis::Command roundCommand(const RoundPlan &plan, const redis::Script &script)
{
    redis::Command command;
    if (plan.plain)
        addPlain(command, plan);
    else
        addScript(command, plan, script);
    if (plan.clientList)
        command.add("CLIENT", "LIST");
    return command.append(plan.search.others);
}

Result<RoundAnswer> readRound(const RoundPlan &plan, std::vector<redis::Reply> replies)
{
    const std::size_t first = plan.plain ? plainReplies(plan) : 1 + plan.loadScript;
    if (replies.size() != first + plan.clientList + plan.search.others.count())
        return failure(ErrorKind::Protocol, "Redis did not answer as expected.",
                       "Check that the Redis URL leads to Redis itself.");
    const redis::Reply &main = replies[plan.plain ? 0 : first - 1];
    if (main.isError() && main.errorCode() != "NOSCRIPT" && !redis::refusesRight(main))
        return redis::errorOf(main); // LOADING, NOAUTH, …
    RoundAnswer answer;
    answer.load.commands = replies.size();
    for (const redis::Reply &reply : replies)
        answer.load.bytes += bytesOf(reply);
    if (plan.plain)
        readPlain(plan, replies, answer);
    else
        readScript(plan, replies[first - 1], answer);
    if (plan.clientList && replies[first].type == redis::Reply::Type::String)
        answer.clients = redis::parseClientList(replies[first].text);
    if (plan.clientList)
        noteRefusal(answer, "clients", "CLIENT LIST", replies[first]);
    for (std::size_t i = first + plan.clientList; i < replies.size(); ++i)
        answer.search.push_back(std::move(replies[i]));
    noteSearch(plan, answer);
    return answer;
}

} // namespace portolan::monitor
