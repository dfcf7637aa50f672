#include "core/base/ids.h"
#include "core/queue/canvas.h"
#include "core/queue/json_scan.h"
#include "core/queue/keys.h"
#include "core/queue/worker_impl.h"

#include <unistd.h>

/// What a client wants to happen once a task has ended.
namespace portolan::queue {

namespace {

/// What ends with a task. Of a body that is refused only for numbers JSON does not have (NaN) that is known all the
/// same, but for its errbacks, which would get others.
boost::json::object endsWith(const Message &message)
{
    if (Result<Payload> read = payload(message))
        return std::move(read->embed);
    Message mended = message;
    Result<std::string> text = mended.bodyEncoded ? decodeBase64(message.body) : message.body;
    if (!text)
        return {};
    mended.bodyEncoded = false;
    mended.body = scan::withoutThem(*text);
    Result<Payload> read = payload(mended);
    if (!read)
        return {};
    read->embed.erase("errbacks");
    return std::move(read->embed);
}

} // namespace

CanvasSender WorkerPool::Impl::canvasSender() const
{
    const std::size_t host = node.find('@');
    CanvasSender sender;
    sender.origin = "gen" + std::to_string(getpid()) + (host == std::string::npos ? "" : node.substr(host));
    sender.ownQueue = options.queues.empty() ? std::string("celery") : options.queues.front();
    sender.registry = &registry;
    sender.now = clock.wall();
    return sender;
}

void WorkerPool::Impl::noteFollowing(const Delivery &delivery, const Error &error)
{
    refusals.note(Refused::FollowUp, error, *delivery.message,
                  std::string_view(delivery.list).substr(0, delivery.list.find(keys::separator)));
}

Result<FollowUps> WorkerPool::Impl::following(const Running &running, const boost::json::value &value)
{
    const boost::json::object &embed = running.state->payload.embed;
    if (!hasFollowUps(embed))
        return FollowUps();
    Result<FollowUps> next = afterSuccess(*running.delivery.message, embed, value, canvasSender());
    if (!next)
        noteFollowing(running.delivery, next.error());
    return next;
}

/// The body is read again, since the task may still be at work on what it was given, or may never have been.
void WorkerPool::Impl::followFailure(Outcome &outcome, const Delivery &delivery, std::string_view state,
                                     const TaskFailure &failure)
{
    boost::json::object ending = endsWith(*delivery.message);
    if (!hasFollowUps(ending))
        return;
    Result<FollowUps> next = afterFailure(*delivery.message, ending, state, failureJson(failure), canvasSender());
    if (!next) {
        noteFollowing(delivery, next.error());
        // The chord it is a part of ends all the same, and the rest of its chain where that can be told.
        for (const std::string_view part : {"errbacks", "chain"})
            if (!next) {
                ending.erase(part);
                next = afterFailure(*delivery.message, ending, state, failureJson(failure), canvasSender());
            }
    }
    if (next && !next->nothing())
        setFollowing(outcome, delivery, std::move(*next));
}

void WorkerPool::Impl::setFollowing(Outcome &outcome, const Delivery &delivery, FollowUps next) const
{
    outcome.follow.clear();
    outcome.follow.push_back(std::move(next));
    outcome.source = delivery.message;
    outcome.sender = canvasSender();
}

} // namespace portolan::queue
