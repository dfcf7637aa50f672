// SPDX-License-Identifier: GPL-3.0-or-later
// What a demo answers to a console's questions.

#include "core/demo/demo_deployment.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <iterator>
#include <utility>

namespace portolan::demo {

namespace {

/// Of a cursor; an empty one is before everything.
std::optional<std::uint64_t> numberIn(const std::string &cursor)
{
    std::uint64_t number = 0;
    const char *const end = cursor.data() + cursor.size();
    const auto [read, wrong] = std::from_chars(cursor.data(), end, number);
    const bool whole = wrong == std::errc() && read == end;
    return cursor.empty() || whole ? std::optional(number) : std::nullopt;
}

LogLine lineOf(const Event &event)
{
    LogLine line{.time = event.time};
    switch (event.kind) {
    case EventKind::Zone:
        line.level = event.zone == Zone::Green ? LogLine::Level::Info : LogLine::Level::Warning;
        line.message = "zone changed";
        break;
    case EventKind::Link:
        line.level = event.up.value_or(false) ? LogLine::Level::Info : LogLine::Level::Error;
        line.message = event.up.value_or(false) ? "link is back" : "link is away";
        break;
    case EventKind::Restart:
        line.message = event.up.value_or(false) ? "started" : "stopped";
        break;
    case EventKind::Action:
        line.message = "action";
        break;
    case EventKind::Instance:
        line.message = "instance_" + event.reason;
        break;
    }
    if (!event.name.empty())
        line.message += " name=" + event.name;
    if (!event.actor.empty())
        line.message += " actor=" + event.actor;
    return line;
}

} // namespace

Result<std::vector<Series>> DemoDeployment::answerTo(const HistoryQuestion &question) const
{
    const HistoryQuery &query = question.query;
    if (const Result<void> reach = reachable(false); !reach)
        return reach.error();
    std::uint32_t most = mostPointsOf(query);
    if (most < 2 || most > 1'000'000)
        return failure(ErrorKind::Invalid, "Between 2 and 1,000,000 points.");
    const auto offset = [this](WallTime time) {
        return double(std::chrono::duration_cast<std::chrono::milliseconds>(time - m_start).count()) / 1000;
    };
    // What lies ahead of the last sample is not history, and seconds are kept for an hour.
    const double from = offset(query.from);
    const double to = std::min(offset(query.to), m_lastSecond + 0.001);
    double finest = from < m_lastSecond - 3660 ? 60 : 1;
    if (query.step) { // of which points are made, however many
        finest = std::ceil(double(query.step->count()) / finest) * finest;
        most = 1'000'000;
    }
    std::vector<Series> all;
    for (const Metric &metric : query.metrics) {
        const MetricKind *kind = findKind(metric.name);
        const bool fits = kind && (metric.labels.empty() ||
                                   (metric.labels.size() == 1 && metric.labels.contains(std::string(kind->label))));
        if (!fits)
            return failure(ErrorKind::Invalid, "There is no such metric.");
        if (kind->label.empty()) {
            all.push_back(m_script.series(kind->name, from, to, most, m_start, finest));
            continue;
        }
        auto labelled = labelledSeries(m_script, m_data, metric, from, to, most, m_start, finest);
        std::ranges::move(labelled, std::back_inserter(all));
    }
    return all;
}

Result<std::vector<Event>> DemoDeployment::answerTo(const EventsQuestion &question) const
{
    if (const Result<void> reach = reachable(false); !reach)
        return reach.error();
    std::vector<Event> found;
    for (const Event &event : m_events) {
        if (event.time >= question.from && event.time < question.to)
            found.push_back(event);
    }
    std::ranges::stable_sort(found, {}, &Event::time);
    return found;
}

Result<std::vector<InstanceFigures>> DemoDeployment::answerTo(const InstancesQuestion &) const
{
    if (const Result<void> reach = reachable(false); !reach)
        return reach.error();
    return m_latest->instances;
}

Result<ClientPage> DemoDeployment::answerTo(const ClientsQuestion &question) const
{
    if (const Result<void> reach = reachable(true); !reach)
        return reach.error();
    if (question.limit < 1 || question.limit > ClientsQuestion::most)
        return failure(ErrorKind::Invalid, "Between 1 and 10,000 connections a page.");
    const auto &all = m_data.clients;
    const auto shown = numberIn(question.cursor);
    if (!shown || *shown > all.size())
        return failure(ErrorKind::Invalid, "That is no cursor of connections.");
    ClientPage page;
    page.total = all.size();
    page.age = m_latest->clients.age;
    const std::size_t end = std::min<std::size_t>(all.size(), *shown + question.limit);
    page.items.assign(all.begin() + std::ptrdiff_t(*shown), all.begin() + std::ptrdiff_t(end));
    if (end < all.size())
        page.nextCursor = std::to_string(end);
    return page;
}

/// What happened, as a portal writes it into its log; the newest event has the highest number.
Result<LogPage> DemoDeployment::answerTo(const LogQuestion &question) const
{
    if (const Result<void> reach = reachable(false); !reach)
        return reach.error();
    if (question.query.limit < 1 || question.query.limit > 500)
        return failure(ErrorKind::Invalid, "Between 1 and 500 lines a page.");
    if (const std::string &name = question.query.instance; !name.empty() && name != m_latest->instance)
        return failure(ErrorKind::NotFound, "There is no instance of this name.");
    const auto before = numberIn(question.query.cursor);
    if (!before || *before > m_events.size())
        return failure(ErrorKind::Invalid, "That is no cursor of the log.");
    LogPage page;
    for (std::size_t i = question.query.cursor.empty() ? m_events.size() : *before; i > 0;) {
        LogLine line = lineOf(m_events[--i]);
        if (line.level < question.query.level)
            continue;
        if (page.items.size() == question.query.limit) {
            page.nextCursor = std::to_string(i + 1);
            break;
        }
        page.items.push_back(std::move(line));
    }
    return page;
}

Result<DeploymentAnswer> DemoDeployment::answerTo(const DeploymentQuestion &) const
{
    if (const Result<void> reach = reachable(false); !reach)
        return reach.error();
    const DeploymentInfo here = info();
    DeploymentAnswer told;
    told.name = here.name;
    told.tier = here.tier;
    told.version = here.version;
    told.production = here.production;
    for (const InstanceFigures &one : m_latest->instances)
        told.instances.push_back({one.name, one.version});
    told.role = here.role;
    boost::mp11::mp_for_each<boost::mp11::mp_transform<Tag, Questions>>([&](auto tag) {
        const Route route = routeOf(tag);
        told.questions.push_back({std::string(route.path), route.role, {}});
    });
    boost::mp11::mp_for_each<boost::mp11::mp_transform<Tag, Action>>([&]<class A>(Tag<A>) {
        const Action kind(A{});
        told.actions.push_back({std::string(traitsOf(kind).name), leastRole(kind), capability(kind)});
    });
    return told;
}

Result<TaskList> DemoDeployment::answerTo(const TasksQuestion &question) const
{
    if (const Result<void> reach = reachable(true); !reach)
        return reach.error();
    if (question.query.limit < 1 || question.query.limit > 500)
        return failure(ErrorKind::Invalid, "Between 1 and 500 tasks of each place.");
    const auto page = numberIn(question.query.cursor);
    if (!page)
        return failure(ErrorKind::Invalid, "That is no cursor of tasks.");
    return m_data.tasks.list(question.query, *page);
}

Result<std::vector<WorkerInfo>> DemoDeployment::answerTo(const WorkersQuestion &) const
{
    if (const Result<void> reach = reachable(true); !reach)
        return reach.error();
    return m_data.workers;
}

Result<UserPage> DemoDeployment::answerTo(const UsersQuestion &question) const
{
    if (const Result<void> reach = reachable(false); !reach)
        return reach.error();
    if (question.query.limit < 1 || question.query.limit > 500)
        return failure(ErrorKind::Invalid, "Between 1 and 500 users a page.");
    return m_data.users.page(question.query);
}

Result<std::vector<LimitUse>> DemoDeployment::answerTo(const LimitUseQuestion &question) const
{
    if (const Result<void> reach = reachable(false); !reach)
        return reach.error();
    if (!m_data.users.find(question.id))
        return failure(ErrorKind::NotFound, "There is no such user.");
    if (const Result<void> reach = reachable(true); !reach)
        return reach.error();
    return m_data.users.use(question.id, m_clock.wall());
}

Result<std::vector<SessionEntry>> DemoDeployment::answerTo(const SessionsQuestion &question) const
{
    if (const Result<void> reach = reachable(false); !reach)
        return reach.error();
    if (!m_data.users.find(question.id))
        return failure(ErrorKind::NotFound, "There is no such user.");
    return m_data.users.sessionList(question.id, m_clock.wall());
}

Result<std::vector<ApiToken>> DemoDeployment::answerTo(const TokensQuestion &) const
{
    if (const Result<void> reach = reachable(false); !reach)
        return reach.error();
    return m_data.apiTokens;
}

Result<AuditPage> DemoDeployment::answerTo(const AuditQuestion &question) const
{
    if (const Result<void> reach = reachable(false); !reach)
        return reach.error();
    AuditPage page;
    for (auto entry = m_audit.rbegin(); entry != m_audit.rend() && page.items.size() < question.query.limit; ++entry) {
        if (question.query.subject.empty() || entry->subject == question.query.subject)
            page.items.push_back(*entry);
    }
    return page;
}

} // namespace portolan::demo
