// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"
#include "core/monitor/instances/merge.h"
#include "core/monitor/instances/share.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace portolan::monitor::instances {

enum class Presence : std::uint8_t {
    Up,
    Hangs, ///< its next message is 2 s late: 3 s after the last one where it tells of itself each second
    Gone,  ///< 9 s late, or it said goodbye
};

/// One other instance, as it stands.
struct Member
{
    Identity who; ///< of its last message
    Presence presence = Presence::Up;
    bool goodbye = false;                 ///< why it is gone: it stopped of its own will
    std::chrono::milliseconds since{0};   ///< how long it has been so
    std::chrono::milliseconds silent{0};  ///< since its last message, as far as one could have been heard
    bool otherVersion = false;            ///< than this process'
    bool unreadable = false;              ///< it tells its figures in a form of another version
    bool twice = false;                   ///< two processes go by this name at the same time
    std::uint64_t restarts = 0;           ///< since it was first heard of
    std::shared_ptr<const Share> share{}; ///< what it told last; may be null
};

/// What became of an instance; for the events of the time line.
struct Change
{
    enum class Kind : std::uint8_t {
        Joined,    ///< first heard of, or after it was forgotten
        Restarted, ///< of this name another life: another `started`
        Hangs,
        Back, ///< the same life again, after it was silent
        Gone, ///< no word for too long
        Stopped,
        Twice, ///< a second process of the name beside the first
    };
    Kind kind;
    std::string instance;
    bool operator==(const Change &) const = default;
};

/// Who else there is of the deployment, from messages that may be lost, late, told twice or in any order: of each life
/// of a name (Identity::started) the newest counts, and how long ago it was heard. What is gone is listed for 15 min.
///
/// A name whose new life is heard of has ended its old one, whatever that said: it is no longer there, and what it
/// answered counts until it has left the window. Only if the old one speaks again there are two of them. Lives need not
/// be in order of `started`: a wall clock may be set back.
///
/// At most maxMembers names and maxLives lives of each. For a new name beyond, the one that is gone longest is
/// forgotten; where none is gone the new one is ignored, and counted. Time from the clock alone. One caller at a time.
class Roster final
{
public:
    static constexpr std::size_t maxMembers = 64;
    static constexpr std::size_t maxLives = 4;
    static constexpr std::chrono::seconds longestPause{2};
    static constexpr std::chrono::seconds hangsAfter{2}; ///< beyond Identity::every
    static constexpr std::chrono::seconds goneAfter{9};  ///< beyond Identity::every
    static constexpr std::chrono::minutes listedFor{15};

    /// `own`: this process, whose own messages come back. `clock` outlives it.
    Roster(Identity own, const Clock &clock) : m_own(std::move(own)), m_clock(clock) {}

    /// A message was heard just now.
    std::vector<Change> heard(Message message);
    /// Time has passed: call it once a second. `listening`: what was said since the last call would have been heard; if
    /// not, nobody's silence counts. Nor does it where more than longestPause lies between two calls: then this process
    /// itself did not run.
    std::vector<Change> tick(bool listening = true);

    std::vector<Member> members() const;                ///< by name; without this process
    std::vector<Told> told() const;                     ///< for merged(): what still counts
    bool ownNameTaken() const;                          ///< another process goes by this one's name now
    std::uint64_t ignored() const { return m_ignored; } ///< messages for which there was no room
    bool full() const;                                  ///< there was none for one of the last longestEvery

private:
    struct Life
    {
        Identity who;
        std::shared_ptr<const Share> share;
        SteadyTime last;                 ///< heard
        SteadyTime since;                ///< of `presence`
        SteadyTime::duration unheard{0}; ///< since `last`, while nothing could be heard
        Presence presence = Presence::Up;
        bool goodbye = false;
        bool unreadable = false;
        bool over = false; ///< another life of the name was heard of since
    };
    struct Entry
    {
        std::vector<Life> lives; ///< by when they were first heard; never empty
        std::uint64_t restarts = 0;
        bool twice = false;
    };
    using Entries = std::map<std::string, Entry, std::less<>>;

    SteadyTime::duration unheardUntil(SteadyTime now, bool listening);
    Entry *roomFor(const std::string &name);
    void addLife(Entry &entry, Message &message, std::vector<Change> &changes);
    void tell(Life &life, Message &message) const;
    static void set(Life &life, Presence presence, SteadyTime now);
    static const Life &shown(const Entry &entry);
    static std::size_t speaking(const Entry &entry);
    void noteTwice(const std::string &name, Entry &entry, std::vector<Change> &changes) const;

    const Identity m_own;
    const Clock &m_clock;
    Entries m_entries;
    std::optional<SteadyTime> m_ticked;
    std::uint64_t m_ignored = 0;
    std::optional<SteadyTime> m_ignoredLast;
};

} // namespace portolan::monitor::instances
