// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/queue/event_sender.h"

#include "core/base/units.h"
#include "core/base/version.h"
#include "core/queue/control_message.h"
#include "core/queue/json_text.h"
#include "core/redis/client.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>

namespace portolan::queue {

namespace {

constexpr std::size_t gatherMost = 10'000;
constexpr std::size_t listMost = 100;
constexpr std::size_t wakeAt = 24; ///< Celery's own batch
constexpr auto gatherFor = std::chrono::milliseconds(50);

void appendSeconds(std::string &out, double seconds) { out.append(fixedText(seconds, 6)); }

void appendMember(std::string &out, std::string_view key, std::string_view value)
{
    out.append(", \"").append(key).append("\": ");
    text::appendString(out, value);
}

void appendOrNull(std::string &out, std::string_view key, std::string_view value)
{
    if (value.empty())
        out.append(", \"").append(key).append("\": null");
    else
        appendMember(out, key, value);
}

/// Hours west of UTC, as Python's time module counts.
int utcOffset(WallTime time)
{
    const std::time_t unix = std::chrono::system_clock::to_time_t(time);
    std::tm parts{};
    localtime_r(&unix, &parts);
    return static_cast<int>(-parts.tm_gmtoff / 3600);
}

std::string_view nameOf(TaskEvent::Type type)
{
    switch (type) {
    case TaskEvent::Type::Received:
        return "task-received";
    case TaskEvent::Type::Started:
        return "task-started";
    case TaskEvent::Type::Succeeded:
        return "task-succeeded";
    case TaskEvent::Type::Failed:
        return "task-failed";
    case TaskEvent::Type::Retried:
        return "task-retried";
    case TaskEvent::Type::Revoked:
        return "task-revoked";
    case TaskEvent::Type::Rejected:
        return "task-rejected";
    }
    return "task-received";
}

void appendReceived(std::string &out, const Message &message)
{
    appendMember(out, "name", message.task);
    appendMember(out, "args", message.argsRepr);
    appendMember(out, "kwargs", message.kwargsRepr);
    appendOrNull(out, "root_id", message.rootId);
    appendOrNull(out, "parent_id", message.parentId);
    out.append(R"(, "retries": )");
    text::appendNumber(out, message.retries);
    appendOrNull(out, "eta", message.eta ? isoTime(*message.eta) : std::string());
    appendOrNull(out, "expires", message.expires ? isoTime(*message.expires) : std::string());
}

} // namespace

EventSender::EventSender(Executor executor, redis::Client &client, const Clock &clock, LamportClock &lamport,
                         std::string node, unsigned database)
    : m_client(client),
      m_clock(clock),
      m_lamport(lamport),
      m_node(std::move(node)),
      m_database(database),
      m_alarm(std::make_shared<Alarm>(executor))
{}

std::string EventSender::begin(std::string_view type, WallTime time)
{
    std::string out = R"({"hostname": )";
    text::appendString(out, m_node);
    out.append(R"(, "utcoffset": )");
    text::appendNumber(out, utcOffset(time));
    out.append(R"(, "pid": )");
    text::appendNumber(out, getpid());
    out.append(R"(, "clock": )");
    text::appendNumber(out, m_lamport.forward());
    out.append(R"(, "timestamp": )");
    appendSeconds(out, std::chrono::duration<double>(time.time_since_epoch()).count());
    out.append(R"(, "type": ")").append(type).append("\"");
    return out;
}

void EventSender::task(const TaskEvent &event)
{
    if (!m_enabled)
        return;
    std::string out = begin(nameOf(event.type), event.time);
    appendMember(out, "uuid", event.message->id);
    const double runtime = std::chrono::duration<double>(event.runtime).count();
    switch (event.type) {
    case TaskEvent::Type::Received:
        appendReceived(out, *event.message);
        break;
    case TaskEvent::Type::Started:
        break;
    case TaskEvent::Type::Succeeded:
        appendMember(out, "result", event.result ? pythonRepr(*event.result, 512) : std::string("None"));
        out.append(R"(, "runtime": )");
        appendSeconds(out, runtime);
        break;
    case TaskEvent::Type::Failed:
    case TaskEvent::Type::Retried:
        appendMember(out, "exception", event.text);
        appendMember(out, "traceback", event.traceback);
        break;
    case TaskEvent::Type::Revoked:
        out.append(event.terminated ? R"(, "terminated": true, "signum": "15")"
                                    : R"(, "terminated": false, "signum": null)");
        out.append(event.expired ? R"(, "expired": true)" : R"(, "expired": false)");
        break;
    case TaskEvent::Type::Rejected:
        out.append(R"(, "requeue": false)");
        break;
    }
    out.push_back('}');
    std::size_t gathered = 0;
    {
        const std::lock_guard lock(m_mutex);
        if (m_gathered.size() >= gatherMost)
            return;
        m_gathered.push_back(std::move(out));
        gathered = m_gathered.size();
    }
    if (gathered == wakeAt)
        m_alarm->notify();
}

std::string EventSender::workerEvent(std::string_view type, const WorkerCounters &counters)
{
    std::string out = begin(type, m_clock.wall());
    out.append(R"(, "freq": 2.0, "sw_ident": "portolan", "sw_ver": ")")
        .append(version())
        .append(R"(", "sw_sys": "Linux")");
    out.append(R"(, "active": )");
    text::appendNumber(out, counters.active);
    out.append(R"(, "processed": )");
    text::appendNumber(out, counters.succeeded + counters.failed + counters.retried + counters.revoked);
    double load[3] = {0, 0, 0};
    getloadavg(load, 3);
    out.append(R"(, "loadavg": [)").append(fixedText(load[0], 2)).append(", ").append(fixedText(load[1], 2));
    out.append(", ").append(fixedText(load[2], 2)).append("]}");
    return out;
}

void EventSender::worker(std::string_view type, const WorkerCounters &counters)
{
    publish(type, workerEvent(type, counters));
}

awaitable<bool> EventSender::heartbeat(const WorkerCounters &counters)
{
    constexpr std::string_view type = "worker-heartbeat";
    redis::Command command("PUBLISH", eventChannel(m_database, type),
                           encodeEvent(workerEvent(type, counters), type, m_node));
    const Result<redis::Reply> receivers = co_await m_client.run(std::move(command));
    co_return !receivers || receivers->integer > 0;
}

bool EventSender::enable(bool on) { return m_enabled.exchange(on) != on; }

void EventSender::publish(std::string_view type, std::string_view body)
{
    redis::Command command("PUBLISH", eventChannel(m_database, type), encodeEvent(body, type, m_node));
    m_client.post(std::move(command));
}

void EventSender::flush()
{
    std::vector<std::string> gathered;
    {
        const std::lock_guard lock(m_mutex);
        gathered.swap(m_gathered);
    }
    for (std::size_t i = 0; i < gathered.size(); i += listMost) {
        std::string body = "[";
        for (std::size_t n = i; n < gathered.size() && n < i + listMost; ++n) {
            if (n != i)
                body.append(", ");
            body.append(gathered[n]);
        }
        body.push_back(']');
        publish("task-multi", body);
    }
}

awaitable<void> EventSender::loop()
{
    while (!m_finishing) {
        const auto pause = m_enabled ? gatherFor : std::chrono::milliseconds(1000);
        co_await m_alarm->wait(pause);
        flush();
    }
}

void EventSender::finish()
{
    m_finishing = true;
    m_alarm->notify();
}

} // namespace portolan::queue
