// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/storage/task_owner_store.h"

#include "core/storage/cursor.h"
#include "core/storage/errors.h"
#include "core/storage/table.h"

#include <algorithm>
#include <bit>
#include <deque>
#include <functional>
#include <iterator>
#include <mutex>
#include <span>
#include <utility>

namespace portolan::storage {
namespace {

constexpr auto taskOwners = makeTable<TaskOwner>("task_owners", {
                                                                    column<&TaskOwner::taskId>("task_id"),
                                                                    column<&TaskOwner::owner>("owner"),
                                                                    column<&TaskOwner::name>("name"),
                                                                    column<&TaskOwner::created>("created"),
                                                                    column<&TaskOwner::ended>("ended"),
                                                                    column<&TaskOwner::subject>("subject"),
                                                                });

Result<void> insertAll(DatabaseConnection &connection, std::span<const TaskOwner> tasks)
{
    auto done = transaction(connection, [&] { return taskOwners.insert(connection, tasks); });
    if (done.has_error() && done.error().code == codeUnique)
        return failure(ErrorKind::Conflict, "There is a task of that id already.");
    return done;
}

Result<TaskOwnerPage> readPage(DatabaseConnection &connection, Id owner, std::uint32_t limit,
                               const std::string &cursorText)
{
    if (auto checked = checkLimit(limit); checked.has_error())
        return checked.error();
    std::string where = "WHERE owner = ?";
    Values values = valuesOf(owner);
    if (!cursorText.empty()) {
        const auto cursor = parseCursor(cursorText, 't');
        if (cursor.has_error())
            return cursor.error();
        where += " AND (created < ? OR (created = ? AND task_id < ?))";
        values.push_back(toValue(cursor->number));
        values.push_back(toValue(cursor->number));
        values.push_back(cursor->text);
    }
    values.push_back(std::int64_t{limit} + 1);
    auto rows = select(connection, taskOwners.select(where + " ORDER BY created DESC, task_id DESC LIMIT ?"), values,
                       taskOwners.reader());
    if (rows.has_error())
        return rows.error();
    TaskOwnerPage page{std::move(*rows), std::nullopt};
    if (page.items.size() > limit) {
        page.items.resize(limit);
        const auto &last = page.items.back();
        page.nextCursor = formatCursor({'t', static_cast<std::uint64_t>(toMilliseconds(last.created)), last.taskId});
    }
    return page;
}

Result<std::vector<TaskOwner>> findAll(DatabaseConnection &connection, std::span<const std::string> ids)
{
    constexpr std::size_t atOnce = 128;
    constexpr std::size_t most = 2000;
    if (ids.size() > most)
        return failure(ErrorKind::Invalid, "At most 2,000 tasks can be looked up at once.");
    std::vector<TaskOwner> all;
    while (!ids.empty()) {
        // Powers of two, so that few different statements serve every number of ids.
        const auto part = ids.first(std::min(std::bit_floor(ids.size()), atOnce));
        ids = ids.subspan(part.size());
        std::string where = "WHERE task_id IN (?";
        for (std::size_t i = 1; i < part.size(); ++i)
            where += ", ?";
        Values values;
        for (const auto &id : part)
            values.push_back(id);
        auto rows = select(connection, taskOwners.select(where + ')'), values, taskOwners.reader());
        if (rows.has_error())
            return rows.error();
        std::ranges::move(*rows, std::back_inserter(all));
    }
    return all;
}

} // namespace

/// What waits to be written, and the one turn that writes it: whatever came since the last turn goes into the next one.
struct TaskOwnerStore::Batch : std::enable_shared_from_this<Batch>
{
    struct Waiting
    {
        TaskOwner task;
        std::function<void(Result<void>)> answer;
    };
    static constexpr std::size_t bound = 10'000;
    static constexpr std::size_t perTurn = 256;

    explicit Batch(Database &d) : database(d) {}

    void add(Waiting one)
    {
        bool full = false;
        bool first = false;
        {
            const std::lock_guard lock(mutex);
            full = waiting.size() >= bound;
            if (!full) {
                waiting.push_back(std::move(one));
                first = !std::exchange(turnAsked, true);
            }
        }
        if (full)
            one.answer(
                failure(ErrorKind::Unavailable, "Too many tasks wait to be recorded.", "Try again in a moment."));
        if (first)
            askTurn();
    }

    void askTurn()
    {
        database.post([self = shared_from_this()](DatabaseConnection *connection, const Error *refused) {
            if (connection)
                self->turn(*connection);
            else
                self->refuse(*refused);
        });
    }

    void turn(DatabaseConnection &connection)
    {
        std::vector<Waiting> mine;
        {
            const std::lock_guard lock(mutex);
            const auto end = waiting.begin() + static_cast<std::ptrdiff_t>(std::min(waiting.size(), perTurn));
            mine.assign(std::make_move_iterator(waiting.begin()), std::make_move_iterator(end));
            waiting.erase(waiting.begin(), end);
        }
        write(connection, mine);
        {
            const std::lock_guard lock(mutex);
            turnAsked = !waiting.empty();
            if (!turnAsked)
                return;
        }
        askTurn();
    }

    static void write(DatabaseConnection &connection, std::vector<Waiting> &mine)
    {
        std::vector<TaskOwner> tasks;
        tasks.reserve(mine.size());
        for (const auto &one : mine)
            tasks.push_back(one.task);
        const auto done = insertAll(connection, tasks);
        const bool oneIsTaken = done.has_error() && done.error().kind == ErrorKind::Conflict && mine.size() > 1;
        for (auto &one : mine) // when an id is taken each is tried alone, so that only its owner hears of it
            one.answer(oneIsTaken ? insertAll(connection, std::span<const TaskOwner>(&one.task, 1)) : done);
    }

    void refuse(const Error &reason)
    {
        std::deque<Waiting> all;
        {
            const std::lock_guard lock(mutex);
            all.swap(waiting);
            turnAsked = false;
        }
        for (auto &one : all)
            one.answer(reason);
    }

    Database &database;
    std::mutex mutex;
    std::deque<Waiting> waiting;
    bool turnAsked = false;
};

TaskOwnerStore::TaskOwnerStore(Database &database) : m_database(database), m_batch(std::make_shared<Batch>(database)) {}
TaskOwnerStore::~TaskOwnerStore() = default;

awaitable<Result<void>> TaskOwnerStore::add(TaskOwner task)
{
    return asio::async_initiate<decltype(use_awaitable), void(Result<void>)>(
        [this](auto handler, TaskOwner one) {
            auto guard = asio::make_work_guard(asio::get_associated_executor(handler));
            auto waiting = std::make_shared<std::decay_t<decltype(handler)>>(std::move(handler));
            // As in Database::run(): the pool's thread lets go of the caller's executor when it posts.
            m_batch->add({std::move(one), [waiting, guard = std::move(guard)](Result<void> result) mutable {
                              const auto executor = guard.get_executor();
                              asio::post(executor, [waiting = std::move(waiting), guard = std::move(guard),
                                                    result = std::move(result)]() mutable {
                                  std::move (*waiting)(std::move(result));
                              });
                          }});
        },
        use_awaitable, std::move(task));
}

awaitable<Result<TaskOwner>> TaskOwnerStore::find(std::string taskId)
{
    return m_database.run([taskId = std::move(taskId)](DatabaseConnection &connection) -> Result<TaskOwner> {
        auto found =
            selectOne(connection, taskOwners.select("WHERE task_id = ?"), valuesOf(taskId), taskOwners.reader());
        if (found.has_error())
            return found.error();
        if (!*found)
            return failure(ErrorKind::NotFound, "There is no such task.");
        return std::move(**found);
    });
}

awaitable<Result<TaskOwnerPage>> TaskOwnerStore::list(Id owner, std::uint32_t limit, std::string cursor)
{
    return m_database.run([owner, limit, cursor = std::move(cursor)](DatabaseConnection &connection) {
        return readPage(connection, owner, limit, cursor);
    });
}

awaitable<Result<void>> TaskOwnerStore::end(std::string taskId, WallTime at)
{
    return m_database.run([taskId = std::move(taskId), at](DatabaseConnection &connection) -> Result<void> {
        auto done = execute(connection, "UPDATE task_owners SET ended = ? WHERE task_id = ? AND ended IS NULL",
                            valuesOf(at, taskId));
        if (done.has_error())
            return done.error();
        return {};
    });
}

awaitable<Result<std::vector<TaskOwner>>> TaskOwnerStore::latest(std::uint32_t limit, std::optional<Before> before)
{
    return m_database.run(
        [limit, before = std::move(before)](DatabaseConnection &connection) -> Result<std::vector<TaskOwner>> {
            if (auto checked = checkLimit(limit); checked.has_error())
                return checked.error();
            std::string where;
            Values values;
            if (before) {
                where = "WHERE created < ? OR (created = ? AND task_id < ?) ";
                values = valuesOf(before->created, before->created, before->taskId);
            }
            values.push_back(std::int64_t{limit});
            return select(connection, taskOwners.select(where + "ORDER BY created DESC, task_id DESC LIMIT ?"), values,
                          taskOwners.reader());
        });
}

awaitable<Result<std::vector<TaskOwner>>> TaskOwnerStore::findMany(std::vector<std::string> taskIds)
{
    return m_database.run(
        [taskIds = std::move(taskIds)](DatabaseConnection &connection) { return findAll(connection, taskIds); });
}

awaitable<Result<void>> TaskOwnerStore::remove(std::string taskId)
{
    return m_database.run([taskId = std::move(taskId)](DatabaseConnection &connection) -> Result<void> {
        auto done = execute(connection, "DELETE FROM task_owners WHERE task_id = ?", valuesOf(taskId));
        if (done.has_error())
            return done.error();
        return {};
    });
}

awaitable<Result<std::uint64_t>> TaskOwnerStore::expire(WallTime before)
{
    return m_database.run([before](DatabaseConnection &connection) {
        return execute(connection,
                       "DELETE FROM task_owners WHERE task_id IN (SELECT task_id FROM task_owners "
                       "WHERE created < ? ORDER BY created LIMIT 10000)",
                       valuesOf(before));
    });
}

} // namespace portolan::storage
