// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/portal/task_topic.h"

#include "core/base/json.h"
#include "core/base/runtime.h"
#include "core/portal/task_service.h"
#include "core/queue/results.h"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <deque>

namespace portolan::portal {
namespace {

constexpr std::size_t maxWaiting = 256;

/// Turns results into events one after the other, so that a look-up that takes long cannot let an older state overtake
/// a newer one. On the connection's executor only.
struct Feed : std::enable_shared_from_this<Feed>
{
    Feed(TaskService &tasks_, Id owner_, Executor executor_, TopicSink sink_)
        : tasks(tasks_), owner(owner_), executor(executor_), sink(std::move(sink_))
    {}

    void take(queue::TaskResult result)
    {
        const auto same = std::ranges::find(waiting, result.id, &queue::TaskResult::id);
        if (same != waiting.end())
            *same = std::move(result);
        else if (waiting.size() < maxWaiting)
            waiting.push_back(std::move(result));
        if (!running && !waiting.empty()) {
            running = true;
            spawn(executor, [self = shared_from_this()] { return self->run(); });
        }
    }

    awaitable<void> run()
    {
        while (!waiting.empty()) {
            auto result = std::move(waiting.front());
            waiting.pop_front();
            const auto task = co_await tasks.describe(owner, std::move(result));
            if (task)
                sink(writeJson(*task));
        }
        running = false;
    }

    TaskService &tasks;
    const Id owner;
    const Executor executor;
    const TopicSink sink;
    std::deque<queue::TaskResult> waiting;
    bool running = false;
};

} // namespace

TaskTopic::TaskTopic(TaskService &tasks, queue::ResultEvents &events) : m_tasks(tasks), m_events(events) {}

Result<std::shared_ptr<void>> TaskTopic::subscribe(const Principal &principal, std::string_view argument,
                                                   Executor executor, TopicSink sink)
{
    if (!argument.empty())
        return failure(ErrorKind::Invalid, "The topic 'tasks' takes no argument: it is about your own tasks.");
    auto feed = std::make_shared<Feed>(m_tasks, principal.userId, executor, std::move(sink));
    return m_events.watchTopic(TaskService::topicOf(principal.userId), [feed](const queue::TaskResult &result) {
        asio::post(feed->executor, [feed, result]() mutable { feed->take(std::move(result)); });
    });
}

} // namespace portolan::portal
