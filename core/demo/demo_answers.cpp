// SPDX-License-Identifier: GPL-3.0-or-later
// What a demo answers to a console's questions.

#include "core/demo/demo_deployment.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace portolan::demo {

Result<std::vector<Series>> DemoDeployment::answerTo(const HistoryQuestion &question) const
{
    const HistoryQuery &query = question.query;
    if (const Result<void> reach = reachable(false); !reach)
        return reach.error();
    if (query.most < 2 || query.most > 1'000'000)
        return failure(ErrorKind::Invalid, "Between 2 and 1,000,000 points.");
    const auto offset = [this](WallTime time) {
        return double(std::chrono::duration_cast<std::chrono::milliseconds>(time - m_start).count()) / 1000;
    };
    // What lies ahead of the last sample is not history, and seconds are kept for an hour.
    const double from = offset(query.from);
    const double to = std::min(offset(query.to), m_lastSecond + 0.001);
    const double finest = from < m_lastSecond - 3660 ? 60 : 1;
    std::vector<Series> all;
    for (const Metric &metric : query.metrics) {
        const MetricKind *kind = findKind(metric.name);
        const bool fits = kind && (metric.labels.empty() ||
                                   (metric.labels.size() == 1 && metric.labels.contains(std::string(kind->label))));
        if (!fits)
            return failure(ErrorKind::Invalid, "There is no such metric.");
        if (kind->label.empty()) {
            all.push_back(m_script.series(kind->name, from, to, query.most, m_start, finest));
            continue;
        }
        auto labelled = labelledSeries(m_script, m_data, metric, from, to, query.most, m_start, finest);
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

Result<std::vector<ClientInfo>> DemoDeployment::answerTo(const ClientsQuestion &) const
{
    if (const Result<void> reach = reachable(true); !reach)
        return reach.error();
    return m_data.clients;
}

Result<TaskList> DemoDeployment::answerTo(const TasksQuestion &question) const
{
    if (const Result<void> reach = reachable(true); !reach)
        return reach.error();
    if (question.query.limit < 1 || question.query.limit > 500)
        return failure(ErrorKind::Invalid, "Between 1 and 500 tasks of each place.");
    return m_data.tasks.list(question.query);
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
