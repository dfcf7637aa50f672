// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/storage/event_row.h"

#include "core/base/json.h"
#include "core/storage/text.h"

namespace portolan::storage {
namespace {

// In bytes. Without detail and facts a row is never longer, were each character of it escaped.
constexpr std::size_t longestEvent = 3000;
constexpr std::size_t longestName = 100;
constexpr std::size_t longestAddress = 260; ///< an e-mail address has 254 at most
constexpr std::size_t longestDetail = 1024; ///< as the audit log keeps it
constexpr std::size_t longestTold = 500;

bool fits(const Event &event) { return writeJson(event).size() <= longestEvent; }

} // namespace

Event fitEvent(Event event)
{
    event.time = std::chrono::floor<std::chrono::milliseconds>(event.time);
    event.name = fitText(event.name, longestName);
    event.reason = fitText(event.reason, longestName);
    event.actor = fitText(event.actor, longestAddress);
    event.subject = fitText(event.subject, longestAddress);
    event.detail = fitText(event.detail, longestDetail);
    event.told = fitText(event.told, longestTold);
    for (Fact &fact : event.facts)
        fact.name = fitText(fact.name, longestAddress);
    if (!fits(event))
        event.detail.clear();
    if (!fits(event))
        for (Fact &fact : event.facts)
            fact.name.clear();
    if (!fits(event))
        event.facts.clear();
    return event;
}

Event readEvent(WallTime time, EventKind kind, const std::string &text)
{
    Event event;
    auto read = text.starts_with('{') ? readJson<Event>(text, JsonMode::Lenient) : Result<Event>(Error{});
    if (read)
        event = std::move(*read);
    else
        event.told = text;
    event.time = time;
    event.kind = kind;
    return event;
}

} // namespace portolan::storage
