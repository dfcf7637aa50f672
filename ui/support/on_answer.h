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
<<<<<<< HEAD
        then(future.result());
=======
        then(*future.constBegin()); // not a copy of it
>>>>>>> 8fb283b8e88008d76aef05bd1ccc18d1664e2c25
        return;
    }
    auto *watcher = new QFutureWatcher<T>(context);
    QObject::connect(watcher, &QFutureWatcherBase::finished, context, [watcher, then = std::move(then)] {
        watcher->deleteLater();
<<<<<<< HEAD
        then(watcher->result());
=======
        then(*watcher->future().constBegin());
>>>>>>> 8fb283b8e88008d76aef05bd1ccc18d1664e2c25
    });
    watcher->setFuture(future);
}

} // namespace portolan::ui
