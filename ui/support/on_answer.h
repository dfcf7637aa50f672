// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QFuture>
#include <QFutureWatcher>
#include <QObject>
#include <utility>

namespace portolan::ui {

/// Calls `then` with the answer of a call, on the context's thread: at once when it is there already, later while the
/// context lives, never after it is gone. QFuture::then() with a context is no good for that: up to Qt 6.4 it takes a
/// context that has gone for a bug, and looks at it from the thread that answers.
template <class T, class Then> void onAnswer(QObject *context, const QFuture<T> &future, Then then)
{
    if (future.isFinished()) {
        then(*future.constBegin()); // not a copy of it
        return;
    }
    auto *watcher = new QFutureWatcher<T>(context);
    QObject::connect(watcher, &QFutureWatcherBase::finished, context, [watcher, then = std::move(then)] {
        watcher->deleteLater();
        then(*watcher->future().constBegin());
    });
    watcher->setFuture(future);
}

} // namespace portolan::ui
