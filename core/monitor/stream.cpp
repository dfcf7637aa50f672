// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/monitor/stream.h"

#include "core/base/json.h"
#include "core/base/masking.h"
#include "core/base/units.h"
#include "core/http/websocket.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <algorithm>

namespace portolan::monitor {

namespace {

using Members = detail::AllMembers<Snapshot>;

const std::vector<std::string> everything;

/// A sample that comes a little early is the one that was due.
constexpr std::chrono::milliseconds early{250};
constexpr std::chrono::seconds seldom{5}; ///< as StreamWish::every: no longer a close look

template <class F> void eachMember(F visit)
{
    boost::mp11::mp_for_each<Members>(
        [&]<class D>(D) { visit(std::string_view(detail::SplitName<D, '_'>::value), D::pointer); });
}

std::string partsOf(const Snapshot &snapshot, const std::vector<std::string> &only)
{
    boost::json::object object;
    object.reserve(only.size());
    eachMember([&](std::string_view name, auto member) {
        if (std::ranges::find(only, name) != only.end())
            object.emplace(boost::json::string_view(name), toJson(snapshot.*member));
    });
    return jsonText(boost::json::value(std::move(object)));
}

Error wrong(std::string field, std::string message, std::string about)
{
    return badField(std::move(message), std::move(field), std::move(about));
}

Result<std::chrono::seconds> readInterval(std::string_view text)
{
    const auto duration = parseDuration(text);
    for (const auto interval : StreamWish::intervals)
        if (duration && *duration == interval)
            return interval;
    return wrong("/every", "The stream does not come every '" + quotable(text) + "'.",
                 "must be 1s, 2s, 5s, 10s, 15s, 30s or 60s");
}

/// In the order of the members, so that those who ask for the same are one group.
Result<std::vector<std::string>> readParts(std::string_view text)
{
    std::set<std::string_view> wanted;
    while (true) {
        const auto comma = text.find(',');
        wanted.insert(text.substr(0, comma));
        if (comma == std::string_view::npos)
            break;
        text.remove_prefix(comma + 1);
    }
    std::vector<std::string> parts;
    eachMember([&](std::string_view name, auto) {
        if (wanted.erase(name) > 0)
            parts.emplace_back(name);
    });
    if (!wanted.empty())
        return wrong("/only", "A snapshot has no member '" + quotable(*wanted.begin()) + "'.",
                     "must be names of its members, separated by commas");
    return parts;
}

} // namespace

Result<StreamWish> readStreamWish(const std::vector<std::pair<std::string, std::string>> &parameters)
{
    StreamWish wish;
    std::set<std::string_view> seen;
    for (const auto &[name, value] : parameters) {
        if (name != "every" && name != "only")
            return wrong('/' + quotable(name), "The stream does not know '" + quotable(name) + "'.",
                         "must be every or only");
        if (!seen.insert(name).second)
            return wrong('/' + name, "The address says '" + name + "' twice.", "must be there once");
        if (value.empty())
            continue;
        if (name == "every") {
            const auto every = readInterval(value);
            if (!every)
                return every.error();
            wish.every = *every;
        } else {
            auto only = readParts(value);
            if (!only)
                return only.error();
            wish.only = std::move(*only);
        }
    }
    return wish;
}

std::string_view streamParameters()
{
    static const std::string text = [] {
        boost::json::array intervals, members;
        for (const auto interval : StreamWish::intervals)
            intervals.emplace_back(std::to_string(interval.count()) + "s");
        eachMember([&](std::string_view name, auto) { members.emplace_back(boost::json::string_view(name)); });
        boost::json::object every{{"name", "every"}, {"in", "query"}, {"required", false}};
        every["schema"] = boost::json::object{{"type", "string"}, {"enum", std::move(intervals)}};
        boost::json::object only{{"name", "only"}, {"in", "query"}, {"required", false}};
        only["style"] = "form"; // several in one, separated by commas
        only["explode"] = false;
        boost::json::object member{{"type", "string"}, {"enum", std::move(members)}};
        only["schema"] = boost::json::object{{"type", "array"}, {"items", std::move(member)}};
        return jsonText(boost::json::array{std::move(every), std::move(only)});
    }();
    return text;
}

void SnapshotStream::publish(std::shared_ptr<const Snapshot> snapshot)
{
    std::vector<std::pair<std::shared_ptr<http::WebSocket>, std::shared_ptr<const std::string>>> due;
    {
        const std::lock_guard lock(m_mutex);
        m_latest = std::move(snapshot);
        m_texts.clear();
        const SteadyTime now = m_clock.steady();
        for (auto &[wish, group] : m_groups) {
            if (wish.every > StreamWish::intervals.front() && now - group.sent < wish.every - early)
                continue;
            group.sent = now;
            const auto text = textLocked(wish.only);
            for (const auto &watcher : group.watchers)
                due.emplace_back(watcher, text);
        }
    }
    for (const auto &[watcher, text] : due)
        watcher->send(text);
}

std::shared_ptr<const std::string> SnapshotStream::textLocked(const std::vector<std::string> &only)
{
    if (!m_latest)
        return nullptr;
    auto &text = m_texts[only];
    if (!text)
        text = std::make_shared<const std::string>(only.empty() ? writeJson(*m_latest) : partsOf(*m_latest, only));
    return text;
}

std::shared_ptr<const std::string> SnapshotStream::text()
{
    const std::lock_guard lock(m_mutex);
    return textLocked(everything);
}

std::shared_ptr<const Snapshot> SnapshotStream::latest() const
{
    const std::lock_guard lock(m_mutex);
    return m_latest;
}

SnapshotStream::Joined SnapshotStream::join(const std::shared_ptr<http::WebSocket> &socket, const StreamWish &wish,
                                            std::shared_ptr<const std::string> &first)
{
    const std::lock_guard lock(m_mutex);
    if (watchersLocked() >= maxWatchers)
        return Joined::TooManyWatchers;
    const std::size_t others = m_groups.size() - m_groups.count(StreamWish{});
    if (wish != StreamWish{} && !m_groups.contains(wish) && others >= maxGroups)
        return Joined::TooManyGroups;
    auto &group = m_groups[wish];
    if (group.watchers.empty())
        group.sent = m_clock.steady();
    group.watchers.insert(socket);
    first = textLocked(wish.only);
    return Joined::Yes;
}

void SnapshotStream::leave(const std::shared_ptr<http::WebSocket> &socket, const StreamWish &wish)
{
    const std::lock_guard lock(m_mutex);
    const auto group = m_groups.find(wish);
    group->second.watchers.erase(socket);
    if (group->second.watchers.empty())
        m_groups.erase(group);
}

awaitable<void> SnapshotStream::serve(std::shared_ptr<http::WebSocket> socket, StreamWish wish)
{
    std::shared_ptr<const std::string> first;
    if (const Joined joined = join(socket, wish, first); joined != Joined::Yes) {
        socket->close(1013, joined == Joined::TooManyGroups ? "too-many-groups" : "too many watchers");
        co_return;
    }
    if (first)
        socket->send(first);
    bool open = true;
    while (open) {
        const Result<std::string> message = co_await socket->receive();
        open = message.has_value();
    }
    leave(socket, wish);
}

std::size_t SnapshotStream::watchersLocked() const
{
    std::size_t all = 0;
    for (const auto &[wish, group] : m_groups)
        all += group.watchers.size();
    return all;
}

std::size_t SnapshotStream::watchers() const
{
    const std::lock_guard lock(m_mutex);
    return watchersLocked();
}

bool SnapshotStream::isWatchedClosely() const
{
    const std::lock_guard lock(m_mutex);
    return std::ranges::any_of(m_groups, [](const auto &group) { return group.first.every < seldom; });
}

} // namespace portolan::monitor
