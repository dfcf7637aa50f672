// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/queue/refusals.h"

#include "core/base/ids.h"
#include "core/base/logging.h"
#include "core/base/names.h"
#include "core/queue/json_text.h"
#include "core/queue/keys.h"

#include <numeric>

namespace portolan::queue {

namespace {

std::string_view nameOf(Refused reason)
{
    for (const auto &[value, name] : enumNames<Refused>)
        if (value == reason)
            return name;
    return "other";
}

} // namespace

Refusals::Refusals(const Clock &clock, Logger *logger, std::string node)
    : m_clock(clock), m_logger(logger), m_node(std::move(node))
{}

void Refusals::sayUnsaid(Refused reason, std::uint64_t unsaid)
{
    if (unsaid != 0 && m_logger)
        m_logger->warn("more task messages were refused in the last minute",
                       {{"reason", nameOf(reason)}, {"messages", unsaid}, {"node", m_node}});
}

void Refusals::note(Refused reason, const Error &error, const Message &message, std::string_view queue)
{
    ++m_counts[std::size_t(reason)];
    if (!m_logger)
        return;
    std::uint64_t unsaid = 0;
    bool say = false;
    {
        const std::lock_guard lock(m_mutex);
        say = m_paces[std::size_t(reason)].mayBeSaid(m_clock.steady(), unsaid);
    }
    sayUnsaid(reason, unsaid);
    if (!say)
        return;
    const std::string id = text::toUtf8(message.id);
    const std::string task = text::toUtf8(message.task);
    const std::string from = text::toUtf8(queue);
    if (id.empty())
        m_logger->warn("a task message without an id was refused and put aside", {{"reason", nameOf(reason)},
                                                                                  {"why", error.message},
                                                                                  {"task", task},
                                                                                  {"queue", from},
                                                                                  {"bytes", message.raw.size()},
                                                                                  {"kept_in", keys::putAside},
                                                                                  {"node", m_node}});
    else
        m_logger->warn(reason == Refused::NotRegistered
                           ? "a task of a name nobody has registered here was ended as FAILURE"
                           : "a task message was refused and its task ended as FAILURE",
                       {{"reason", nameOf(reason)},
                        {"why", error.message},
                        {"task", task},
                        {"task_id", id},
                        {"queue", from},
                        {"bytes", message.raw.size()},
                        {"node", m_node}});
}

void Refusals::tick()
{
    for (const auto &[reason, name] : enumNames<Refused>) {
        std::uint64_t unsaid = 0;
        {
            const std::lock_guard lock(m_mutex);
            unsaid = m_paces[std::size_t(reason)].unsaid(m_clock.steady());
        }
        sayUnsaid(reason, unsaid);
    }
}

RefusedCounts Refusals::counts() const
{
    RefusedCounts counts{};
    for (std::size_t i = 0; i < counts.size(); ++i)
        counts[i] = m_counts[i];
    return counts;
}

std::uint64_t Refusals::total() const
{
    const RefusedCounts each = counts();
    return std::accumulate(each.begin(), each.end(), std::uint64_t(0));
}

std::string putAsideRecord(const Error &error, const Message &message, std::string_view queue, WallTime now)
{
    const std::string_view kept = message.raw;
    std::string out = R"({"time": ")" + isoTime(now) + R"(", "reason": ")";
    out.append(nameOf(refusedAs(error))).append(R"(", "why": )");
    text::appendString(out, error.message);
    out.append(R"(, "queue": )");
    text::appendString(out, queue);
    out.append(R"(, "bytes": )");
    text::appendNumber(out, message.raw.size());
    if (text::isUtf8(kept)) {
        out.append(R"(, "message": )");
        text::appendString(out, kept);
    } else {
        out.append(R"(, "message_base64": ")").append(encodeBase64(kept)).append("\"");
    }
    out.append("}");
    return out;
}

std::pair<std::string_view, std::string_view> exceptionOf(Refused reason)
{
    switch (reason) {
    case Refused::NotRegistered:
        return {"NotRegistered", "celery.exceptions"};
    case Refused::BadBody:
    case Refused::NotJson:
    case Refused::TooLarge:
        return {"DecodeError", "kombu.exceptions"};
    case Refused::ContentType:
    case Refused::ContentEncoding:
    case Refused::Compressed:
        return {"ContentDisallowed", "kombu.exceptions"};
    case Refused::NoTask:
    case Refused::NoId:
    case Refused::BadHeader:
    case Refused::FollowUp:
        break;
    }
    return {"InvalidTaskError", "celery.exceptions"};
}

} // namespace portolan::queue
