// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"
#include "core/api/result.h"
#include "core/base/runtime.h"
#include "core/queue/message.h"

#include <boost/json/value.hpp>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace portolan::queue {

/// What a task sees while it runs. On the task's thread only, except cancelled().
class TaskContext final
{
public:
    struct State; ///< the worker's end of it

    explicit TaskContext(std::shared_ptr<State> state);

    const std::string &id() const;
    const std::string &name() const;
    /// An integer of more than 64 bits is a string in them (long_integers.h).
    const boost::json::array &args() const;
    const boost::json::object &kwargs() const;
    int retries() const; ///< 0 the first time
    bool redelivered() const;

    /// Tells whoever watches how far it is: state PROGRESS. May be called as often as one likes: at most 10 a second
    /// are written, the latest always.
    void progress(std::uint64_t done, std::uint64_t total, std::string note = {});

    /// True from the soft time limit on, when the task is revoked with terminate, and when the worker stops for good.
    /// A task should then return soon; what it returns still counts, except after a revocation.
    bool cancelled() const;
    /// When the task is given up as TimeLimitExceeded (Clock::steady()).
    SteadyTime deadline() const;

    /// `return context.retry("rate limited", 5s);`: state RETRY, and again after `after`; without it after the
    /// registration's backoff. Over the maximum it becomes FAILURE MaxRetriesExceededError.
    [[nodiscard]] Error retry(std::string reason, std::optional<std::chrono::milliseconds> after = std::nullopt) const;

    /// Runs a coroutine on an I/O thread and waits for it here: how a task uses awaitable services.
    template <class T> T run(std::function<awaitable<T>()> work) const
    {
        return runSync<T>(executor(), std::move(work));
    }

private:
    Executor executor() const;
    std::shared_ptr<State> m_state;
};

/// The work of a task: on a worker's thread, may block. An Error becomes FAILURE with its code (or kind) as exc_type;
/// an exception becomes FAILURE with its type and text.
using TaskHandler = std::function<Result<boost::json::value>(TaskContext &)>;

struct TaskOptions
{
    std::optional<std::chrono::milliseconds> softLimit{}; ///< none: the worker's
    std::optional<std::chrono::milliseconds> hardLimit{};
    int maxRetries = 3;
    std::chrono::milliseconds backoff{1000};      ///< before the first retry, doubling, with full jitter above half …
    std::chrono::milliseconds backoffMax{600000}; ///< … up to this
    std::vector<ErrorKind> retryOn{ErrorKind::Unavailable, ErrorKind::Timeout}; ///< retried without being asked
    bool trackStarted = true; ///< write STARTED (not for a task that ends at once anyway)
    bool rerunnable = false;  ///< keep the message of a success too, see Broker::rerun
    std::string rateLimit{};  ///< "10/m" per worker, as Celery writes it; empty: none
};

/// Names and their work. Filled before the pool starts, constant from then on. `portal.noop` is there already: it
/// returns {"args": […], "kwargs": {…}}.
class TaskRegistry final
{
public:
    struct Entry
    {
        TaskHandler handler;
        TaskOptions options;
    };

    TaskRegistry();
    void add(std::string name, TaskHandler handler, TaskOptions options = {}); ///< replaces one of the same name
    const Entry *find(std::string_view name) const;                            ///< null: not registered
    std::vector<std::string> names() const;                                    ///< sorted

private:
    std::map<std::string, Entry, std::less<>> m_entries;
};

} // namespace portolan::queue
