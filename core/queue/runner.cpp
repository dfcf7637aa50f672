// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/queue/runner.h"

#include "core/queue/json_text.h"
#include "core/queue/keys.h"
#include "core/redis/client.h"

#include <boost/core/demangle.hpp>

#include <unistd.h>

#include <algorithm>
#include <array>
#include <random>

namespace portolan::queue {

namespace {

constexpr std::string_view startsKept = "86400";

std::string exceptionName(const Error &error)
{
    if (!error.code.empty())
        return error.code;
    switch (error.kind) {
    case ErrorKind::Invalid:
        return "Invalid";
    case ErrorKind::NotFound:
        return "NotFound";
    case ErrorKind::Timeout:
        return "Timeout";
    case ErrorKind::Unavailable:
        return "Unavailable";
    case ErrorKind::Cancelled:
        return "Cancelled";
    case ErrorKind::Full:
        return "Full";
    default:
        return "TaskError";
    }
}

std::string tracebackOf(const Error &error)
{
    std::string text = exceptionName(error) + ": " + error.message;
    if (!error.hint.empty())
        text.append("\n").append(error.hint);
    for (const FieldError &field : error.fields)
        text.append("\n  ").append(field.pointer).append(": ").append(field.detail);
    return text;
}

/// `base` doubled for each retry there was, at most `most`; between half and all of it, so that what failed together
/// does not come back together.
std::chrono::milliseconds backoff(const TaskOptions &options, int retries)
{
    const double doubled = double(options.backoff.count()) * double(1ull << std::min(retries, 30));
    const double bounded = std::min(doubled, double(options.backoffMax.count()));
    thread_local std::minstd_rand random(std::random_device{}());
    return std::chrono::milliseconds(
        static_cast<std::int64_t>(std::uniform_real_distribution<double>(bounded / 2, bounded)(random)));
}

} // namespace

bool Runner::startAllowed(Running &running)
{
    const Message &message = *running.delivery.message;
    if (!message.redelivered)
        return true;
    {
        const Held::Lock lock(m_held.mutex); // giving it up copies the delivery
        running.delivery.counted = true;
    }
    const Result<redis::Reply> starts = runSync<Result<redis::Reply>>(
        m_worker.executor, [this, key = keys::starts(message.id)]() -> awaitable<Result<redis::Reply>> {
            const std::array<std::string_view, 1> scriptKeys{key};
            const std::array<std::string_view, 1> arguments{startsKept};
            co_return co_await m_worker.client.eval(m_worker.scripts.start, scriptKeys, arguments);
        });
    return !starts || starts->integer <= static_cast<std::int64_t>(m_worker.options.startsMost);
}

void Runner::execute(Slot &slot, Running &running)
{
    const Message &message = *running.delivery.message;
    TaskEvent event{TaskEvent::Type::Succeeded, running.delivery.message, m_worker.clock.wall()};
    const auto fail = [&](const TaskFailure &why) {
        event.type = TaskEvent::Type::Failed;
        event.text = why.type + "(" + why.message + ")";
        return failed(running, state::failure, why);
    };
    Outcome outcome;
    Result<boost::json::value> value = boost::json::value();
    if (!startAllowed(running)) {
        outcome = fail({"WorkerLostError",
                        "the task was started " + std::to_string(m_worker.options.startsMost) +
                            " times and its worker died each time",
                        "billiard.exceptions",
                        {}});
    } else if (Result<Payload> decoded = payload(message); !decoded) {
        const std::string &list = running.delivery.list;
        m_worker.refusals.note(refusedAs(decoded.error()), decoded.error(), message,
                               list.substr(0, list.find(keys::separator)));
        outcome = fail({"DecodeError", decoded.error().message, "kombu.exceptions", {}});
    } else {
        running.state->payload = std::move(*decoded);
        running.state->report = [this, &running](const Progress &progress) {
            std::string json = R"({"done": )";
            text::appendNumber(json, progress.done);
            json.append(R"(, "total": )");
            text::appendNumber(json, progress.total);
            json.append(R"(, "note": )");
            text::appendString(json, progress.note);
            json.append("}");
            m_worker.outbox.push(stateOf(running, state::progress, json));
        };
        if (running.entry->options.trackStarted && !message.ignoreResult) {
            const std::string origin =
                R"({"pid": )" + std::to_string(getpid()) + R"(, "hostname": ")" + m_worker.node + "\"}";
            m_worker.outbox.push(stateOf(running, state::started, origin));
        }
        if (m_endings.observed())
            m_endings.emit(TaskEvent{TaskEvent::Type::Started, running.delivery.message, m_worker.clock.wall()});
        TaskContext context(running.state);
        try {
            value = running.entry->handler(context);
            outcome = concluded(running, value, event);
        } catch (const std::exception &error) {
            TaskFailure why{boost::core::demangle(typeid(error).name()), error.what(), "portolan", {}};
            why.traceback = why.type + ": " + why.message;
            outcome = fail(why);
        }
    }
    running.state->close();
    const TaskEvent::Type type = event.type;
    if (m_endings.observed())
        tellEnd(outcome, std::move(event), std::move(value), running.since);
    if (settle(slot, message.task, std::move(outcome)))
        m_endings.count(type);
}

void Runner::tellEnd(Outcome &outcome, TaskEvent event, Result<boost::json::value> value, SteadyTime since)
{
    event.time = m_worker.clock.wall();
    event.runtime = std::chrono::duration_cast<std::chrono::microseconds>(m_worker.clock.steady() - since);
    if (event.type != TaskEvent::Type::Succeeded)
        return m_endings.emitWhenStored(outcome, std::move(event));
    outcome.stored = [this, event = std::move(event),
                      result = std::make_shared<const boost::json::value>(std::move(*value))]() mutable {
        event.result = result.get();
        m_endings.emit(event);
    };
}

Outcome Runner::concluded(Running &running, const Result<boost::json::value> &result, TaskEvent &event)
{
    if (running.state->revoked) {
        event.type = TaskEvent::Type::Revoked;
        event.terminated = true;
        return failed(running, state::revoked, {"TaskRevokedError", "terminated", "celery.exceptions", {}});
    }
    if (result) {
        Result<FollowUps> next = m_endings.following(running.delivery, running.state->payload.embed, *result);
        if (!next) {
            TaskFailure why{"InvalidTaskError", next.error().message, "celery.exceptions", {}};
            event.type = TaskEvent::Type::Failed;
            event.text = why.type + "(" + pythonRepr(boost::json::value(why.message)) + ")";
            return failed(running, state::failure, why);
        }
        Outcome outcome = succeeded(running, *result, std::move(*next));
        if (outcome.result.size() <= maxMessageBytes)
            return outcome;
    }
    const Error error = result ? failure(ErrorKind::TooLarge, "the task's result is over the bound of " +
                                                                  std::to_string(maxMessageBytes) + " bytes")
                               : result.error();
    const bool asked = error.code == retryCode;
    if (asked || std::ranges::find(running.entry->options.retryOn, error.kind) != running.entry->options.retryOn.end())
        if (std::optional<Outcome> again = retried(running, error, event))
            return std::move(*again);
    TaskFailure why{exceptionName(error), error.message, "portolan", tracebackOf(error)};
    if (asked)
        why = {"MaxRetriesExceededError", "Can't retry " + running.delivery.message->task + ": " + error.message,
               "celery.exceptions", tracebackOf(error)};
    event.type = TaskEvent::Type::Failed;
    event.text = why.type + "(" + pythonRepr(boost::json::value(why.message)) + ")";
    event.traceback = why.traceback;
    return failed(running, state::failure, why);
}

/// The start is only written for tasks somebody watches: 40 bytes of each stored result.
ResultOrigin Runner::originOf(const Running &running) const
{
    const Message &message = *running.delivery.message;
    ResultOrigin origin{message.id, message.parentId, message.groupId, m_worker.clock.wall(), {}};
    if (!message.notify.empty())
        origin.started =
            origin.done - std::chrono::duration_cast<WallTime::duration>(m_worker.clock.steady() - running.since);
    return origin;
}

/// A state on the way, which does not end the task.
Outcome Runner::stateOf(const Running &running, std::string_view state, std::string_view result)
{
    const Message &message = *running.delivery.message;
    Outcome outcome;
    outcome.kind = Outcome::State;
    outcome.delivery = running.delivery.id;
    outcome.id = message.id;
    if (message.ignoreResult)
        return outcome;
    outcome.result = resultJson(state, result, originOf(running));
    outcome.notify = message.notify;
    return outcome;
}

/// Held for its time, or running when noteHeld() last looked.
bool Runner::mayBeNoted(const Running &running) const
{
    return running.delivery.message->eta || m_worker.clock.steady() - running.since >= longRun / 2;
}

Outcome Runner::succeeded(const Running &running, const boost::json::value &value, FollowUps next)
{
    const Message &message = *running.delivery.message;
    Outcome outcome;
    outcome.kind = Outcome::Success;
    outcome.delivery = running.delivery.id;
    outcome.id = message.id;
    outcome.counted = running.delivery.counted;
    outcome.noted = mayBeNoted(running);
    if (running.entry->options.rerunnable && message.raw.size() <= keepBytes)
        outcome.keep = message.raw;
    if (message.ignoreResult) {
        outcome.kind = Outcome::Acknowledge;
    } else {
        std::string result;
        text::appendValue(result, value);
        ResultOrigin origin = originOf(running);
        origin.children = next.children;
        outcome.result = resultJson(state::success, result, origin);
        outcome.notify = message.notify;
    }
    if (!next.nothing())
        m_endings.setFollowing(outcome, running.delivery, std::move(next));
    return outcome;
}

Outcome Runner::failed(const Running &running, std::string_view state, const TaskFailure &failure)
{
    const Message &message = *running.delivery.message;
    Outcome outcome;
    outcome.kind = Outcome::Failure;
    outcome.delivery = running.delivery.id;
    outcome.id = message.id;
    {
        const Held::Lock lock(m_held.mutex); // a thread that was given up at once may be counting its start still
        outcome.counted = running.delivery.counted;
    }
    outcome.noted = mayBeNoted(running);
    if (message.raw.size() <= keepBytes && m_endings.keepAllowed())
        outcome.keep = message.raw;
    if (!message.ignoreResult) {
        outcome.result = resultJson(state, failureJson(failure), originOf(running), failure.traceback);
        outcome.notify = message.notify;
    }
    if (state != state::retry)
        m_endings.followFailure(outcome, running.delivery, state, failure);
    return outcome;
}

std::optional<Outcome> Runner::retried(Running &running, const Error &error, TaskEvent &event)
{
    const Message &message = *running.delivery.message;
    const TaskOptions &task = running.entry->options;
    if (message.retries >= task.maxRetries)
        return std::nullopt;
    const std::chrono::milliseconds delay = running.state->retryAfter.value_or(backoff(task, message.retries));
    Changes changes;
    changes.retries = message.retries + 1;
    changes.redelivered = false;
    changes.setEta = true;
    changes.eta = m_worker.clock.wall() + delay;
    Result<std::string> raw = rewrite(message.raw, changes);
    if (!raw)
        return std::nullopt;
    Outcome outcome = failed(running, state::retry, {"Retry", error.message, "celery.exceptions", tracebackOf(error)});
    outcome.kind = Outcome::Retry;
    outcome.keep.clear();
    outcome.list = running.delivery.list;
    outcome.message = std::move(*raw);
    event.type = TaskEvent::Type::Retried;
    event.text = "Retry(" + pythonRepr(boost::json::value(error.message)) + ")";
    event.traceback = tracebackOf(error);
    return outcome;
}

} // namespace portolan::queue
