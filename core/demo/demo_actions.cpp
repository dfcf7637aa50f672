// SPDX-License-Identifier: GPL-3.0-or-later
// What the console's actions do to a demo.

#include "core/demo/demo_deployment.h"
#include "core/demo/words.h"

#include <algorithm>
#include <utility>

namespace portolan::demo {

Result<ActionPreview> DemoDeployment::previewOf(const CloseClients &action) const
{
    if (action.ids.empty() || action.ids.size() > 1000)
        return failure(ErrorKind::Invalid, "Between 1 and 1,000 connections can be closed at once.");
    ActionPreview preview;
    preview.count = 0;
    for (const ClientInfo &client : m_data.clients) {
        if (std::ranges::find(action.ids, client.id) == action.ids.end())
            continue;
        if (++*preview.count <= 20)
            preview.sample.push_back((client.name.empty() ? "unnamed" : client.name) + "  " + client.address);
    }
    if (*preview.count == 0)
        return failure(ErrorKind::NotFound, "None of these connections is there any more.");
    preview.summary = "Closes " + counted(*preview.count, "connection") + ". Their owners may connect again.";
    return preview;
}

Result<ActionPreview> DemoDeployment::previewOf(const CleanUpFamily &action) const
{
    if (!m_latest)
        return failure(ErrorKind::Unavailable, "Nothing is known of the keys yet.");
    if (const auto kept = whyNotCleanedUp(action.family); !kept.empty())
        return failure(ErrorKind::Unsupported, std::string(kept));
    for (const FamilyFigures &family : m_latest->families.families) {
        if (family.family != action.family)
            continue;
        ActionPreview preview;
        const double part = action.idle ? 0.4 : 1.0;
        preview.count = std::uint64_t(family.keys->value * part);
        preview.bytes = std::uint64_t(family.bytes->value * part);
        preview.summary = "Deletes " + counted(*preview.count, "key") + " of the family " + action.family + ".";
        preview.nothing = *preview.count == 0;
        if (preview.nothing) {
            preview.summary = "There is no key of " + action.family + ".";
            return preview;
        }
        if (action.idle)
            preview.summary += " Only those nobody has used for a while.";
        if (const auto loss = lossOf(action.family); !loss.empty())
            preview.summary.append(" ").append(loss);
        for (int i = 0; i < 6; ++i)
            preview.sample.push_back(action.family.substr(0, 1) + ":9f2c" + std::to_string(4711 + i * 97));
        return preview;
    }
    return failure(ErrorKind::NotFound, "There is no key family " + action.family + ".");
}

Result<ActionPreview> DemoDeployment::previewOf(const ResizeWorker &action) const
{
    if (action.concurrency > 1024)
        return failure(ErrorKind::Invalid, "A worker runs at most 1,024 tasks at once.");
    const bool there = std::ranges::any_of(m_data.workers, [&action](const WorkerInfo &worker) {
        return action.node.empty() ? worker.own : worker.node == action.node;
    });
    if (!there)
        return failure(ErrorKind::NotFound, "There is no such worker.");
    if (action.concurrency == 0) {
        const auto waiting = m_data.tasks.count(TaskPlace::Waiting);
        const auto running = m_data.tasks.count(TaskPlace::Running);
        return ActionPreview{"Takes no task any more: " + std::to_string(waiting) + " wait and " +
                                 std::to_string(running) + " run. Those that run still end.",
                             waiting + running,
                             {},
                             {}};
    }
    return ActionPreview{"Runs " + counted(action.concurrency, "task") + " at once.", action.concurrency, {}, {}};
}

Result<ActionPreview> DemoDeployment::previewOf(const RevokeTasks &action) const
{
    ActionPreview preview;
    preview.count = 0;
    for (const std::string &id : action.ids) {
        const TaskInfo *task = m_data.tasks.find(id);
        if (!task)
            return failure(ErrorKind::NotFound, "There is no such task any more.");
        *preview.count += task->place == TaskPlace::Ended ? 0 : 1;
        if (preview.sample.size() < 20)
            preview.sample.push_back(task->name + " " + task->id.substr(0, 8) + ": " + task->arguments);
    }
    preview.nothing = *preview.count == 0;
    preview.summary = preview.nothing
                          ? "All of them have ended already."
                          : "Keeps " + counted(*preview.count, "task") + " from running, or ends what runs.";
    return preview;
}

Result<ActionPreview> DemoDeployment::previewOf(const RerunTasks &action) const
{
    ActionPreview preview;
    preview.count = action.ids.size();
    for (const std::string &id : action.ids) {
        const TaskInfo *task = m_data.tasks.find(id);
        if (!task)
            return failure(ErrorKind::NotFound, "There is no such task any more.");
        if (preview.sample.size() < 20)
            preview.sample.push_back(task->name + " " + task->id.substr(0, 8) + ": " + task->arguments);
    }
    preview.summary =
        "Enqueues " + counted(*preview.count, "task") + " again with the original arguments, as new ones.";
    return preview;
}

Result<ActionPreview> DemoDeployment::previewOf(const CreateUser &action) const
{
    if (action.email.find('@') == std::string::npos)
        return failure(ErrorKind::Invalid, "That is no e-mail address.");
    if (m_data.users.find(action.email))
        return failure(ErrorKind::Conflict, "There is an account with the address " + action.email + " already.");
    return ActionPreview{"Makes an account for " + action.email + ", with a password that is shown once.", 1, {}, {}};
}

Result<ActionPreview> DemoDeployment::previewOf(const ChangeUser &action) const
{
    const auto user = m_data.users.find(action.id);
    if (!user)
        return failure(ErrorKind::NotFound, "There is no such user.");
    const std::uint64_t sessions = m_data.users.sessions(action.id);
    std::string what = action.disabled ? (*action.disabled ? "Keeps " + user->email + " from signing in"
                                                           : "Lets " + user->email + " sign in again")
                                       : "Changes the role of " + user->email;
    return ActionPreview{
        what + " and ends " + counted(sessions, "session") + ".", sessions, std::nullopt, {user->email}};
}

Result<ActionPreview> DemoDeployment::previewOfAccount(Id id, const std::string &before, const std::string &after) const
{
    const auto user = m_data.users.find(id);
    if (!user)
        return failure(ErrorKind::NotFound, "There is no such user.");
    const std::uint64_t sessions = m_data.users.sessions(id);
    return ActionPreview{before + user->email + after + " and ends " + counted(sessions, "session") + ".",
                         sessions,
                         std::nullopt,
                         {user->email}};
}

Result<ActionPreview> DemoDeployment::previewOf(const ResetPassword &action) const
{
    return previewOfAccount(action.id, "Gives ", " a new password, which is shown once,");
}

Result<ActionPreview> DemoDeployment::previewOf(const DeleteUser &action) const
{
    return previewOfAccount(action.id, "Deletes the account ", " for good");
}

Result<ActionPreview> DemoDeployment::previewOf(const SignOutUser &action) const
{
    const auto user = m_data.users.find(action.id);
    if (!user)
        return failure(ErrorKind::NotFound, "There is no such user.");
    const std::uint64_t sessions = m_data.users.sessions(action.id);
    ActionPreview preview{
        "Ends " + counted(sessions, "session") + " of " + user->email + ".", sessions, std::nullopt, {user->email}};
    preview.nothing = sessions == 0;
    if (preview.nothing)
        preview.summary = user->email + " has no session.";
    return preview;
}

ActionOutcome DemoDeployment::carryOut(const CloseClients &action)
{
    const auto closed = std::erase_if(m_data.clients, [&](const ClientInfo &client) {
        return std::ranges::find(action.ids, client.id) != action.ids.end();
    });
    m_script.shift(Metric::RedisConnections, second(), -double(closed));
    return {"Closed " + counted(closed, "connection") + ".", {}, {}};
}

ActionOutcome DemoDeployment::carryOut(const CleanUpFamily &action)
{
    const ActionPreview before = *previewOf(action);
    double &left = m_data.cleaned.try_emplace(action.family, 1.0).first->second;
    left *= action.idle ? 0.6 : 0.0;
    if (action.family == "results" && !action.idle)
        m_data.tasks.forgetEnded();
    m_script.shift(Metric::RedisMemory, second(), -double(*before.bytes));
    return {"Deleted " + counted(*before.count, "key") + " of " + action.family + ".", {}, {}};
}

ActionOutcome DemoDeployment::carryOut(const ResizeWorker &action)
{
    for (WorkerInfo &worker : m_data.workers) {
        if (action.node.empty() ? worker.own : worker.node == action.node) {
            worker.concurrency = action.concurrency;
            return {worker.node + " runs " + counted(action.concurrency, "task") + " at once.", {}, {}};
        }
    }
    return {"There is no worker " + action.node + ".", {}, {}};
}

ActionOutcome DemoDeployment::carryOut(const RevokeTasks &action)
{
    std::uint64_t revoked = 0;
    std::string name;
    for (const std::string &id : action.ids) {
        const TaskInfo *task = m_data.tasks.find(id);
        if (!task || task->place == TaskPlace::Ended)
            continue;
        name = task->name + " " + id.substr(0, 8);
        m_data.tasks.revoke(id, m_clock.wall());
        ++revoked;
    }
    return {"Revoked " + (revoked == 1 ? name : counted(revoked, "task")) + ".", action.ids.front(), {}};
}

ActionOutcome DemoDeployment::carryOut(const RerunTasks &action)
{
    std::string latest, name;
    for (const std::string &id : action.ids) {
        name = m_data.tasks.find(id)->name + " " + id.substr(0, 8);
        latest = m_data.tasks.rerun(id, m_clock.wall());
    }
    const std::size_t count = action.ids.size();
    return {"Enqueued again: " + (count == 1 ? name : counted(count, "task")) + ".", latest, {}};
}

std::string DemoDeployment::madeUpPassword() { return "demo-password-" + std::to_string(m_performed.size()); }

ActionOutcome DemoDeployment::carryOut(const CreateUser &action)
{
    const User user = m_data.users.add(action.email, action.role, m_clock.wall());
    return {"Created " + user.email + ".", std::to_string(user.id), madeUpPassword()};
}

ActionOutcome DemoDeployment::carryOut(const ResetPassword &action)
{
    m_data.users.signOut(action.id);
    return {"Reset the password of " + m_data.users.find(action.id)->email + ".", {}, madeUpPassword()};
}

ActionOutcome DemoDeployment::carryOut(const DeleteUser &action)
{
    const std::string email = m_data.users.find(action.id)->email;
    m_data.users.remove(action.id);
    return {"Deleted " + email + ".", {}, {}};
}

std::size_t DemoDeployment::seedUsers(bool privileged)
{
    std::size_t added = 0;
    for (int number = 0; number < 40; ++number) {
        const std::string email = "made.up" + std::to_string(number) + "@example.com";
        if (m_data.users.find(email))
            continue;
        const Role role = !privileged || number > 2 ? Role::User : number == 0 ? Role::Admin : Role::Operator;
        m_seeded.push_back(m_data.users.add(email, role, m_clock.wall()).id);
        ++added;
    }
    tick();
    return added;
}

std::vector<std::string> DemoDeployment::seeded() const
{
    std::vector<std::string> there;
    for (const Id id : m_seeded) {
        if (const auto user = m_data.users.find(id))
            there.push_back(user->email);
    }
    return there;
}

std::size_t DemoDeployment::unseedUsers()
{
    const std::size_t removed = seeded().size();
    for (const Id id : std::exchange(m_seeded, {}))
        m_data.users.remove(id);
    tick();
    return removed;
}

ActionOutcome DemoDeployment::carryOut(const ChangeUser &action)
{
    User user = *m_data.users.find(action.id);
    user.role = action.role.value_or(user.role);
    user.disabled = action.disabled.value_or(user.disabled);
    m_data.users.change(user);
    m_data.users.signOut(action.id);
    if (!action.disabled)
        return {"Changed the role of " + user.email + ".", {}, {}};
    return {(user.disabled ? "Disabled " : "Enabled ") + user.email + ".", {}, {}};
}

ActionOutcome DemoDeployment::carryOut(const SignOutUser &action)
{
    const std::uint64_t sessions = m_data.users.sessions(action.id);
    m_data.users.signOut(action.id);
    return {"Signed " + m_data.users.find(action.id)->email + " out of " + counted(sessions, "session") + ".", {}, {}};
}

} // namespace portolan::demo
