// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QObject>
#include <memory>
#include <mutex>
#include <utility>

namespace portolan {

template <class Work> struct Posted
{
    std::mutex mutex;
    std::unique_ptr<Work> work;
};

template <class Work> [[gnu::noinline]] std::unique_ptr<Work> takePosted(const std::shared_ptr<Posted<Work>> &posted)
{
    const std::lock_guard lock(posted->mutex);
    return std::move(posted->work);
}

/// Runs `work` on the thread of `target`, later, and not if that is gone by then; `target` lives at the time of the
/// call. Any thread. Qt's own locks do the same, but a thread sanitizer sees them only where Qt was built for it: the
/// mutex here tells it that what was written before the call is read after it (tests/tsan.supp has the rest).
template <class Work> void postTo(QObject *target, Work work)
{
    auto posted = std::make_shared<Posted<Work>>();
    {
        const std::lock_guard lock(posted->mutex);
        posted->work = std::make_unique<Work>(std::move(work));
    }
    QMetaObject::invokeMethod(
        target, [posted = std::move(posted)] { (*takePosted(posted))(); }, Qt::QueuedConnection);
}

} // namespace portolan
