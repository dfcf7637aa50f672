// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/queue/queue_directory.h"

#include "core/queue/keys.h"

#include <algorithm>
#include <cctype>
#include <iterator>
#include <utility>

namespace portolan::queue {

namespace {

constexpr std::string_view bindingMark = "_kombu.binding.";

bool isDigit(char c) { return c >= '0' && c <= '9'; }

/// Whether a binding's exchange, or a list, is of remote control and events, in which no tasks wait.
bool isControl(std::string_view name)
{
    return name.ends_with(".pidbox") || name.starts_with("celeryev") || name.find(".celeryev") != name.npos;
}

struct Member
{
    std::string queue;
    std::string separator;
};

/// What a member of a binding says: routing key, separator, pattern, separator, queue. Which separator is an option of
/// whoever wrote it; where it is not the usual one, it is what stands twice behind the exchange's name.
/// Source: kombu/transport/redis.py, Channel._queue_bind.
Member memberOf(std::string_view exchange, std::string_view member)
{
    if (const auto last = member.rfind(keys::separator); last != member.npos)
        return {std::string(member.substr(last + keys::separator.size())), std::string(keys::separator)};
    if (member.starts_with(exchange)) {
        const std::string_view rest = member.substr(exchange.size());
        const std::size_t longest = std::min<std::size_t>(rest.size() / 2, 16);
        for (std::size_t size = 1; size <= longest; ++size) {
            const std::string_view queue = rest.substr(2 * size);
            // As a rule queue and exchange have one name; "----" is two of "--" then, not of "-".
            const bool whole =
                queue == exchange || (!queue.empty() && std::isalnum(static_cast<unsigned char>(queue[0])));
            if (whole && rest.substr(0, size) == rest.substr(size, size))
                return {std::string(queue), std::string(rest.substr(0, size))};
        }
    }
    return {std::string(exchange), {}};
}

/// The part of a list's key before the digits of its step and whatever separates them; empty: it has no step.
std::string_view beforeStep(std::string_view key)
{
    while (!key.empty() && isDigit(key.back()))
        key.remove_suffix(1);
    return key;
}

} // namespace

std::vector<WaitingList> listsOf(const std::string &queue) { return listsOf(queue, KeyLayout()); }

std::vector<WaitingList> listsOf(const std::string &queue, const KeyLayout &layout)
{
    std::vector<WaitingList> lists;
    for (const unsigned step : layout.steps)
        lists.push_back({layout.list(queue, step), queue, Untaken::No, true});
    return lists;
}

void QueueDirectory::setTaken(std::vector<std::string> queues)
{
    const std::lock_guard lock(m_mutex);
    if (m_taken == queues)
        return;
    m_taken = std::move(queues);
    // What a list is depends on which queues are ours.
    for (auto at = m_found.begin(); at != m_found.end();) {
        auto anew = explained(at->first);
        if (!anew) {
            at = m_found.erase(at);
            continue;
        }
        at->second.untaken = anew->untaken;
        at->second.queue = std::move(anew->queue);
        ++at;
    }
}

QueueDirectory::Step QueueDirectory::look(std::size_t keys, std::chrono::milliseconds rest)
{
    const std::lock_guard lock(m_mutex);
    const SteadyTime now = m_clock.steady();
    Step step;
    step.keys = keys;
    const auto due = [&](const Cursor &cursor) { return !cursor.ended || now - *cursor.ended >= rest; };
    m_asksLists = due(m_lists);
    if (m_asksLists)
        step.cursor = m_lists.at;
    m_asksBindings = due(m_bindings);
    step.bindings = m_asksBindings;
    if (m_asksBindings)
        step.others.add("SCAN", m_bindings.at, "COUNT", keys, "MATCH", "*_kombu.binding.*");
    // Those of a step whose replies never came.
    std::ranges::move(std::exchange(m_asked, {}), std::front_inserter(m_toRead));
    while (!m_toRead.empty() && m_asked.size() < atOnce) {
        step.others.add("SSCAN", m_toRead.front().key, m_toRead.front().cursor, "COUNT", 100);
        m_asked.push_back(std::move(m_toRead.front()));
        m_toRead.pop_front();
    }
    return step;
}

bool QueueDirectory::advance(Cursor &cursor, const redis::Reply &reply)
{
    cursor.at = reply.elements[0].text;
    cursor.ended.reset();
    if (cursor.at != "0")
        return false;
    cursor.ended = m_clock.steady();
    ++cursor.pass;
    return true;
}

void QueueDirectory::seen(std::span<const redis::Reply> replies)
{
    const std::lock_guard lock(m_mutex);
    const auto next = [&]() -> const redis::Reply * {
        if (replies.empty())
            return nullptr;
        const redis::Reply *reply = &replies.front();
        replies = replies.subspan(1);
        return reply->elements.size() == 2 ? reply : nullptr;
    };
    if (std::exchange(m_asksLists, false))
        if (const redis::Reply *reply = next())
            seenLists(*reply);
    if (std::exchange(m_asksBindings, false))
        if (const redis::Reply *reply = next())
            seenBindings(*reply);
    for (Binding &binding : std::exchange(m_asked, {})) {
        const redis::Reply *reply = next();
        if (!reply)
            continue;
        const std::size_t mark = binding.key.find(bindingMark);
        const std::string prefix = binding.key.substr(0, mark);
        const std::string_view exchange = std::string_view(binding.key).substr(mark + bindingMark.size());
        for (const redis::Reply &text : reply->elements[1].elements) {
            Member member = memberOf(exchange, text.text);
            if (member.queue.empty() || isControl(member.queue))
                continue;
            if (m_bound.size() >= most && !m_bound.contains({prefix, member.queue})) {
                m_overflow = true;
                continue;
            }
            m_bound[{prefix, std::move(member.queue)}] = {std::move(member.separator), binding.key, m_clock.steady()};
        }
        binding.cursor = reply->elements[0].text;
        if (binding.cursor != "0") {
            m_toRead.push_front(std::move(binding));
            continue;
        }
        const SteadyTime begun = m_read[binding.key].begun;
        std::erase_if(m_bound, [&](const auto &bound) {
            return bound.second.binding == binding.key && bound.second.seen < begun;
        });
    }
}

void QueueDirectory::seenLists(const redis::Reply &reply)
{
    for (const redis::Reply &key : reply.elements[1].elements) {
        if (const auto known = m_found.find(key.text); known != m_found.end()) {
            known->second.pass = m_lists.pass;
            continue;
        }
        std::optional<Found> found = explained(key.text);
        if (!found)
            continue;
        if (m_found.size() >= 2 * most) {
            m_overflow = true;
            continue;
        }
        found->pass = m_lists.pass;
        m_found.emplace(key.text, std::move(*found));
    }
    const unsigned pass = m_lists.pass;
    if (!advance(m_lists, reply))
        return;
    std::erase_if(m_found, [&](const auto &found) { return found.second.pass != pass; });
    m_overflowed = std::exchange(m_overflow, false);
}

void QueueDirectory::seenBindings(const redis::Reply &reply)
{
    const SteadyTime now = m_clock.steady();
    for (const redis::Reply &key : reply.elements[1].elements) {
        const std::size_t mark = key.text.find(bindingMark);
        if (mark == key.text.npos || isControl(std::string_view(key.text).substr(mark + bindingMark.size())))
            continue;
        const auto read = m_read.find(key.text);
        if (read != m_read.end() && now - read->second.begun < again) {
            read->second.pass = m_bindings.pass;
            continue;
        }
        if (m_read.size() >= most && read == m_read.end()) {
            m_overflow = true;
            continue;
        }
        m_read[key.text] = {now, m_bindings.pass};
        m_toRead.push_back({key.text, "0"});
    }
    const unsigned pass = m_bindings.pass;
    if (!advance(m_bindings, reply))
        return;
    std::erase_if(m_read, [&](const auto &read) { return read.second.pass != pass; });
    std::erase_if(m_bound, [&](const auto &bound) { return !m_read.contains(bound.second.binding); });
}

bool QueueDirectory::isOurs(std::string_view key) const
{
    return std::ranges::any_of(m_taken, [&](const std::string &queue) {
        return std::ranges::any_of(m_layout.steps, [&](unsigned step) { return key == m_layout.list(queue, step); });
    });
}

std::optional<QueueDirectory::Found> QueueDirectory::explained(const std::string &key) const
{
    if (isOurs(key) || isControl(key))
        return std::nullopt;
    for (const auto &[queue, bound] : m_bound)
        if (queue.prefix != m_layout.prefix && !queue.prefix.empty() && key.starts_with(queue.prefix + queue.name))
            return Found{Untaken::KeyPrefix, key};
    const std::string_view whole = beforeStep(key);
    if (whole.size() == key.size() || !whole.starts_with(m_layout.prefix))
        return Found{Untaken::Queue, key};
    const std::string_view stem = whole.substr(m_layout.prefix.size());
    if (stem.ends_with(m_layout.separator)) {
        std::string queue(stem.substr(0, stem.size() - m_layout.separator.size()));
        if (std::ranges::find(m_taken, queue) != m_taken.end())
            return Found{Untaken::PriorityStep, key};
        return Found{Untaken::Queue, std::move(queue)};
    }
    const auto isListOf = [&](const std::string &queue) {
        return stem.size() > queue.size() && stem.starts_with(queue) &&
               std::ranges::none_of(stem.substr(queue.size()), [](unsigned char c) { return std::isalnum(c) != 0; });
    };
    if (std::ranges::any_of(m_taken, isListOf))
        return Found{Untaken::Separator, key};
    for (const auto &[queue, bound] : m_bound)
        if (queue.prefix == m_layout.prefix && isListOf(queue.name))
            return Found{Untaken::Queue, queue.name};
    return Found{Untaken::Queue, key};
}

bool QueueDirectory::isRefused(const Found &found) const
{
    return found.refused && m_clock.steady() - *found.refused < refusedFor;
}

std::vector<WaitingList> QueueDirectory::boundLists() const
{
    std::vector<WaitingList> lists;
    for (const unsigned step : m_layout.steps) // by step, for higher ones are rarely there (see redis_round.h)
        for (const auto &[queue, bound] : m_bound) {
            const bool sameKeys = queue.prefix == m_layout.prefix;
            if (sameKeys && std::ranges::find(m_taken, queue.name) != m_taken.end())
                continue;
            // Of other steps, or with another separator, they are found as they are.
            if (step != 0 && bound.separator != m_layout.separator)
                continue;
            const Untaken why = sameKeys ? Untaken::Queue : Untaken::KeyPrefix;
            std::string key = queue.prefix + queue.name;
            std::string line = sameKeys ? queue.name : key;
            if (step != 0)
                key.append(m_layout.separator).append(std::to_string(step));
            lists.push_back({std::move(key), std::move(line), why, true});
        }
    return lists;
}

std::vector<WaitingList> QueueDirectory::lists() const
{
    const std::lock_guard lock(m_mutex);
    std::vector<WaitingList> lists;
    for (const std::string &queue : m_taken)
        std::ranges::move(listsOf(queue, m_layout), std::back_inserter(lists));
    std::ranges::move(boundLists(), std::back_inserter(lists));
    std::set<std::string, std::less<>> named;
    for (const WaitingList &list : lists)
        named.insert(list.key);
    std::vector<std::pair<SteadyTime, const std::pair<const std::string, Found> *>> uncertain;
    for (const auto &one : m_found) {
        const auto &[key, found] = one;
        if (isRefused(found) || named.contains(key))
            continue;
        if (found.certain)
            lists.push_back({key, found.queue, found.untaken, true});
        else
            uncertain.emplace_back(found.refused.value_or(SteadyTime::min()), &one);
    }
    // Those never looked at first, then those longest ago, or the first ones by name would be all that is looked at.
    std::ranges::stable_sort(uncertain, {}, [](const auto &one) { return one.first; });
    for (const auto &[looked, one] : std::span(uncertain).first(std::min(uncertain.size(), candidates)))
        lists.push_back({one->first, one->second.queue, one->second.untaken, false});
    return lists;
}

void QueueDirectory::measured(const std::string &key, std::uint64_t length, std::optional<bool> task)
{
    const std::lock_guard lock(m_mutex);
    const auto found = m_found.find(key);
    if (found != m_found.end() && length == 0)
        m_found.erase(found);
    else if (found != m_found.end() && task && !found->second.certain) {
        found->second.certain = *task;
        found->second.refused = *task ? std::nullopt : std::optional(m_clock.steady());
    }
    if (length == 0)
        m_lengths.erase(key);
    else
        m_lengths[key] = length;
    if (m_lengths.size() > 8 * most)
        m_lengths.clear();
}

std::vector<WaitingList> QueueDirectory::filled() const
{
    std::vector<WaitingList> all = lists();
    const std::lock_guard lock(m_mutex);
    std::erase_if(all, [&](const WaitingList &list) {
        return !list.certain || (list.untaken != Untaken::No && !m_lengths.contains(list.key));
    });
    return all;
}

std::vector<std::string> QueueDirectory::bound() const
{
    const std::lock_guard lock(m_mutex);
    std::vector<std::string> names;
    for (const auto &[queue, bound] : m_bound)
        if (queue.prefix == m_layout.prefix)
            names.push_back(queue.name);
    return names;
}

bool QueueDirectory::complete() const
{
    const std::lock_guard lock(m_mutex);
    // One that is refused and due again was looked at.
    const bool allSeen =
        std::ranges::all_of(m_found, [](const auto &found) { return found.second.certain || found.second.refused; });
    return m_lists.pass > 1 && m_bindings.pass > 1 && m_toRead.empty() && !m_overflowed && !m_overflow && allSeen;
}

void QueueDirectory::clear()
{
    const std::lock_guard lock(m_mutex);
    m_lists = {};
    m_bindings = {};
    m_asksLists = m_asksBindings = false;
    m_asked.clear();
    m_toRead.clear();
    m_read.clear();
    m_bound.clear();
    m_found.clear();
    m_lengths.clear();
    m_overflow = m_overflowed = false;
}

} // namespace portolan::queue
