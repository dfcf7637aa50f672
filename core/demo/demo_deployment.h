// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/audit.h"
#include "core/api/clock.h"
#include "core/api/deployment.h"
#include "core/demo/demo_data.h"
#include "core/demo/script.h"

#include <QTimer>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace portolan::demo {

struct DemoOptions
{
    std::string situation = "all-green"; ///< one of situations(); another is taken for all-green
    std::uint64_t seed = 1;
    Role role = Role::Admin;
    bool production = false;
    std::uint64_t users = 1240;
};

/// A portal that plays a script. Everything in it follows from its options and the clock: no threads, no waiting, and
/// answers are there at once. Actions really change it, and are recorded.
class DemoDeployment final : public Deployment
{
    Q_OBJECT

public:
    DemoDeployment(DemoOptions options, const Clock &clock, QObject *parent = nullptr);
    ~DemoDeployment() override;

    void play();         ///< a tick every second from here on
    void pause();        ///< no more ticks but those of tick()
    void tick();         ///< takes a sample now, as the clock says
    void setOn(bool on); ///< Off: as a portal that is not running

    /// The audit log: what was done, oldest first; refused and failed actions are not in it.
    const std::vector<AuditEntry> &audited() const { return m_audit; }
    /// Made-up accounts more or, with nobody else's touched, all of them gone; how many.
    std::size_t seedUsers(bool privileged);
    std::size_t unseedUsers();
    std::vector<std::string> seeded() const; ///< their addresses, as far as they are there
    /// One more entry; for what is done to the portal as a whole too.
    void note(std::string_view action, std::string reason, std::string detail, const std::optional<Error> &error = {});
    void forgetAudit() { m_audit.clear(); }
    /// For tests: what perform() was asked, oldest first, whatever came of it.
    const std::vector<Action> &performed() const { return m_performed; }
    void failNext(Error error) { m_failNext = std::move(error); } ///< the next perform() answers this
    void refuse(std::string action, Capability why) { m_refused[std::move(action)] = std::move(why); }

    DeploymentInfo info() const override;
    LinkState link() const override;
    LinkReason linkReason() const override;
    std::shared_ptr<const Snapshot> latest() const override { return m_latest; }
    Capability capability(const Action &action) const override;
    QFuture<Result<ActionPreview>> preview(Action action) override;
    QFuture<Result<ActionOutcome>> perform(Action action, Permit permit) override;

protected:
    void answer(AnyAsked asked) override;

private:
    void tellWhatWasBefore();
    double second() const; ///< since the start of the demo
    bool redisAway() const;
    Result<void> reachable(bool needsRedis) const;

    Result<std::vector<Series>> answerTo(const HistoryQuestion &question) const;
    Result<std::vector<Event>> answerTo(const EventsQuestion &question) const;
    Result<ClientPage> answerTo(const ClientsQuestion &question) const;
    Result<TaskList> answerTo(const TasksQuestion &question) const;
    Result<std::vector<WorkerInfo>> answerTo(const WorkersQuestion &question) const;
    Result<std::vector<InstanceFigures>> answerTo(const InstancesQuestion &question) const;
    Result<UserPage> answerTo(const UsersQuestion &question) const;
    Result<std::vector<LimitUse>> answerTo(const LimitUseQuestion &question) const;
    Result<std::vector<SessionEntry>> answerTo(const SessionsQuestion &question) const;
    Result<std::vector<ApiToken>> answerTo(const TokensQuestion &question) const;
    Result<AuditPage> answerTo(const AuditQuestion &question) const;
    Result<LogPage> answerTo(const LogQuestion &question) const;
    Result<DeploymentAnswer> answerTo(const DeploymentQuestion &question) const;

    Result<ActionPreview> previewOf(const CloseClients &action) const;
    Result<ActionPreview> previewOf(const CleanUpFamily &action) const;
    Result<ActionPreview> previewOf(const ResizeWorker &action) const;
    Result<ActionPreview> previewOf(const RevokeTasks &action) const;
    Result<ActionPreview> previewOf(const RerunTasks &action) const;
    Result<ActionPreview> previewOf(const CreateUser &action) const;
    Result<ActionPreview> previewOf(const ChangeUser &action) const;
    Result<ActionPreview> previewOf(const ResetPassword &action) const;
    Result<ActionPreview> previewOf(const SignOutUser &action) const;
    Result<ActionPreview> previewOf(const DeleteUser &action) const;
    Result<ActionPreview> previewOf(const RevokeToken &action) const;
    Touched touchedTask(const TaskInfo &task) const;
    void addSessions(ActionPreview &preview, const User &user) const;
    void endSessions(ActionPreview &preview, const User &user) const;
    ActionOutcome carryOut(const CloseClients &action);
    ActionOutcome carryOut(const CleanUpFamily &action);
    ActionOutcome carryOut(const ResizeWorker &action);
    ActionOutcome carryOut(const RevokeTasks &action);
    ActionOutcome carryOut(const RerunTasks &action);
    ActionOutcome carryOut(const CreateUser &action);
    ActionOutcome carryOut(const ChangeUser &action);
    ActionOutcome carryOut(const ResetPassword &action);
    ActionOutcome carryOut(const SignOutUser &action);
    ActionOutcome carryOut(const DeleteUser &action);
    ActionOutcome carryOut(const RevokeToken &action);
    std::string madeUpPassword();

    const DemoOptions m_options;
    const Clock &m_clock;
    const WallTime m_start;
    Script m_script;
    DemoData m_data;
    bool m_on = true;
    std::uint64_t m_sequence = 0;
    double m_lastSecond = 0;
    std::shared_ptr<const Snapshot> m_latest;
    std::vector<AuditEntry> m_audit;
    std::vector<Action> m_performed;
    std::vector<Event> m_events;
    std::optional<Error> m_failNext;
    std::map<std::string, Capability> m_refused;
    std::vector<Id> m_seeded;
    QTimer m_timer;
};

} // namespace portolan::demo
