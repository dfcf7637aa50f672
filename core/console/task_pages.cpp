// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/console/task_pages.h"

#include "core/base/ids.h"
#include "core/base/utf8.h"

#include <algorithm>
#include <charconv>

namespace portolan::console {
namespace {

/// Of what workers hold.
constexpr std::array places{TaskPlace::Running, TaskPlace::Reserved, TaskPlace::Scheduled, TaskPlace::Ended};
constexpr char kind = 't';

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

/// What still stands in line may have been revoked: then it has ended.
bool takeLine(TasksFound &found, TaskCursor &cursor, std::size_t limit, std::vector<TaskInfo> &to,
              std::vector<TaskInfo> &ended)
{
    std::size_t taken = 0;
    for (auto &one : found.line) {
        const bool over = one.task.place == TaskPlace::Ended;
        if (!one.elsewhere && (over ? ended.size() : taken) >= limit)
            return true;
        cursor.line = one.mark;
        if (one.elsewhere)
            continue;
        taken += over ? 0 : 1;
        (over ? ended : to).push_back(std::move(one.task));
    }
    return found.moreInLine;
}

bool takeEnded(TasksFound &found, TaskCursor &cursor, std::size_t limit, std::vector<TaskInfo> &to)
{
    for (TaskInfo &task : found.ended) {
        if (to.size() >= limit)
            return true;
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

bool readLineMark(std::string_view &text, std::optional<LineMark> &line)
{
    constexpr std::uint64_t farthest = std::uint64_t{1} << 40;
    std::uint64_t at = 0;
    std::optional<std::uint64_t> list, last;
    if (!readNumber(text, at, 10) || at > farthest || !readMark(text, list) || !readMark(text, last))
        return false;
    if (list)
        line = {*list, at, last};
    return list || (at == 0 && !last);
}

bool readCursor(std::string_view text, TaskCursor &cursor)
{
    if (!readChar(text, kind) || !readLineMark(text, cursor.line))
        return false;
    for (auto &mark : cursor.held)
        if (!readMark(text, mark))
            return false;
    if (!readChar(text, ';') || text.empty())
        return text.empty();
    std::int64_t created = 0;
    constexpr std::int64_t latest = 253'402'300'800'000; // the year 10000
    if (!readNumber(text, created, 10) || created < 0 || created > latest || !readChar(text, ':') ||
        text.find('\0') != text.npos || !isUtf8(text))
        return false;
    cursor.ended = {WallTime(std::chrono::milliseconds(created)), std::string(text)};
    return true;
}

} // namespace

/// "t12;8a01;5f;;;;;;1790000000000:3f2a91c0-…": the position in a list, which list and the mark of the last one told
/// there, the marks of each place, and the task that ended.
std::string formatTaskCursor(const TaskCursor &cursor)
{
    std::string text = kind + std::to_string(cursor.line ? cursor.line->at : 0);
    addMark(text, cursor.line ? std::optional(cursor.line->list) : std::nullopt);
    addMark(text, cursor.line ? cursor.line->last : std::nullopt);
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

TaskList taskPage(TasksFound found, const TaskCursor &cursor, std::uint32_t limit)
{
    TaskList page;
    TaskCursor next = cursor;
    bool left = false;
    std::vector<TaskInfo> ended;
    for (const TaskPlace place : places)
        left = takeHeld(found.held, place, next, limit, place == TaskPlace::Ended ? ended : page.items) || left;
    left = takeLine(found, next, limit, page.items, ended) || left;
    left = takeEnded(found, next, limit, ended) || left;
    std::ranges::stable_sort(ended, [](const TaskInfo &a, const TaskInfo &b) { return a.ended > b.ended; });
    std::ranges::move(ended, std::back_inserter(page.items));
    if (left)
        page.nextCursor = formatTaskCursor(next);
    page.complete = !left && found.all;
    return page;
}

} // namespace portolan::console
