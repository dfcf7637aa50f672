// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/queue/records.h"

#include "core/base/logging.h"
#include "core/queue/keys.h"
#include "core/queue/message.h"
#include "core/queue/scripts.h"
#include "core/redis/client.h"
#include "core/redis/errors.h"

#include <boost/json/parse.hpp>

#include <algorithm>
#include <array>
#include <map>

namespace portolan::queue {

namespace {

constexpr std::size_t writeBatch = 500;
constexpr std::string_view lookAt = "500"; ///< a look costs Redis less than a millisecond
constexpr std::string_view lookBytes = "4194304";
constexpr std::string_view closing = R"(,"",")"; ///< and the queue's name, as a JSON string, and "]"
constexpr auto deadline = std::chrono::milliseconds(2000);

} // namespace

std::string_view messageIn(std::string_view entry)
{
    const std::size_t end = entry.rfind(closing);
    return !entry.starts_with('[') || end == entry.npos ? std::string_view() : entry.substr(1, end - 1);
}

std::string listOfEntry(std::string_view entry)
{
    const std::string_view raw = messageIn(entry);
    if (raw.empty() || !entry.ends_with(']'))
        return {};
    const std::size_t quoted = 1 + raw.size() + closing.size() - 1;
    boost::system::error_code code;
    const boost::json::value name =
        boost::json::parse(boost::json::string_view(entry.data() + quoted, entry.size() - quoted - 1), code);
    const boost::json::string *queue = code ? nullptr : name.if_string();
    if (!queue || queue->empty())
        return {};
    Message readable;
    const Result<Message> message = decode(std::string(raw), &readable);
    return keys::list(std::string_view(queue->data(), queue->size()), message ? message->priority : readable.priority);
}

Records::Records(redis::Client &client, const Scripts &scripts, const Clock &clock, std::string instance,
                 Logger *logger)
    : m_client(client),
      m_scripts(scripts),
      m_clock(clock),
      m_logger(logger),
      m_instance(std::move(instance)),
      m_trouble(logger, clock, "what was deleted of the notes on taken tasks cannot be written again",
                redis::lacksNamedCommand)
{}

awaitable<Result<Records::Mended>> Records::mend(std::vector<Record> held)
{
    Result<Mended> mended = co_await write(m_instance, std::move(held));
    if (mended)
        tell(mended->written);
    co_return mended;
}

awaitable<Result<Records::Mended>> Records::write(std::string instance, std::vector<Record> records)
{
    const std::string owned = keys::owned(instance);
    const std::array<std::string_view, 3> scriptKeys{keys::unacked, owned, keys::instances};
    Mended mended;
    for (std::size_t i = 0; i < records.size(); i += writeBatch) {
        const std::size_t end = std::min(records.size(), i + writeBatch);
        std::vector<std::string_view> arguments{instance};
        for (std::size_t n = i; n < end; ++n)
            arguments.insert(arguments.end(), {records[n].delivery, records[n].list});
        const Result<redis::Reply> reply = co_await m_client.eval(m_scripts.own, scriptKeys, arguments, deadline);
        if (!reply) {
            m_trouble.failed(reply.error());
            co_return reply.error();
        }
        for (std::size_t n = i; n < end && n - i < reply->elements.size(); ++n) {
            const std::int64_t answer = reply->elements[n - i].integer;
            mended.written += answer == 1;
            if (answer == 0)
                mended.gone.insert(std::move(records[n].delivery));
        }
    }
    m_trouble.worked();
    co_return mended;
}

void Records::tell(std::uint64_t written)
{
    std::uint64_t unsaid = 0;
    if (written == 0 || !m_logger || !m_pace.mayBeSaid(m_clock.steady(), unsaid))
        return;
    m_logger->warn(
        "what this worker had noted in Redis of the tasks it holds was deleted, and was written again. Nobody "
        "but the portal should delete keys q:*, and Redis should evict none (maxmemory-policy noeviction)",
        {{"tasks", written}, {"key", keys::owned(m_instance)}, {"not_said_before", unsaid}});
}

void Records::begin()
{
    if (!m_at)
        m_at = 0;
}

awaitable<void> Records::look()
{
    if (!m_at)
        co_return;
    const std::string from = std::to_string(*m_at);
    const std::array<std::string_view, 3> scriptKeys{keys::unackedIndex, keys::unacked, keys::instances};
    const std::array<std::string_view, 3> arguments{from, lookAt, lookBytes};
    const Result<redis::Reply> reply = co_await m_client.eval(m_scripts.ownerless, scriptKeys, arguments, deadline);
    if (!reply || reply->elements.empty()) {
        if (!reply)
            m_trouble.failed(reply.error());
        co_return;
    }
    m_at.reset();
    if (const std::int64_t next = reply->elements[0].integer; next >= 0)
        m_at = static_cast<std::uint64_t>(next);
    std::map<std::string, std::vector<Record>> dead;
    for (std::size_t i = 1; i + 1 < reply->elements.size(); i += 2) {
        const std::string &delivery = reply->elements[i].text;
        std::string list = listOfEntry(reply->elements[i + 1].text);
        if (!list.empty())
            dead[delivery.substr(0, delivery.find(':'))].push_back({delivery, std::move(list)});
    }
    for (auto &[instance, records] : dead) {
        const std::size_t found = records.size();
        const Result<Mended> written = co_await write(instance, std::move(records));
        if (written && written->gone.size() != found && m_logger)
            m_logger->warn("what a dead worker had noted of its tasks was deleted; they are put back all the same",
                           {{"worker", instance}, {"tasks", found - written->gone.size()}});
    }
}

} // namespace portolan::queue
