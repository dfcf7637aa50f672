// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/result.h"
#include "core/base/asio.h"

#include <boost/asio/async_result.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace portolan {

/// A bounded pool of threads for work that blocks or burns CPU (password hashing, file I/O): never an I/O thread's job.
/// The queue is bounded too: over it, run() answers ErrorKind::Unavailable at once instead of piling up. It ends before
/// the executors that it answers on.
class BlockingPool final
{
    /// What run() answers: a Result stays one, anything else is wrapped.
    template <class T> struct PoolResult
    {
        using type = Result<T>;
    };
    template <class T> struct PoolResult<Result<T>>
    {
        using type = Result<T>;
    };

public:
    /// `name`: of the threads, at most 11 characters. `threads` ≥ 1, `queued`: how many may wait.
    BlockingPool(std::string name, unsigned threads, std::size_t queued);
    ~BlockingPool(); ///< finishes what runs; what waits is answered Cancelled
    BlockingPool(const BlockingPool &) = delete;
    BlockingPool &operator=(const BlockingPool &) = delete;

    /// Runs `work` (no arguments, returns a value or a Result, does not throw) on a pool thread and resumes on the
    /// caller's executor with what it returned.
    template <class F, class R = typename PoolResult<std::invoke_result_t<F>>::type> awaitable<R> run(F work)
    {
        co_return co_await asio::async_initiate<decltype(use_awaitable), void(R)>(
            [this](auto handler, F job) {
                auto executor = asio::get_associated_executor(handler);
                auto state = std::make_shared<Waiting<std::decay_t<decltype(handler)>, F, decltype(executor)>>(
                    Waiting<std::decay_t<decltype(handler)>, F, decltype(executor)>{std::move(handler), std::move(job),
                                                                                    asio::make_work_guard(executor)});
                push([state](const Error *refused) mutable {
                    R result = refused ? R(*refused) : R(state->work());
                    const auto executor = state->guard.get_executor();
                    // Nothing of it stays on this thread: the caller may be gone as soon as it has its answer.
                    asio::post(executor, [state = std::move(state), result = std::move(result)]() mutable {
                        std::move(state->handler)(std::move(result));
                    });
                });
            },
            use_awaitable, std::move(work));
    }

private:
    using Job = std::function<void(const Error *refused)>;
    template <class Handler, class F, class E> struct Waiting
    {
        Handler handler;
        F work;
        asio::executor_work_guard<E> guard;
    };

    void push(Job job); ///< calls job with the reason when it cannot be taken
    void work();

    const std::string m_name;
    const std::size_t m_bound;
    std::mutex m_mutex;
    std::condition_variable m_wake;
    std::deque<Job> m_jobs;
    bool m_stopping = false;
    std::vector<std::thread> m_threads;
};

} // namespace portolan
