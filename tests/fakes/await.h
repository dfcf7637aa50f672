// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/result.h"

#include <QDeadlineTimer>
#include <QEventLoop>
#include <QFuture>
#include <QFutureWatcher>
#include <QTimer>
#include <chrono>
#include <stdexcept>

namespace portolan {

/// Runs the event loop until the call has answered. Throws std::runtime_error when it does not within `most`, or when
/// it finished without an answer: no call may.
template <class T> Result<T> await(QFuture<Result<T>> future, std::chrono::seconds most = std::chrono::seconds(30))
{
    if (!future.isFinished()) {
        QEventLoop loop;
        QFutureWatcher<Result<T>> watcher;
        QObject::connect(&watcher, &QFutureWatcherBase::finished, &loop, &QEventLoop::quit);
        watcher.setFuture(future);
        QTimer::singleShot(most, &loop, &QEventLoop::quit);
        if (!future.isFinished())
            loop.exec();
    }
    if (!future.isFinished())
        throw std::runtime_error("a call did not answer in time");
    if (future.resultCount() != 1)
        throw std::runtime_error("a call finished without an answer");
    return future.result();
}

} // namespace portolan
