// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/blocking_pool.h"

#include <pthread.h>

namespace portolan {

BlockingPool::BlockingPool(std::string name, unsigned threads, std::size_t queued)
    : m_name(std::move(name)), m_bound(queued)
{
    for (unsigned i = 0; i < threads; ++i) {
        m_threads.emplace_back([this, i] {
            pthread_setname_np(pthread_self(), (m_name + "-" + std::to_string(i)).c_str());
            work();
        });
    }
}

BlockingPool::~BlockingPool()
{
    std::deque<Job> left;
    {
        const std::lock_guard lock(m_mutex);
        m_stopping = true;
        left.swap(m_jobs);
    }
    m_wake.notify_all();
    const Error stopped = failure(ErrorKind::Cancelled, "The server is shutting down.");
    for (auto &job : left)
        job(&stopped);
    for (auto &thread : m_threads)
        thread.join();
}

void BlockingPool::push(Job job)
{
    Error refused;
    {
        const std::lock_guard lock(m_mutex);
        if (!m_stopping && m_jobs.size() < m_bound) {
            m_jobs.push_back(std::move(job));
            m_wake.notify_one();
            return;
        }
        refused = m_stopping ? failure(ErrorKind::Cancelled, "The server is shutting down.")
                             : failure(ErrorKind::Unavailable, "Too much work of the kind '" + m_name + "' is waiting.",
                                       "Try again in a moment.");
    }
    job(&refused);
}

void BlockingPool::work()
{
    for (;;) {
        Job job;
        {
            std::unique_lock lock(m_mutex);
            m_wake.wait(lock, [this] { return m_stopping || !m_jobs.empty(); });
            if (m_jobs.empty())
                return;
            job = std::move(m_jobs.front());
            m_jobs.pop_front();
        }
        job(nullptr);
    }
}

} // namespace portolan
