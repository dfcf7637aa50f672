// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/result.h"

#include <QFuture>
#include <QPromise>
#include <atomic>
#include <utility>

namespace portolan {

/// A promise that always answers: with the result, or with Cancelled when it is given up or dropped. (A QPromise that
/// is dropped finishes its future without a result, and reading that is undefined.) Any thread; the first answer
/// counts.
class Promise
{
public:
    virtual ~Promise() = default;
    virtual void cancel() = 0;
};

template <class T> class Promised final : public Promise
{
public:
    Promised() { m_promise.start(); }
    ~Promised() override { cancel(); }
    Promised(const Promised &) = delete;
    Promised &operator=(const Promised &) = delete;

    QFuture<Result<T>> future() { return m_promise.future(); }
    void finish(Result<T> result)
    {
        if (m_answered.exchange(true))
            return;
        m_promise.addResult(std::move(result));
        m_promise.finish();
    }
    void cancel() override { finish(failure(ErrorKind::Cancelled, "The portal stopped before it had answered.")); }

private:
    std::atomic<bool> m_answered{false};
    QPromise<Result<T>> m_promise;
};

/// A future that has its answer already.
template <class T> QFuture<Result<T>> answered(Result<T> result)
{
    Promised<T> answer;
    auto future = answer.future();
    answer.finish(std::move(result));
    return future;
}

} // namespace portolan
