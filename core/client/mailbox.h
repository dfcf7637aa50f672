// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/questions.h"
#include "core/api/result.h"
#include "core/api/snapshot.h"

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>

class QObject;

namespace portolan::client {

/// What a portal elsewhere has told since it was last looked at. What came in between is left out: only the last of
/// each counts.
struct News
{
    std::optional<DeploymentAnswer> offer;
    std::shared_ptr<const Snapshot> sample;
    std::optional<std::chrono::milliseconds> ahead; ///< its time minus ours when it came
    std::optional<Error> trouble; ///< behind the sample, if there is one: the connection has ended, or was not made
};

/// From the I/O thread that has a connection to the GUI thread that shows what comes of it, never more than one event
/// on its way. tell…(): any thread.
class Mailbox final : public std::enable_shared_from_this<Mailbox>
{
public:
    /// `arrived` is called on the thread of `owner`, until close(), which comes before the owner goes.
    Mailbox(QObject &owner, std::function<void()> arrived);

    void tellOffer(DeploymentAnswer offer);
    void tellSample(std::shared_ptr<const Snapshot> sample, std::chrono::milliseconds ahead);
    void tellTrouble(Error error);

    News take();  ///< the owner's thread
    void close(); ///< the owner's thread: nothing arrives any more

private:
    void ring(); ///< locked

    std::mutex m_mutex;
    QObject *m_owner; ///< null: closed
    const std::function<void()> m_arrived;
    News m_news;
    bool m_underWay = false;
};

} // namespace portolan::client
