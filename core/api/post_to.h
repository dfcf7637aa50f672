#pragma once

#include <QObject>
#include <memory>
#include <mutex>
#include <utility>

namespace portolan {

/// Runs `work` on the thread of `target`, later, and not if that is gone by then; `target` lives at the time of the
/// call. Any thread. Qt's own locks do the same, but a thread sanitizer sees them only where Qt was built for it: the
/// mutex here tells it that what was written before the call is read after it.
template <class Work> void postTo(QObject *target, Work work)
{
    struct Box
    {
        std::mutex mutex;
        std::unique_ptr<Work> work;
    };
    auto box = std::make_shared<Box>();
    {
        const std::lock_guard lock(box->mutex);
        box->work = std::make_unique<Work>(std::move(work));
    }
    QMetaObject::invokeMethod(
        target,
        [box = std::move(box)] {
            std::unique_ptr<Work> mine;
            {
                const std::lock_guard lock(box->mutex);
                mine = std::move(box->work);
            }
            (*mine)();
        },
        Qt::QueuedConnection);
}

} // namespace portolan
