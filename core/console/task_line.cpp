// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/console/task_line.h"

#include "core/queue/keys.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <utility>

namespace portolan::console {
namespace {

constexpr std::size_t listsAtOnce = 32;
constexpr std::size_t fewest = 16;    ///< looked at ahead of where the mark was; then more and more …
constexpr std::size_t farthest = 500; ///< … up to so many at once

std::optional<std::uint64_t> lastOf(const queue::TaskSummary &task)
{
    return task.id.empty() ? std::nullopt : std::optional(markOf(task.id));
}

/// The priority step at the end of a list's key, whatever separates it; 0 where there is none.
unsigned stepOf(std::string_view key)
{
    const std::size_t digits = key.find_last_not_of("0123456789") + 1;
    unsigned step = 0;
    std::from_chars(key.data() + digits, key.data() + key.size(), step);
    return step;
}

/// What one list has, from a position on.
struct Part
{
    std::uint64_t from = 0;
    queue::WaitingTasks found;
};

bool isCut(const queue::WaitingTasks &found, std::size_t asked) { return found.more && found.items.size() < asked; }

awaitable<Result<Part>> readPart(const LineReader &read, const queue::WaitingList &list, std::uint64_t from,
                                 std::size_t most)
{
    std::vector<queue::WaitingList> one{list};
    auto found = co_await read(std::move(one), from, most);
    if (!found)
        co_return found.error();
    co_return Part{from, std::move(*found)};
}

void drop(Part &part, std::size_t count)
{
    part.from += count;
    part.found.items.erase(part.found.items.begin(), part.found.items.begin() + std::ptrdiff_t(count));
    part.found.lists.resize(part.found.items.size()); // it is one list
}

/// Where a list goes on, if the task of the mark is found in front of where it was; the nearest one, for an id may be
/// there twice. `cut`: messages are so large that not all was seen in which it may be.
struct Ahead
{
    std::optional<std::uint64_t> next;
    bool cut = false;
};
awaitable<Result<Ahead>> lookAhead(const LineReader &read, const queue::WaitingList &list, const LineMark &mark)
{
    std::uint64_t end = mark.at - 1;
    std::size_t count = fewest;
    bool cut = false;
    for (int look = 0; look < mostLooks && end > 0; ++look) {
        const std::uint64_t from = end - std::min<std::uint64_t>(end, count);
        const auto part = co_await readPart(read, list, from, end - from);
        if (!part)
            co_return part.error();
        const auto &items = part->found.items;
        for (std::size_t i = items.size(); i-- > 0;)
            if (lastOf(items[i]) == mark.last)
                co_return Ahead{from + i + 1, false};
        if (isCut(part->found, end - from)) { // then only as many as are answered
            cut = true;
            count = std::max<std::size_t>(items.size(), 1);
            continue;
        }
        end = from;
        if (!cut)
            count = std::min(4 * count, farthest);
    }
    co_return Ahead{std::nullopt, cut && end > 0};
}

/// What comes after the mark in its list.
awaitable<Result<Part>> readAfter(const LineReader &read, queue::WaitingList list, LineMark mark, std::size_t most)
{
    if (!mark.last || mark.at == 0)
        co_return co_await readPart(read, list, mark.at, most);
    auto here = co_await readPart(read, list, mark.at - 1, most + 1);
    if (!here)
        co_return here.error();
    const auto isIt = [&](const queue::TaskSummary &task) { return lastOf(task) == mark.last; };
    const auto &items = here->found.items;
    const auto found = static_cast<std::size_t>(std::ranges::find_if(items, isIt) - items.begin());
    if (!items.empty() && found == 0) {
        drop(*here, 1);
        co_return std::move(*here);
    }
    const auto ahead = co_await lookAhead(read, list, mark);
    if (!ahead)
        co_return ahead.error();
    if (!ahead->next && found < items.size()) { // others were put back in front of it
        drop(*here, found + 1);
        co_return std::move(*here);
    }
    std::uint64_t from = ahead->cut ? mark.at : 0;
    if (ahead->next)
        from = *ahead->next;
    co_return co_await readPart(read, list, from, most);
}

/// Adds what was read of some lists, each from its beginning or the first one from a position on.
void append(Line &line, queue::WaitingTasks &found, const std::vector<queue::WaitingList> &lists, std::uint64_t from)
{
    std::size_t list = 0;
    for (std::size_t i = 0; i < found.items.size(); ++i) {
        if (found.lists[i] != list)
            from = 0;
        list = found.lists[i];
        queue::TaskSummary &task = found.items[i];
        const LineMark mark{orderOf(lists[list]), ++from, lastOf(task)};
        line.tasks.push_back({std::move(task), mark});
    }
}

} // namespace

std::uint64_t markOf(std::string_view id)
{
    std::uint64_t hash = 0xcbf29ce484222325u;
    for (const char c : id)
        hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
    return hash;
}

/// From the highest bit: whether others take it, 31 of the queue, 4 of the step, 28 of the key.
std::uint64_t orderOf(const queue::WaitingList &list)
{
    const std::uint64_t others = list.untaken == Untaken::No ? 0 : 1;
    const std::uint64_t step = std::min(stepOf(list.key), 15u);
    return others << 63 | markOf(list.queue) >> 33 << 32 | step << 28 | markOf(list.key) >> 36;
}

awaitable<Result<Line>> readLine(LineReader read, std::vector<queue::WaitingList> lists, std::optional<LineMark> after,
                                 std::size_t most)
{
    std::ranges::sort(lists, {}, orderOf);
    if (after)
        std::erase_if(lists, [&](const auto &list) { return orderOf(list) < after->list; });
    Line line;
    const std::size_t wanted = most + 1; // one more says that there are more
    for (std::size_t next = 0; next < lists.size() && line.tasks.size() < wanted;) {
        const bool begun = next == 0 && after && orderOf(lists.front()) == after->list;
        const std::size_t count = begun ? 1 : std::min(listsAtOnce, lists.size() - next);
        const auto first = lists.begin() + std::ptrdiff_t(next);
        const std::vector<queue::WaitingList> some(first, first + std::ptrdiff_t(count));
        const std::size_t asked = wanted - line.tasks.size();
        Part part;
        if (begun) {
            auto rest = co_await readAfter(read, some.front(), *after, asked);
            if (!rest)
                co_return rest.error();
            part = std::move(*rest);
        } else {
            auto found = co_await read(some, 0, asked);
            if (!found)
                co_return found.error();
            part.found = std::move(*found);
        }
        append(line, part.found, some, part.from);
        line.more = isCut(part.found, asked);
        if (line.more)
            break;
        next += count;
    }
    if (line.tasks.size() > most) {
        line.tasks.resize(most);
        line.more = true;
    }
    co_return line;
}

} // namespace portolan::console
