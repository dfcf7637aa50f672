// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"
#include "core/api/result.h"
#include "core/base/asio.h"
#include "core/base/runtime.h"

#include <boost/asio/redirect_error.hpp>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

namespace portolan::stack {

/// Asks again and again, for a Source: one turn, a pause, the next.
class Turns final
{
public:
    /// Answers how long the pause behind it is. On the executor's thread.
    using Turn = std::function<awaitable<std::chrono::milliseconds>()>;

    Turns() = default;
    ~Turns() { stop(); }
    Turns(const Turns &) = delete;
    Turns &operator=(const Turns &) = delete;

    void start(Executor executor, Turn turn);

    /// As Source::stop().
    void stop();

    /// In a turn: what `work` answers, or Cancelled at once when they are to stop. It goes on by itself then, until its
    /// own deadline or the end of the executor: so it owns all that it touches.
    template <class T> awaitable<Result<T>> call(std::function<awaitable<Result<T>>()> work)
    {
        const auto state = m_state;
        const auto answer = std::make_shared<std::optional<Result<T>>>();
        spawn(state->executor, [state, answer, work = std::move(work)]() -> awaitable<void> {
            auto result = co_await work();
            *answer = std::move(result);
            state->wake();
        });
        while (!*answer && !state->stopping)
            co_await state->sleep(SteadyTime::max());
        if (!*answer)
            co_return failure(ErrorKind::Cancelled, "The call was given up.");
        co_return std::move(**answer);
    }

private:
    struct State
    {
        explicit State(Executor on) : executor(on), timer(std::make_unique<Timer>(on)) {}
        awaitable<void> sleep(SteadyTime until);
        void wake();

        const Executor executor;
        std::unique_ptr<Timer> timer; ///< until they have ended: it may not outlive the executor
        bool stopping = false;        ///< on the executor's thread, as `timer`
        std::mutex mutex;
        std::condition_variable changed;
        bool ended = false;
    };
    static awaitable<void> run(std::shared_ptr<State> state, Turn turn);

    std::shared_ptr<State> m_state;
};

} // namespace portolan::stack
