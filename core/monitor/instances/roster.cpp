// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/monitor/instances/roster.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace portolan::monitor::instances {

namespace {

std::chrono::milliseconds between(SteadyTime from, SteadyTime to)
{
    return std::chrono::duration_cast<std::chrono::milliseconds>(to - from);
}

} // namespace

std::vector<Change> Roster::heard(Message message)
{
    using Kind = Change::Kind;
    if (message.who.name == m_own.name && message.who.started == m_own.started)
        return {};
    std::vector<Change> changes;
    const std::string name = message.who.name;
    const auto known = m_entries.find(name);
    if (known != m_entries.end()) {
        Entry &entry = known->second;
        const auto life =
            std::ranges::find(entry.lives, message.who.started, [](const Life &l) { return l.who.started; });
        if (life != entry.lives.end()) {
            if (message.who.sequence <= life->who.sequence)
                return {};
            const Presence before = life->presence;
            const bool wasOver = std::exchange(life->over, false);
            tell(*life, message);
            if (life->goodbye)
                changes.push_back({Kind::Stopped, name});
            else if (before != Presence::Up && !wasOver)
                changes.push_back({Kind::Back, name});
            noteTwice(name, entry, changes);
            return changes;
        }
    }
    if (message.goodbye)
        return {}; // of one that nobody knows
    if (known != m_entries.end()) {
        addLife(known->second, message, changes);
        noteTwice(name, known->second, changes);
    } else if (Entry *entry = roomFor(name)) {
        addLife(*entry, message, changes);
        noteTwice(name, *entry, changes);
    }
    return changes;
}

/// The entry of a name that is new; null: there is no room.
Roster::Entry *Roster::roomFor(const std::string &name)
{
    if (m_entries.size() >= maxMembers) {
        auto oldest = m_entries.end();
        for (auto entry = m_entries.begin(); entry != m_entries.end(); ++entry)
            if (const Life &life = shown(entry->second);
                life.presence == Presence::Gone &&
                (oldest == m_entries.end() || life.since < shown(oldest->second).since))
                oldest = entry;
        if (oldest == m_entries.end()) {
            ++m_ignored;
            m_ignoredLast = m_clock.steady();
            return nullptr;
        }
        m_entries.erase(oldest);
    }
    return &m_entries[name];
}

void Roster::addLife(Entry &entry, Message &message, std::vector<Change> &changes)
{
    const SteadyTime now = m_clock.steady();
    const bool first = entry.lives.empty();
    bool beside = false; // an older start while the later one speaks: two processes, or a message that was late
    for (Life &other : entry.lives) {
        if (message.who.started > other.who.started || other.presence != Presence::Up)
            other.over = true;
        else
            beside |= !other.over;
    }
    if (entry.lives.size() >= maxLives) {
        const auto dispensable = std::ranges::find(entry.lives, true, &Life::over);
        entry.lives.erase(dispensable == entry.lives.end() ? entry.lives.begin() : dispensable);
    }
    Life &life = entry.lives.emplace_back();
    life.since = now;
    const std::string name = message.who.name;
    tell(life, message);
    if (first) {
        if (name != m_own.name)
            changes.push_back({Change::Kind::Joined, name});
    } else if (!beside) {
        ++entry.restarts;
        changes.push_back({Change::Kind::Restarted, name});
    }
}

void Roster::tell(Life &life, Message &message) const
{
    const SteadyTime now = m_clock.steady();
    life.who = std::move(message.who);
    life.last = now;
    life.unheard = {};
    life.goodbye = message.goodbye;
    set(life, message.goodbye ? Presence::Gone : Presence::Up, now);
    if (message.goodbye)
        return; // what it told last still counts for a while
    life.unreadable = !message.share;
    life.share = message.share ? std::make_shared<const Share>(std::move(*message.share)) : nullptr;
}

void Roster::set(Life &life, Presence presence, SteadyTime now)
{
    if (life.presence == presence)
        return;
    life.presence = presence;
    life.since = now;
}

/// The life that stands for the name.
const Roster::Life &Roster::shown(const Entry &entry)
{
    return *std::ranges::min_element(entry.lives, [](const Life &a, const Life &b) {
        return std::tuple(a.over, a.presence, b.who.started) < std::tuple(b.over, b.presence, a.who.started);
    });
}

/// Processes that speak by one name now.
std::size_t Roster::speaking(const Entry &entry)
{
    return std::size_t(std::ranges::count_if(
        entry.lives, [](const Life &life) { return !life.over && life.presence == Presence::Up; }));
}

void Roster::noteTwice(const std::string &name, Entry &entry, std::vector<Change> &changes) const
{
    const bool twice = speaking(entry) + (name == m_own.name) > 1;
    if (twice && !entry.twice)
        changes.push_back({Change::Kind::Twice, name});
    entry.twice = twice;
}

/// How much of the time since the last call was deaf.
SteadyTime::duration Roster::unheardUntil(SteadyTime now, bool listening)
{
    const SteadyTime::duration passed = now - m_ticked.value_or(now);
    m_ticked = now;
    return listening && passed <= longestPause ? SteadyTime::duration(0) : passed;
}

std::vector<Change> Roster::tick(bool listening)
{
    const SteadyTime now = m_clock.steady();
    const SteadyTime::duration unheard = unheardUntil(now, listening);
    std::vector<Change> changes;
    for (auto at = m_entries.begin(); at != m_entries.end();) {
        auto &[name, entry] = *at;
        for (Life &life : entry.lives) {
            life.unheard = std::min(life.unheard + unheard, now - life.last);
            const auto late = now - life.last - life.unheard - life.who.every;
            const Presence presence = life.goodbye || late >= goneAfter ? Presence::Gone
                                      : late >= hangsAfter              ? Presence::Hangs
                                                                        : Presence::Up;
            if (presence == life.presence)
                continue;
            set(life, presence, now);
            // One that has fallen silent beside another of its name was that one's former life.
            life.over |= speaking(entry) > 0;
            if (!life.over)
                changes.push_back({presence == Presence::Gone ? Change::Kind::Gone : Change::Kind::Hangs, name});
        }
        noteTwice(name, entry, changes);
        const std::uint64_t standing = shown(entry).who.started;
        std::erase_if(entry.lives, [&](const Life &life) {
            return life.who.started != standing && now - life.last >= telemetry::TrafficSlices::span;
        });
        const Life &life = shown(entry);
        const bool forgotten = life.presence == Presence::Gone && now - life.since >= listedFor;
        at = forgotten ? m_entries.erase(at) : std::next(at);
    }
    return changes;
}

std::vector<Member> Roster::members() const
{
    const SteadyTime now = m_clock.steady();
    std::vector<Member> result;
    for (const auto &[name, entry] : m_entries) {
        const Life &life = shown(entry);
        result.push_back({life.who, life.presence, life.goodbye, between(life.since, now),
                          between(life.last + life.unheard, now), life.who.version != m_own.version, life.unreadable,
                          entry.twice, entry.restarts, life.share});
    }
    return result;
}

std::vector<Told> Roster::told() const
{
    const SteadyTime now = m_clock.steady();
    std::vector<Told> result;
    for (const auto &[name, entry] : m_entries) {
        for (const Life &life : entry.lives) {
            const bool there = !life.over && life.presence != Presence::Gone;
            const auto age = between(life.last, now);
            if (life.share && (there || age < telemetry::TrafficSlices::span))
                result.push_back({life.share, age, there});
        }
    }
    return result;
}

bool Roster::full() const { return m_ignoredLast && m_clock.steady() - *m_ignoredLast <= longestEvery; }

bool Roster::ownNameTaken() const
{
    const auto own = m_entries.find(m_own.name);
    return own != m_entries.end() && own->second.twice;
}

} // namespace portolan::monitor::instances
