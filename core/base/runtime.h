// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/asio.h"

#include <boost/asio/executor_work_guard.hpp>

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace portolan {

/// The I/O threads of a process: each runs one io_context of its own, so a connection never leaves its thread and
/// needs no lock. Nothing that runs here may block.
class Runtime final
{
public:
    /// `threads` ≥ 1. Threads start at once and are named "io-0", "io-1", …
    explicit Runtime(unsigned threads);
    ~Runtime(); ///< stop() and join
    Runtime(const Runtime &) = delete;
    Runtime &operator=(const Runtime &) = delete;

    std::size_t size() const { return m_threads.size(); }
    Executor at(std::size_t index) { return m_threads[index]->context.get_executor(); }

    /// Stops all threads after what runs now and joins them; what is still waiting is destroyed unfinished, on the
    /// calling thread. Services must have been stopped before. Not from an I/O thread. Twice is harmless.
    void stop();

private:
    struct IoThread
    {
        asio::io_context context{1}; // one thread runs it, so Asio may skip some locking hints
        asio::executor_work_guard<Executor> work{context.get_executor()};
        std::thread thread;
    };
    std::vector<std::unique_ptr<IoThread>> m_threads;
};

/// Starts `work` on `executor` and forgets it. An exception that leaves it is a bug and ends the process with its text.
void spawn(Executor executor, std::function<awaitable<void>()> work);

/// Runs `work` on `executor` and blocks the calling thread until it ends: for main(), tests and shutdown, never on an
/// I/O thread. An exception is rethrown here.
template <class T> T runSync(Executor executor, std::function<awaitable<T>()> work);

} // namespace portolan

#include "core/base/runtime_impl.h"
