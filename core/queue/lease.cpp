#include "core/queue/lease.h"

#include "core/base/logging.h"
#include "core/queue/keys.h"
#include "core/queue/message.h"
#include "core/queue/scripts.h"
#include "core/redis/client.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <vector>

namespace portolan::queue {

namespace {

constexpr auto confirmAfter = std::chrono::milliseconds(1500);
constexpr unsigned lookEvery = 5; ///< renewals
constexpr auto retryEvery = std::chrono::milliseconds(100);
constexpr auto margin = std::chrono::milliseconds(500);
constexpr auto restoreAtOnce = std::chrono::milliseconds(1000); ///< then our own lease is renewed first
constexpr auto restoreDeadline = std::chrono::milliseconds(3000);
constexpr std::string_view restoreBytes = "4194304";

/// The message in an entry of `unacked` that take.lua made, marked as redelivered.
std::string redelivered(std::string_view entry)
{
    const std::size_t closing = entry.rfind(R"(,"",")");
    if (entry.size() < 2 || closing == std::string_view::npos)
        return {};
    const std::string_view raw = entry.substr(1, closing - 1);
    Changes changes;
    changes.redelivered = true;
    Result<std::string> marked = rewrite(raw, changes);
    return marked ? std::move(*marked) : std::string(raw); // what cannot be read is refused by whoever takes it
}

} // namespace

Lease::Lease(redis::Client &client, const Scripts &scripts, const Clock &clock, std::string instance, Logger *logger,
             std::function<void(const std::unordered_set<std::string> &)> onLapsed)
    : m_client(client),
      m_scripts(scripts),
      m_clock(clock),
      m_logger(logger),
      m_instance(std::move(instance)),
      m_owned(keys::owned(m_instance)),
      m_onLapsed(std::move(onLapsed)),
      m_trouble(logger, clock, "this worker cannot renew its hold on tasks")
{}

bool Lease::holds() const { return m_clock.steady().time_since_epoch().count() < m_until; }

std::chrono::milliseconds Lease::pause(bool holdsAnything) const
{
    if (!holds())
        return retryEvery;
    if (holdsAnything)
        return renewEvery;
    return m_suspects.empty() ? renewIdleEvery : confirmAfter;
}

void Lease::setUntil(SteadyTime until) { m_until = until.time_since_epoch().count(); }

awaitable<void> Lease::renew()
{
    const SteadyTime asked = m_clock.steady();
    const std::string milliseconds = std::to_string(duration.count());
    // Each second while there is something, else now and then: each look costs Redis two commands.
    const bool look = m_parked != 0 || m_renewals++ % lookEvery == 0;
    const std::string ahead = look ? std::to_string(parkedAhead.count()) : std::string();
    const std::array<std::string_view, 3> scriptKeys{keys::instances, m_owned, keys::parked};
    const std::array<std::string_view, 3> arguments{m_instance, milliseconds, ahead};
    const Result<redis::Reply> reply = co_await m_client.eval(m_scripts.lease, scriptKeys, arguments);
    if (!reply)
        m_trouble.failed(reply.error());
    else
        m_trouble.worked();
    if (!reply || reply->elements.size() < 3)
        co_return;
    if (reply->elements.size() >= 5) {
        m_parked = static_cast<std::uint64_t>(reply->elements[3].integer);
        m_parkedDue = static_cast<std::uint64_t>(reply->elements[4].integer);
    }
    if (reply->elements[0].integer == 0 && !m_first) {
        std::unordered_set<std::string> ours;
        for (const redis::Reply &delivery : reply->elements[2].elements)
            ours.insert(delivery.text);
        m_onLapsed(ours);
    }
    m_first = false;
    setUntil(asked + duration - margin);

    std::map<std::string, SteadyTime> suspects;
    for (const redis::Reply &dead : reply->elements[1].elements) {
        const auto known = m_suspects.find(dead.text);
        suspects[dead.text] = known == m_suspects.end() ? asked : known->second;
    }
    m_suspects = std::move(suspects);
    std::vector<std::string> dead;
    for (const auto &[instance, since] : m_suspects)
        if (asked - since >= confirmAfter)
            dead.push_back(instance);
    for (std::string &instance : dead)
        co_await restore(std::move(instance));
}

awaitable<void> Lease::restore(std::string dead)
{
    const std::string owned = keys::owned(dead);
    const std::uint64_t before = m_restored;
    const SteadyTime begun = m_clock.steady();
    std::optional<Error> failed;
    while (m_clock.steady() - begun < restoreAtOnce) {
        const std::array<std::string_view, 3> heldKeys{keys::instances, owned, keys::unacked};
        const std::array<std::string_view, 2> whose{dead, restoreBytes};
        const Result<redis::Reply> held = co_await m_client.eval(m_scripts.owned, heldKeys, whose, restoreDeadline);
        if (!held)
            failed = held.error();
        if (!held || held->elements.size() < 3)
            break;
        std::vector<std::string> messages;
        for (std::size_t i = 2; i < held->elements.size(); i += 3)
            messages.push_back(redelivered(held->elements[i].text));
        std::vector<std::string_view> arguments{dead, keys::wake};
        for (std::size_t i = 0; i < messages.size(); ++i)
            arguments.insert(arguments.end(),
                             {held->elements[3 * i].text, held->elements[3 * i + 1].text, messages[i]});
        const std::array<std::string_view, 4> restoreKeys{keys::instances, owned, keys::unacked, keys::unackedIndex};
        const Result<redis::Reply> done =
            co_await m_client.eval(m_scripts.restore, restoreKeys, arguments, restoreDeadline);
        if (!done) {
            failed = done.error();
            break;
        }
        m_restored += static_cast<std::uint64_t>(std::max<std::int64_t>(done->integer, 0));
        const bool nothingToPutBack = std::ranges::all_of(messages, &std::string::empty);
        if (done->integer == 0 && !nothingToPutBack)
            break; // it lives, another did it, or its list has another type
    }
    if (m_logger && failed)
        m_logger->warn("tasks of a dead worker could not be put back; tried again",
                       {{"worker", dead}, {"why", failed->message}});
    if (m_logger && m_restored != before)
        m_logger->warn("tasks of a dead worker were put back", {{"worker", dead}, {"tasks", m_restored - before}});
}

awaitable<void> Lease::giveUp()
{
    setUntil(SteadyTime{});
    // Whoever still finds something of ours restores it: then the entry must stay.
    redis::Command command("EXISTS", m_owned);
    const Result<redis::Reply> holding = co_await m_client.run(std::move(command));
    if (!holding || holding->integer != 0)
        co_return;
    redis::Command leave("ZREM", keys::instances, m_instance);
    co_await m_client.run(std::move(leave));
}

} // namespace portolan::queue
