// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/promise.h"
#include "core/api/result.h"
#include "core/base/asio.h"

#include <boost/asio/co_spawn.hpp>

#include <QFuture>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

/// Coroutines as QFutures, for whoever may not wait: the GUI. Every future finishes, whatever becomes of the work.
namespace portolan {

/// The calls of one owner that are under way. Any thread.
class Calls final
{
public:
    Calls() = default;
    ~Calls() { cancelAll(); }
    Calls(const Calls &) = delete;
    Calls &operator=(const Calls &) = delete;

    /// Starts `work` on `executor`. Cancelled: cancelAll(), or the executor's context ended before the work did.
    /// Internal: an exception left it, which is a bug.
    template <class T> QFuture<Result<T>> start(Executor executor, std::function<awaitable<Result<T>>()> work)
    {
        auto answer = std::make_shared<Promised<T>>();
        auto future = answer->future();
        start(std::move(executor), std::move(work), std::move(answer));
        return future;
    }

    /// The same, where somebody waits for the answer already.
    template <class T>
    void start(Executor executor, std::function<awaitable<Result<T>>()> work, std::shared_ptr<Promised<T>> answer)
    {
        add(answer);
        // The handler holds the answer: it goes with the coroutine when that is destroyed unfinished.
        asio::co_spawn(executor, std::move(work),
                       [answer = std::move(answer)](const std::exception_ptr &thrown, Result<T> result) {
                           answer->finish(thrown ? Result<T>(describe(thrown)) : std::move(result));
                       });
    }

    /// Answers all that are under way with Cancelled. The work itself goes on until it ends or its executor does.
    void cancelAll()
    {
        std::vector<std::weak_ptr<Promise>> pending;
        {
            const std::lock_guard lock(m_mutex);
            pending.swap(m_pending);
        }
        for (const auto &one : pending)
            if (const auto answer = one.lock())
                answer->cancel();
    }

private:
    void add(const std::shared_ptr<Promise> &answer)
    {
        const std::lock_guard lock(m_mutex);
        std::erase_if(m_pending, [](const auto &one) { return one.expired(); });
        m_pending.push_back(answer);
    }
    static Error describe(const std::exception_ptr &thrown)
    {
        try {
            std::rethrow_exception(thrown);
        } catch (const std::exception &bug) {
            return failure(ErrorKind::Internal, std::string("A call failed unexpectedly: ") + bug.what() + ".");
        }
    }

    std::mutex m_mutex;
    std::vector<std::weak_ptr<Promise>> m_pending;
};

} // namespace portolan
