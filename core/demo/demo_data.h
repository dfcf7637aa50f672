// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/api_token.h"
#include "core/api/snapshot.h"
#include "core/api/task.h"
#include "core/api/user.h"
#include "core/demo/script.h"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace portolan::demo {

/// The accounts of a demo. Made from their number when asked for, so that a million of them cost nothing; what was
/// changed is kept.
class DemoUsers final
{
public:
    DemoUsers(std::uint64_t count, bool longNames, WallTime start);

    UserPage page(const UserQuery &query) const;
    std::optional<User> find(Id id) const;
    std::optional<User> find(const std::string &email) const; ///< of those that were added
    void change(const User &user) { m_changed[user.id] = user; }
    const User &add(std::string email, Role role, WallTime now);
    void remove(Id id);
    std::uint64_t count() const { return m_count + m_added - m_removed.size(); }
    std::uint64_t sessions(Id id) const { return sessionList(id, m_start).size(); }
    std::vector<SessionEntry> sessionList(Id id, WallTime now) const;
    void signOut(Id id) { m_signedOut.insert(id); }
    std::vector<LimitUse> use(Id id, WallTime now) const;

private:
    User at(std::uint64_t number) const; ///< 0 is the oldest; those that were added follow
    UserPage sortedPage(const UserQuery &query) const;

    std::uint64_t m_count;
    bool m_longNames;
    WallTime m_start;
    std::map<Id, User> m_changed;
    std::set<Id> m_signedOut;
    std::set<Id> m_removed;
    std::uint64_t m_added = 0;
};

/// The tasks of a demo, and how they get on.
class DemoTasks final
{
public:
    DemoTasks(const Situation &situation, std::uint64_t seed, WallTime start);

    /// `page`: which one, from 0.
    TaskList list(const TaskQuery &query, std::size_t page) const;
    const TaskInfo *find(const std::string &id) const;
    void advance(WallTime now, std::size_t concurrency);
    void fill(std::size_t waiting, WallTime now); ///< new ones come until so many wait
    void revoke(const std::string &id, WallTime now);
    std::string rerun(const std::string &id, WallTime now); ///< the new task's id
    void forgetEnded();                                     ///< as without their results
    std::uint64_t count(TaskPlace place) const;
    std::uint64_t ended() const { return m_endedTotal; }
    WallTime oldestWaiting(WallTime now) const; ///< when the oldest that waits came; `now` if none does

private:
    TaskInfo make(WallTime created);
    void end(TaskInfo &task, WallTime now);

    std::uint64_t m_seed;
    bool m_longNames;
    bool m_refill; ///< as one ends another comes
    std::uint64_t m_next = 1;
    std::uint64_t m_endedTotal = 41210;
    std::vector<TaskInfo> m_tasks; ///< in the order they came
};

/// What a demo is made of besides its curves.
struct DemoData
{
    DemoData(const Situation &situation, std::uint64_t seed, std::uint64_t userCount, WallTime start);

    DemoUsers users;
    DemoTasks tasks;
    std::vector<WorkerInfo> workers;
    std::vector<ClientInfo> clients;
    std::vector<ApiToken> apiTokens;       ///< by name
    std::map<std::string, double> cleaned; ///< family → fraction of it that is left
    bool longNames;
    std::uint64_t nextClient;

    /// Lets connections come and go until there are `wanted`.
    void adjustClients(std::size_t wanted, bool leaking);
    void age(std::chrono::seconds by);
};

std::vector<ClientGroup> groupsOf(const std::vector<ClientInfo> &clients);

/// What is in Redis by family, and what is asked by route, as far as curves say.
FamiliesFigures familiesAt(const Script &script, const DemoData &data, double second);
HttpFigures httpAt(const Script &script, bool longNames, double second);

/// The series of a metric that has a label, as Deployment::history() answers them: all of them by label, or the one
/// that is asked for. Times as Script::series() has them.
std::vector<Series> labelledSeries(const Script &script, const DemoData &data, const Metric &asked, double from,
                                   double to, std::uint32_t most, WallTime start, double finest);

/// The snapshot of one moment; `second` since the start of the demo.
Snapshot makeSnapshot(const Script &script, const DemoData &data, double second, WallTime start,
                      std::uint64_t sequence);

} // namespace portolan::demo
