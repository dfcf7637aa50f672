#pragma once

#include "core/base/runtime.h"

#include <boost/asio/post.hpp>

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>

namespace portolan::queue {

/// Coroutines of a worker that run until they are told to end, which is their own affair: keeps what they use alive
/// and says when all have ended. Any thread.
class WorkerLoops final
{
public:
    explicit WorkerLoops(Executor executor) : m_executor(executor) {}

    /// Who is kept alive. Once, before spawn().
    void keepAlive(std::weak_ptr<void> owner) { m_owner = std::move(owner); }

    /// Begins soon, never before this returns: the caller may hold a lock that it needs.
    void spawn(std::function<awaitable<void>()> loop)
    {
        {
            const std::lock_guard lock(m_mutex);
            ++m_running;
        }
        asio::post(m_executor, [this, self = m_owner.lock(), loop = std::move(loop)] {
            portolan::spawn(m_executor, [this, self, loop]() -> awaitable<void> {
                co_await loop();
                const std::lock_guard lock(m_mutex);
                --m_running;
                m_ended.notify_all();
            });
        });
    }

    void wait() ///< until all that were spawned have ended; not on the executor
    {
        std::unique_lock lock(m_mutex);
        m_ended.wait(lock, [this] { return m_running == 0; });
    }

private:
    const Executor m_executor;
    std::weak_ptr<void> m_owner;
    std::mutex m_mutex; ///< of what follows; asks for no other
    std::condition_variable m_ended;
    unsigned m_running = 0;
};

} // namespace portolan::queue
