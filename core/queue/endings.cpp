#include "core/queue/endings.h"

#include "core/base/ids.h"
#include "core/queue/json_scan.h"
#include "core/queue/keys.h"

#include <unistd.h>

namespace portolan::queue {

namespace {

constexpr unsigned keptMost = 60; ///< messages of failed tasks a minute: they cost memory until their results expire

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

void Endings::emit(const TaskEvent &event) const
{
    for (const auto &observer : m_observers)
        observer(event);
}

void Endings::emit(const std::vector<TaskEvent> &events) const
{
    for (const TaskEvent &event : events)
        emit(event);
}

void Endings::emitWhenStored(Outcome &outcome, TaskEvent event) const
{
    if (observed())
        outcome.stored = [this, event = std::move(event)] { emit(event); };
}

void Endings::count(TaskEvent::Type type)
{
    switch (type) {
    case TaskEvent::Type::Succeeded:
        ++m_counts.succeeded;
        break;
    case TaskEvent::Type::Failed:
        ++m_counts.failed;
        break;
    case TaskEvent::Type::Retried:
        ++m_counts.retried;
        break;
    case TaskEvent::Type::Revoked:
        ++m_counts.revoked;
        break;
    case TaskEvent::Type::Received:
    case TaskEvent::Type::Started:
    case TaskEvent::Type::Rejected:
        break;
    }
}

bool Endings::keepAllowed()
{
    const std::lock_guard lock(m_mutex);
    const SteadyTime now = m_worker.clock.steady();
    if (now - m_keepWindow >= std::chrono::minutes(1)) {
        m_keepWindow = now;
        m_keptInWindow = 0;
    }
    return m_keptInWindow++ < keptMost;
}

CanvasSender Endings::canvasSender() const
{
    const std::size_t host = m_worker.node.find('@');
    CanvasSender sender;
    sender.origin = "gen" + std::to_string(getpid()) + (host == std::string::npos ? "" : m_worker.node.substr(host));
    sender.ownQueue = m_worker.options.queues.empty() ? std::string("celery") : m_worker.options.queues.front();
    sender.registry = &m_worker.registry;
    sender.now = m_worker.clock.wall();
    return sender;
}

void Endings::noteFollowing(const Delivery &delivery, const Error &error)
{
    m_worker.refusals.note(Refused::FollowUp, error, *delivery.message,
                           std::string_view(delivery.list).substr(0, delivery.list.find(keys::separator)));
}

Result<FollowUps> Endings::following(const Delivery &delivery, const boost::json::object &embed,
                                     const boost::json::value &value)
{
    if (!hasFollowUps(embed))
        return FollowUps();
    Result<FollowUps> next = afterSuccess(*delivery.message, embed, value, canvasSender());
    if (!next)
        noteFollowing(delivery, next.error());
    return next;
}

/// The body is read again, since the task may still be at work on what it was given, or may never have been.
void Endings::followFailure(Outcome &outcome, const Delivery &delivery, std::string_view state,
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

void Endings::setFollowing(Outcome &outcome, const Delivery &delivery, FollowUps next) const
{
    outcome.follow.clear();
    outcome.follow.push_back(std::move(next));
    outcome.source = delivery.message;
    outcome.sender = canvasSender();
}

void Endings::endUnrun(const Delivery &delivery, std::string_view state, const TaskFailure &failure, TaskEvent event)
{
    const Message &message = *delivery.message;
    Outcome outcome;
    outcome.kind = Outcome::Failure;
    outcome.delivery = delivery.id;
    outcome.id = message.id;
    outcome.counted = delivery.counted || message.redelivered;
    outcome.noted = message.eta.has_value();
    if (message.raw.size() <= keepBytes && keepAllowed())
        outcome.keep = message.raw;
    if (!message.ignoreResult) {
        outcome.result =
            resultJson(state, failureJson(failure),
                       {message.id, message.parentId, message.groupId, m_worker.clock.wall()}, failure.traceback);
        outcome.notify = message.notify;
    }
    followFailure(outcome, delivery, state, failure);
    emitWhenStored(outcome, std::move(event));
    m_worker.outbox.push(std::move(outcome));
}

} // namespace portolan::queue
