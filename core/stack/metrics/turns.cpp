// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/stack/metrics/turns.h"

#include <boost/asio/post.hpp>

namespace portolan::stack {

awaitable<void> Turns::State::sleep(SteadyTime until)
{
    timer->expires_at(until);
    error_code woken;
    co_await timer->async_wait(asio::redirect_error(use_awaitable, woken));
}

void Turns::State::wake()
{
    if (timer)
        timer->cancel();
}

void Turns::start(Executor executor, Turn turn)
{
    m_state = std::make_shared<State>(executor);
    spawn(executor, [state = m_state, turn = std::move(turn)] { return run(state, turn); });
}

awaitable<void> Turns::run(std::shared_ptr<State> state, Turn turn)
{
    while (!state->stopping) {
        const auto pause = co_await turn();
        if (!state->stopping)
            co_await state->sleep(std::chrono::steady_clock::now() + pause);
    }
    state->timer.reset();
    const std::lock_guard lock(state->mutex);
    state->ended = true;
    state->changed.notify_all();
}

void Turns::stop()
{
    const auto state = m_state; // which a turn still reads
    if (!state)
        return;
    asio::post(state->executor, [state] {
        state->stopping = true;
        state->wake();
    });
    std::unique_lock lock(state->mutex);
    state->changed.wait(lock, [&] { return state->ended; });
    m_state.reset();
}

} // namespace portolan::stack
