// SPDX-License-Identifier: GPL-3.0-or-later
// What the console's actions do to a demo.

#include "core/demo/demo_deployment.h"

#include <algorithm>
#include <utility>

namespace portolan::demo {

namespace {

constexpr std::size_t mostSamples = 20;
constexpr std::size_t idPart = 8; ///< enough of a task's id to find it by

void addSample(ActionPreview &preview, Touched touched)
{
    if (preview.sample.size() < mostSamples)
        preview.sample.push_back(std::move(touched));
}

ActionOutcome outcome(Fact fact, std::string subject = {})
{
    ActionOutcome done;
    done.facts.push_back(std::move(fact));
    done.subject = std::move(subject);
    return done;
}

/// "portal.analysis 3f2a91c0"
std::string nameOf(const TaskInfo &task) { return task.name + " " + task.id.substr(0, idPart); }

bool endsSessions(const ChangeUser &action) { return action.role || action.disabled.value_or(false); }

} // namespace

Result<ActionPreview> DemoDeployment::previewOf(const CloseClients &action) const
{
    if (action.ids.empty() || action.ids.size() > 1000)
        return failure(ErrorKind::Invalid, "Between 1 and 1,000 connections can be closed at once.");
    ActionPreview preview;
    std::uint64_t count = 0;
    std::string name;
    bool sameName = true;
    for (const ClientInfo &client : m_data.clients) {
        if (std::ranges::find(action.ids, client.id) == action.ids.end())
            continue;
        sameName = sameName && (count == 0 || name == client.name);
        name = client.name;
        ++count;
        addSample(preview, {.name = client.name, .id = client.address, .detail = client.command});
    }
    if (count == 0)
        return failure(ErrorKind::NotFound, "None of these connections is there any more.");
    preview.count = count;
    preview.facts.push_back({.kind = FactKind::ConnectionsClosed, .name = sameName ? name : "", .count = count});
    return preview;
}

Result<ActionPreview> DemoDeployment::previewOf(const CleanUpFamily &action) const
{
    if (!m_latest)
        return failure(ErrorKind::Unavailable, "The keys have not been sampled yet.");
    if (whyNotCleanedUp(action.family) != WhyNot::No)
        return failure(ErrorKind::Unsupported, "The family \"" + action.family + "\" cannot be cleaned up.");
    const auto &families = m_latest->families.families;
    const auto family = std::ranges::find(families, action.family, &FamilyFigures::family);
    if (family == families.end())
        return failure(ErrorKind::NotFound, "There is no key family " + action.family + ".");
    ActionPreview preview;
    const double part = action.idle ? 0.4 : 1.0;
    preview.count = std::uint64_t(family->keys->value * part);
    preview.bytes = std::uint64_t(family->bytes->value * part);
    preview.nothing = *preview.count == 0;
    if (preview.nothing) {
        preview.facts.push_back({.kind = FactKind::NoKeys, .name = action.family, .time = action.idle});
        return preview;
    }
    preview.facts.push_back(
        {.kind = FactKind::KeysDeleted, .name = action.family, .count = preview.count, .bytes = preview.bytes});
    if (action.idle)
        preview.facts.push_back({.kind = FactKind::OnlyIdleKeys, .time = action.idle});
    preview.facts.push_back({.kind = FactKind::FamilyLost, .name = action.family});
    for (int i = 0; i < 6; ++i)
        addSample(preview, {.name = action.family.substr(0, 1) + ":9f2c" + std::to_string(4711 + i * 97)});
    return preview;
}

Result<ActionPreview> DemoDeployment::previewOf(const ResizeWorker &action) const
{
    if (action.concurrency > 1024)
        return failure(ErrorKind::Invalid, "A worker runs at most 1,024 tasks at once.");
    const auto worker = std::ranges::find_if(m_data.workers, [&action](const WorkerInfo &one) {
        return action.node.empty() ? one.own : one.node == action.node;
    });
    if (worker == m_data.workers.end())
        return failure(ErrorKind::NotFound, "There is no such worker.");
    ActionPreview preview;
    preview.count = worker->active;
    addSample(preview, {.name = worker->node});
    if (action.concurrency > 0) {
        preview.facts.push_back({.kind = FactKind::WorkerResized,
                                 .name = worker->node,
                                 .count = action.concurrency,
                                 .before = worker->concurrency});
        return preview;
    }
    const bool takesThem = std::ranges::find(worker->queues, "celery") != worker->queues.end(); // all wait in this one
    const std::uint64_t waiting = takesThem ? m_data.tasks.count(TaskPlace::Waiting) : 0;
    preview.count = waiting + worker->active;
    preview.facts.push_back({.kind = FactKind::WorkerStopped,
                             .name = worker->node,
                             .amounts = {{Counted::Waiting, waiting}, {Counted::Running, worker->active}}});
    return preview;
}

Touched DemoDeployment::touchedTask(const TaskInfo &task) const
{
    const auto owner = m_data.users.find(task.owner);
    return {.name = task.name,
            .id = task.id.substr(0, idPart),
            .owner = owner ? owner->email : "user:" + std::to_string(task.owner), // who is gone has only that
            .detail = task.arguments};
}

Result<ActionPreview> DemoDeployment::previewOf(const RevokeTasks &action) const
{
    ActionPreview preview;
    std::uint64_t running = 0, held = 0, ended = 0;
    for (const std::string &id : action.ids) {
        const TaskInfo *task = m_data.tasks.find(id);
        if (!task)
            return failure(ErrorKind::NotFound, "There is no such task any more.");
        (task->place == TaskPlace::Ended ? ended : task->place == TaskPlace::Running ? running : held) += 1;
        addSample(preview, touchedTask(*task));
    }
    preview.count = held + (action.terminate ? running : 0);
    preview.nothing = *preview.count == 0;
    if (running > 0)
        preview.facts.push_back(
            {.kind = action.terminate ? FactKind::RunningTasksEnded : FactKind::RunningTasksGoOn, .count = running});
    if (held > 0)
        preview.facts.push_back({.kind = FactKind::TasksKeptFromStart, .count = held});
    if (ended > 0)
        preview.facts.push_back(
            {.kind = ended == action.ids.size() ? FactKind::AllTasksOver : FactKind::TasksOver, .count = ended});
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
        addSample(preview, touchedTask(*task));
    }
    preview.facts.push_back({.kind = FactKind::TasksEnqueued, .count = preview.count});
    return preview;
}

Result<ActionPreview> DemoDeployment::previewOf(const CreateUser &action) const
{
    if (action.email.find('@') == std::string::npos)
        return failure(ErrorKind::Invalid, "That is no e-mail address.");
    if (m_data.users.find(action.email))
        return failure(ErrorKind::Conflict, "There is an account with the address " + action.email + " already.");
    ActionPreview preview;
    preview.facts.push_back({.kind = FactKind::AccountMade, .name = action.email, .role = action.role});
    preview.count = 1;
    addSample(preview, {.name = action.email});
    return preview;
}

/// The sessions that end; of an account without any, itself.
void DemoDeployment::addSessions(ActionPreview &preview, const User &user) const
{
    const auto sessions = m_data.users.sessionList(user.id, m_clock.wall());
    preview.count = sessions.size();
    for (const SessionEntry &session : sessions)
        addSample(preview, {.name = session.address, .detail = session.agent});
    if (sessions.empty())
        addSample(preview, {.name = user.email});
}

void DemoDeployment::endSessions(ActionPreview &preview, const User &user) const
{
    if (const auto count = m_data.users.sessions(user.id); count > 0)
        preview.facts.push_back({.kind = FactKind::SessionsEnded, .name = user.email, .count = count});
    addSessions(preview, user);
}

Result<ActionPreview> DemoDeployment::previewOf(const ChangeUser &action) const
{
    if (!action.role && !action.disabled)
        return failure(ErrorKind::Invalid, "There is nothing to change.", "Name a role, or whether it is disabled.");
    const auto user = m_data.users.find(action.id);
    if (!user)
        return failure(ErrorKind::NotFound, "There is no such user.");
    ActionPreview preview;
    if (action.role)
        preview.facts.push_back({.kind = FactKind::RoleGiven, .name = user->email, .role = action.role});
    if (action.disabled)
        preview.facts.push_back(
            {.kind = *action.disabled ? FactKind::AccountDisabled : FactKind::AccountEnabled, .name = user->email});
    if (endsSessions(action))
        endSessions(preview, *user);
    else
        addSample(preview, {.name = user->email});
    return preview;
}

Result<ActionPreview> DemoDeployment::previewOf(const ResetPassword &action) const
{
    const auto user = m_data.users.find(action.id);
    if (!user)
        return failure(ErrorKind::NotFound, "There is no such user.");
    ActionPreview preview;
    preview.facts.push_back({.kind = FactKind::PasswordMade, .name = user->email});
    endSessions(preview, *user);
    return preview;
}

Result<ActionPreview> DemoDeployment::previewOf(const DeleteUser &action) const
{
    const auto user = m_data.users.find(action.id);
    if (!user)
        return failure(ErrorKind::NotFound, "There is no such user.");
    ActionPreview preview;
    preview.facts.push_back(
        {.kind = FactKind::AccountDeleted, .name = user->email, .count = m_data.users.sessions(action.id)});
    addSessions(preview, *user);
    return preview;
}

Result<ActionPreview> DemoDeployment::previewOf(const RevokeToken &action) const
{
    const auto token = std::ranges::find(m_data.apiTokens, action.name, &ApiToken::name);
    if (token == m_data.apiTokens.end())
        return failure(ErrorKind::NotFound, "There is no such token.");
    ActionPreview preview;
    preview.facts.push_back({.kind = FactKind::TokenRevoked, .name = token->name, .role = token->role});
    preview.count = 1;
    addSample(preview, {.name = token->name});
    return preview;
}

Result<ActionPreview> DemoDeployment::previewOf(const SignOutUser &action) const
{
    const auto user = m_data.users.find(action.id);
    if (!user)
        return failure(ErrorKind::NotFound, "There is no such user.");
    ActionPreview preview;
    preview.nothing = m_data.users.sessions(action.id) == 0;
    if (preview.nothing)
        preview.facts.push_back({.kind = FactKind::NoSession, .name = user->email});
    endSessions(preview, *user);
    return preview;
}

ActionOutcome DemoDeployment::carryOut(const CloseClients &action)
{
    const auto closed = std::erase_if(m_data.clients, [&](const ClientInfo &client) {
        return std::ranges::find(action.ids, client.id) != action.ids.end();
    });
    m_script.shift(metric::redisConnections, second(), -double(closed));
    return outcome({.kind = FactKind::ConnectionsClosed, .count = closed});
}

ActionOutcome DemoDeployment::carryOut(const CleanUpFamily &action)
{
    const ActionPreview before = *previewOf(action);
    double &left = m_data.cleaned.try_emplace(action.family, 1.0).first->second;
    left *= action.idle ? 0.6 : 0.0;
    if (action.family == "results" && !action.idle)
        m_data.tasks.forgetEnded();
    m_script.shift(metric::redisMemory, second(), -double(*before.bytes));
    return outcome({.kind = FactKind::KeysDeleted, .name = action.family, .count = before.count});
}

ActionOutcome DemoDeployment::carryOut(const ResizeWorker &action)
{
    for (WorkerInfo &worker : m_data.workers) {
        if (action.node.empty() ? worker.own : worker.node == action.node)
            worker.concurrency = action.concurrency;
    }
    const auto what = action.concurrency == 0 ? FactKind::WorkerStopped : FactKind::WorkerResized;
    return outcome({.kind = what, .name = action.node, .count = action.concurrency});
}

ActionOutcome DemoDeployment::carryOut(const RevokeTasks &action)
{
    std::uint64_t revoked = 0, goOn = 0;
    std::string name;
    for (const std::string &id : action.ids) {
        const TaskInfo *task = m_data.tasks.find(id);
        if (!task || task->place == TaskPlace::Ended)
            continue;
        if (task->place == TaskPlace::Running && !action.terminate) {
            ++goOn;
            continue;
        }
        name = nameOf(*task);
        m_data.tasks.revoke(id, m_clock.wall());
        ++revoked;
    }
    const Fact running{.kind = FactKind::RunningTasksGoOn, .count = goOn};
    if (revoked == 0)
        return outcome(goOn > 0 ? running : Fact{.kind = FactKind::AllTasksOver, .count = action.ids.size()});
    auto done = outcome({.kind = FactKind::TasksRevoked, .name = revoked == 1 ? name : "", .count = revoked},
                        action.ids.front());
    if (goOn > 0)
        done.facts.push_back(running);
    return done;
}

ActionOutcome DemoDeployment::carryOut(const RerunTasks &action)
{
    std::string latest, name;
    for (const std::string &id : action.ids) {
        name = nameOf(*m_data.tasks.find(id));
        latest = m_data.tasks.rerun(id, m_clock.wall());
    }
    const std::size_t count = action.ids.size();
    return outcome({.kind = FactKind::TasksEnqueued, .name = count == 1 ? name : "", .count = count}, latest);
}

std::string DemoDeployment::madeUpPassword() { return "demo-password-" + std::to_string(m_performed.size()); }

ActionOutcome DemoDeployment::carryOut(const CreateUser &action)
{
    const User user = m_data.users.add(action.email, action.role, m_clock.wall());
    auto made =
        outcome({.kind = FactKind::AccountMade, .name = user.email, .role = user.role}, std::to_string(user.id));
    made.secret = madeUpPassword();
    return made;
}

ActionOutcome DemoDeployment::carryOut(const ResetPassword &action)
{
    m_data.users.signOut(action.id);
    auto reset = outcome({.kind = FactKind::PasswordMade, .name = m_data.users.find(action.id)->email},
                         std::to_string(action.id));
    reset.secret = madeUpPassword();
    return reset;
}

ActionOutcome DemoDeployment::carryOut(const DeleteUser &action)
{
    const std::string email = m_data.users.find(action.id)->email;
    m_data.users.remove(action.id);
    return outcome({.kind = FactKind::AccountDeleted, .name = email}, std::to_string(action.id));
}

ActionOutcome DemoDeployment::carryOut(const RevokeToken &action)
{
    const auto token = std::ranges::find(m_data.apiTokens, action.name, &ApiToken::name);
    auto done = outcome({.kind = FactKind::TokenRevoked, .name = token->name, .role = token->role}, token->name);
    m_data.apiTokens.erase(token);
    return done;
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
    if (endsSessions(action))
        m_data.users.signOut(action.id);
    ActionOutcome changed;
    changed.subject = std::to_string(user.id);
    if (action.role)
        changed.facts.push_back({.kind = FactKind::RoleGiven, .name = user.email, .role = user.role});
    if (action.disabled)
        changed.facts.push_back(
            {.kind = user.disabled ? FactKind::AccountDisabled : FactKind::AccountEnabled, .name = user.email});
    return changed;
}

ActionOutcome DemoDeployment::carryOut(const SignOutUser &action)
{
    m_data.users.signOut(action.id);
    return outcome({.kind = FactKind::SignedOut, .name = m_data.users.find(action.id)->email},
                   std::to_string(action.id));
}

} // namespace portolan::demo
