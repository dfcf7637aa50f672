// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"
#include "core/api/snapshot.h"
#include "core/queue/key_layout.h"
#include "core/redis/command.h"
#include "core/redis/reply.h"

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace portolan::queue {

/// A Redis list in which tasks wait, or may.
struct WaitingList
{
    std::string key;
    std::string queue; ///< the line it counts in: the queue's name; of a list that no queue of ours has, its key
    Untaken untaken = Untaken::No;
    /// Of a queue of ours, or bound, or its next message was seen to be a task. Else it may be anybody's list.
    bool certain = true;
    bool operator==(const WaitingList &) const = default;
};

/// The lists of a queue of ours, first to be emptied first.
std::vector<WaitingList> listsOf(const std::string &queue, const KeyLayout &layout);
std::vector<WaitingList> listsOf(const std::string &queue); ///< as ours are laid out

/// Which lists there are in which tasks wait: those our workers take, those that kombu's bindings name, and those that
/// are simply there: of other priority steps, separators or key prefixes, or of queues that nobody has bound.
///
/// It is found out a little at a time: look() names the commands of one step through the keys, of a bounded price
/// whatever there is, and seen() takes their replies; the cursors are kept in between. What is known is answered from
/// memory, so looking at it costs Redis nothing.
///
/// No I/O here: the monitor asks with its own round trips, and pages read. Thread-safe.
class QueueDirectory final
{
public:
    static constexpr std::size_t most = 256;         ///< lines beside those of our own queues
    static constexpr std::size_t atOnce = 8;         ///< bindings read in one step
    static constexpr std::size_t candidates = 16;    ///< lists whose next message is looked at in one round
    static constexpr std::chrono::seconds again{60}; ///< after which a binding is read anew
    /// After which a list whose next message was no task is looked at again: it may have been taken away since.
    static constexpr std::chrono::seconds refusedFor{10};

    /// `layout`: of the queues that are taken.
    explicit QueueDirectory(const Clock &clock, KeyLayout layout = {}) : m_clock(clock), m_layout(std::move(layout)) {}

    /// The queues our workers take now.
    void setTaken(std::vector<std::string> queues);

    /// A step through the keys.
    struct Step
    {
        std::string cursor;    ///< of SCAN cursor COUNT keys TYPE list; empty: it rests
        std::size_t keys = 0;  ///< about so many are looked at
        bool bindings = false; ///< whether the first of the others is
        redis::Command others; ///< SCAN for bindings, SSCAN of what they hold
        bool rests() const { return cursor.empty() && others.count() == 0; }
    };
    /// The next one; after a pass through all keys it rests for `rest`. SCAN … TYPE is named apart, for it counts among
    /// Redis' look-ups.
    Step look(std::size_t keys, std::chrono::milliseconds rest);
    /// The replies to what look() named last, that for lists first; fewer or errors: that step is taken again.
    void seen(std::span<const redis::Reply> replies);

    /// All lists, our own first; of those that are not certain at most `candidates`.
    std::vector<WaitingList> lists() const;
    /// How long a list was just now, and whether its next message is a task (nothing: nobody looked).
    void measured(const std::string &key, std::uint64_t length, std::optional<bool> task);
    /// Those of ours, and of the others those that were not empty when they were last measured.
    std::vector<WaitingList> filled() const;

    /// The queues that bindings of the layout's prefix name, whoever takes them.
    std::vector<std::string> bound() const;

    /// Whether a pass through all keys has ended, there was room for everything it found, and each list was looked at.
    bool complete() const;
    void clear(); ///< Redis is another one

private:
    struct Queue
    {
        std::string prefix; ///< global_keyprefix
        std::string name;
        auto operator<=>(const Queue &) const = default;
    };
    struct Bound
    {
        std::string separator;
        std::string binding; ///< the key that named it …
        SteadyTime seen{};   ///< … last
    };
    struct Binding
    {
        std::string key;
        std::string cursor{"0"};
    };
    struct Read
    {
        SteadyTime begun{};
        unsigned pass = 0; ///< in which its key was met last
    };
    struct Found
    {
        Untaken untaken = Untaken::Queue;
        std::string queue;
        bool certain = false;
        std::optional<SteadyTime> refused{}; ///< when its next message was no task
        unsigned pass = 0;
    };
    struct Cursor
    {
        std::string at{"0"};
        unsigned pass = 1;
        std::optional<SteadyTime> ended;
    };

    void seenLists(const redis::Reply &reply);
    void seenBindings(const redis::Reply &reply);
    bool advance(Cursor &cursor, const redis::Reply &reply);
    std::optional<Found> explained(const std::string &key) const;
    bool isOurs(std::string_view key) const;
    bool isRefused(const Found &found) const; ///< and was lately
    std::vector<WaitingList> boundLists() const;

    const Clock &m_clock;
    const KeyLayout m_layout;
    mutable std::mutex m_mutex;
    std::vector<std::string> m_taken;
    Cursor m_lists;
    Cursor m_bindings;
    bool m_asksLists = false; ///< of the step that was named last
    bool m_asksBindings = false;
    std::vector<Binding> m_asked;                    ///< … and these bindings
    std::deque<Binding> m_toRead;                    ///< bindings
    std::map<std::string, Read, std::less<>> m_read; ///< bindings
    std::map<Queue, Bound> m_bound;
    std::map<std::string, Found, std::less<>> m_found;           ///< by key
    std::map<std::string, std::uint64_t, std::less<>> m_lengths; ///< of what is not ours, where it is not empty
    bool m_overflow = false;                                     ///< in this pass
    bool m_overflowed = false;                                   ///< in the last one
};

} // namespace portolan::queue
