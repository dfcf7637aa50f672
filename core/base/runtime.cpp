// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/runtime.h"

#include <boost/asio/executor_work_guard.hpp>

#include <pthread.h>

#include <cstdio>
#include <cstdlib>

namespace portolan {

Runtime::Runtime(unsigned threads)
{
    for (unsigned i = 0; i < threads; ++i) {
        auto &io = *m_threads.emplace_back(std::make_unique<IoThread>());
        io.thread = std::thread([&io, i] {
            pthread_setname_np(pthread_self(), ("io-" + std::to_string(i)).c_str());
            io.context.run();
        });
    }
}

Runtime::~Runtime() { stop(); }

void Runtime::stop()
{
    for (auto &io : m_threads) {
        io->work.reset();
        io->context.stop();
    }
    for (auto &io : m_threads) {
        if (io->thread.joinable())
            io->thread.join();
    }
}

void spawn(Executor executor, std::function<awaitable<void>()> work)
{
    asio::co_spawn(executor, std::move(work), [](const std::exception_ptr &thrown) {
        if (!thrown)
            return;
        try {
            std::rethrow_exception(thrown);
        } catch (const std::exception &e) {
            std::fprintf(stderr, "portolan: bug: a background coroutine threw: %s\n", e.what());
            std::abort();
        }
    });
}

} // namespace portolan
