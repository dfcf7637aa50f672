// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/console/task_pages.h"

#include "core/base/ids.h"

#include <algorithm>
#include <charconv>

namespace portolan::console {
namespace {

constexpr std::array order{TaskPlace::Running, TaskPlace::Reserved, TaskPlace::Scheduled, TaskPlace::Waiting,
                           TaskPlace::Ended};
constexpr char kind = 't';
constexpr std::uint64_t lookBack = 100; ///< so many tasks taken between two pages are found without another look
constexpr std::size_t mostOfLine = 500;

std::size_t indexOf(TaskPlace place) { return static_cast<std::size_t>(place); }

/// Moves at most `limit` of those of a place that the cursor has not told; whether any is left.
bool takeHeld(std::vector<TaskInfo> &held, TaskPlace place, TaskCursor &cursor, std::uint32_t limit,
              std::vector<TaskInfo> &to)
{
    std::optional<std::uint64_t> &last = cursor.held[indexOf(place)];
    std::vector<std::pair<std::uint64_t, TaskInfo *>> left;
    for (TaskInfo &task : held) {
        const std::uint64_t mark = markOf(task.id);
        if (task.place == place && (!last || mark > *last))
            left.emplace_back(mark, &task);
    }
    std::ranges::sort(left);
    const std::size_t most = std::min<std::size_t>(left.size(), limit);
    for (std::size_t i = 0; i < most; ++i) {
        last = left[i].first;
        to.push_back(std::move(*left[i].second));
    }
    return left.size() > most;
}

bool takeLine(TasksFound &found, TaskCursor &cursor, std::uint32_t limit, std::vector<TaskInfo> &to)
{
    std::size_t taken = 0;
    for (auto &one : found.line) {
        if (!one.elsewhere && taken == limit)
            return true;
        cursor.waiting = markOf(one.task.id);
        cursor.waitingAt = one.position + 1;
        if (one.elsewhere)
            continue;
        ++taken;
        to.push_back(std::move(one.task));
    }
    return found.moreInLine;
}

bool takeEnded(TasksFound &found, TaskCursor &cursor, std::size_t limit, std::vector<TaskInfo> &to)
{
    for (std::size_t i = 0; i < found.ended.size(); ++i) {
        if (i == limit)
            return true;
        TaskInfo &task = found.ended[i];
        cursor.ended = {task.created.value_or(WallTime{}), task.id};
        to.push_back(std::move(task));
    }
    if (found.endedUntil)
        cursor.ended = found.endedUntil;
    return found.endedUntil.has_value();
}

template <class T> bool readNumber(std::string_view &text, T &number, int base)
{
    const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), number, base);
    if (wrong != std::errc())
        return false;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return true;
}

bool readChar(std::string_view &text, char wanted)
{
    const bool there = !text.empty() && text.front() == wanted;
    if (there)
        text.remove_prefix(1);
    return there;
}

bool readMark(std::string_view &text, std::optional<std::uint64_t> &mark)
{
    if (!readChar(text, ';'))
        return false;
    return text.empty() || text.front() == ';' || readNumber(text, mark.emplace(), 16);
}

void addMark(std::string &text, const std::optional<std::uint64_t> &mark)
{
    text += ';';
    if (!mark)
        return;
    std::array<char, 16> digits{};
    text.append(digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), *mark, 16).ptr);
}

std::int64_t millisecondsOf(WallTime time)
{
    return std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
}

bool readCursor(std::string_view text, TaskCursor &cursor)
{
    constexpr std::uint64_t farthest = std::uint64_t{1} << 40;
    if (!readChar(text, kind) || !readNumber(text, cursor.waitingAt, 10) || cursor.waitingAt > farthest ||
        !readMark(text, cursor.waiting))
        return false;
    for (auto &mark : cursor.held)
        if (!readMark(text, mark))
            return false;
    if (!readChar(text, ';') || text.empty())
        return text.empty();
    std::int64_t created = 0;
    constexpr std::int64_t latest = 253'402'300'800'000; // the year 10000
    if (!readNumber(text, created, 10) || created < 0 || created > latest || !readChar(text, ':') ||
        text.find('\0') != text.npos)
        return false;
    cursor.ended = {WallTime(std::chrono::milliseconds(created)), std::string(text)};
    return true;
}

} // namespace

std::uint64_t markOf(std::string_view id)
{
    std::uint64_t hash = 0xcbf29ce484222325u;
    for (const char c : id)
        hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
    return hash;
}

/// "t12;5f;;;;;;1790000000000:3f2a91c0-…": the position in line and the mark of the last one told there, the marks of
/// each place, and the task that ended.
std::string formatTaskCursor(const TaskCursor &cursor)
{
    std::string text = kind + std::to_string(cursor.waitingAt);
    addMark(text, cursor.waiting);
    for (const auto &mark : cursor.held)
        addMark(text, mark);
    text += ';';
    if (cursor.ended)
        text.append(std::to_string(millisecondsOf(cursor.ended->created))).append(":").append(cursor.ended->id);
    return encodeBase64Url(text);
}

Result<TaskCursor> parseTaskCursor(std::string_view text)
{
    constexpr std::size_t longest = 1024;
    TaskCursor cursor;
    if (text.empty())
        return cursor;
    if (text.size() <= longest) {
        const auto decoded = decodeBase64Url(text);
        if (decoded && readCursor(*decoded, cursor))
            return cursor;
    }
    return badField("That is no cursor of tasks.", "/cursor", "must be a next_cursor of this list");
}

Window firstWindow(const TaskCursor &cursor, std::uint32_t limit)
{
    const std::uint64_t back = cursor.waiting ? std::min(cursor.waitingAt, lookBack) : 0;
    return {cursor.waitingAt - back, std::min<std::size_t>(limit + 1 + back, mostOfLine)};
}

Window windowAhead(const Window &window)
{
    const std::uint64_t from = window.from > mostOfLine ? window.from - mostOfLine : 0;
    return {from, mostOfLine};
}

std::optional<std::uint64_t> nextInLine(const TaskCursor &cursor, const Window &window,
                                        const std::vector<std::string> &ids, bool cut)
{
    if (!cursor.waiting)
        return window.from;
    for (std::size_t i = 0; i < ids.size(); ++i)
        if (markOf(ids[i]) == *cursor.waiting)
            return window.from + i + 1;
    return window.from == 0 && !cut ? std::optional<std::uint64_t>(0) : std::nullopt;
}

void goOnWithout(TaskCursor &cursor, const std::optional<std::uint64_t> &next, bool cut)
{
    if (next) {
        cursor.waitingAt = *next;
        return;
    }
    cursor.waiting.reset();
    if (!cut)
        cursor.waitingAt = 0;
}

TaskList taskPage(TasksFound found, const TaskCursor &cursor, std::uint32_t limit)
{
    TaskList page;
    TaskCursor next = cursor;
    bool left = false;
    std::vector<TaskInfo> ended;
    for (const TaskPlace place : order) {
        const bool over = place == TaskPlace::Ended;
        left = takeHeld(found.held, place, next, limit, over ? ended : page.items) || left;
        if (place == TaskPlace::Waiting)
            left = takeLine(found, next, limit, page.items) || left;
    }
    // What still stands in line may have been revoked.
    std::ranges::stable_partition(page.items, [](const TaskInfo &task) { return task.place != TaskPlace::Ended; });
    const auto revoked = std::ranges::find(page.items, TaskPlace::Ended, &TaskInfo::place);
    std::move(revoked, page.items.end(), std::back_inserter(ended));
    page.items.erase(revoked, page.items.end());
    left = takeEnded(found, next, limit - std::min<std::size_t>(limit, ended.size()), ended) || left;
    std::ranges::stable_sort(ended, [](const TaskInfo &a, const TaskInfo &b) { return a.ended > b.ended; });
    std::ranges::move(ended, std::back_inserter(page.items));
    if (left)
        page.nextCursor = formatTaskCursor(next);
    page.complete = !left && found.all;
    return page;
}

} // namespace portolan::console
