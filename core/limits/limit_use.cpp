// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/limits/limit_use.h"

#include "core/limits/grammar.h"
#include "core/limits/keys.h"
#include "core/limits/limits_table.h"
#include "core/limits/packing.h"
#include "core/limits/redis_windows.h"
#include "core/redis/client.h"

#include <algorithm>
#include <map>

namespace portolan::limits {
namespace {

constexpr std::uint8_t movingFlag = 64;
/// As in windows.lua: what begins later is of a clock that was ahead, and counts for nothing.
constexpr std::chrono::seconds clockSlack{1};
constexpr std::size_t fixedEntry = 2 + 4 + 5;
constexpr std::size_t movingEntry = 5 + 4;

struct Used
{
    std::uint64_t count = 0;
    std::optional<WallTime> reset;
};

void readFixed(std::string_view payload, WallTime now, const WindowSpec &spec, std::map<std::uint16_t, Used> &used)
{
    while (payload.size() >= fixedEntry) {
        const auto id = static_cast<std::uint16_t>(take(payload, 2));
        const auto count = take(payload, 4);
        const auto reset = timeOfScript(take(payload, 5));
        const auto window = std::ranges::find(spec.windows(), id, &WindowSpec::idOf);
        if (window == spec.windows().end() || reset <= now || reset > now + window->length() + clockSlack)
            continue;
        used[id] = {count, std::min(reset, WallTime(now + window->length()))};
    }
}

/// The entries' own counts are summed: the total before them still has what has left since the last request.
void readMoving(std::string_view payload, WallTime now, const WindowSpec &spec, std::map<std::uint16_t, Used> &used)
{
    const auto id = static_cast<std::uint16_t>(take(payload, 2));
    take(payload, 4);
    const auto window = std::ranges::find(spec.windows(), id, &WindowSpec::idOf);
    if (window == spec.windows().end())
        return;
    Used sum;
    while (payload.size() >= movingEntry) {
        const auto leaves = timeOfScript(take(payload, 5)) + window->length();
        const auto count = take(payload, 4);
        if (leaves <= now || leaves > now + window->length() + clockSlack)
            continue;
        sum.count += count;
        if (!sum.reset)
            sum.reset = leaves;
    }
    used[id] = sum;
}

} // namespace

std::vector<WindowUse> windowUse(std::string_view value, std::uint8_t tag, const WindowSpec &spec, WallTime now)
{
    std::map<std::uint16_t, Used> used;
    take(value, 4); // the key's own expiry
    while (value.size() >= 3) {
        const auto kind = static_cast<std::uint8_t>(take(value, 1));
        const std::size_t bytes = take(value, 2);
        const auto payload = value.substr(0, bytes);
        value.remove_prefix(payload.size());
        if (kind == tag)
            readFixed(payload, now, spec, used);
        else if (kind == tag + movingFlag)
            readMoving(payload, now, spec, used);
    }
    std::vector<WindowUse> all;
    for (const auto &window : spec.windows()) {
        const auto found = used.find(WindowSpec::idOf(window));
        if (found == used.end())
            all.push_back({window, 0, std::nullopt});
        else
            all.push_back({window, found->second.count, found->second.reset});
    }
    return all;
}

awaitable<Result<std::vector<LimitUse>>> LimitUseReader::of(Id user)
{
    auto own = m_table.known(user);
    if (!own) {
        auto loaded = co_await m_table.load(user);
        if (!loaded)
            co_return loaded.error();
        own = std::move(*loaded);
    }
    const std::string key = keys::user(user);
    redis::Command read("GET", key);
    const auto reply = co_await m_client.run(std::move(read));
    if (!reply)
        co_return reply.error();
    const LimitsPlan &plan = m_table.plan();
    const auto now = m_clock.wall();
    std::vector<LimitUse> all;
    for (std::size_t at = 0; at < categoryCount; ++at) {
        const auto category = static_cast<Category>(at);
        const WindowSpec &spec = own->own[at] ? *own->own[at] : plan.caller[at];
        for (const auto &use : windowUse(reply->text, tagOf(category, false), spec, now))
            all.push_back({category, format({use.window}), use.used, use.window.count, use.reset});
    }
    co_return all;
}

} // namespace portolan::limits
