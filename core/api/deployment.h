// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/action.h"
#include "core/api/audit.h"
#include "core/api/history.h"
#include "core/api/result.h"
#include "core/api/snapshot.h"
#include "core/api/task.h"
#include "core/api/user.h"

#include <QFuture>
#include <QObject>
#include <memory>
#include <string>
#include <vector>

namespace portolan::ui {
class ActionGate;
}

namespace portolan {

/// How a deployment stands as seen from here.
enum class LinkState : std::uint8_t {
    Off,        ///< not started, or detached
    Connecting, ///< starting, or looking for it
    Live,       ///< samples come
    Lost,       ///< they came, and do not now
};
BOOST_DESCRIBE_ENUM(LinkState, Off, Connecting, Live, Lost)

/// What a deployment is, as far as it is known.
struct DeploymentInfo
{
    std::string name; ///< "Local portal"
    std::string url;  ///< of its pages; empty: not known, or not running
    std::string tier;
    std::string version;
    Role role = Role::Anonymous; ///< of whoever uses this console
    bool production = false;     ///< its name is to be typed before anything destructive
    bool operator==(const DeploymentInfo &) const = default;
};

/// Whether something can be done here, and if not, why: shown where it is greyed out.
struct Capability
{
    bool available = true;
    std::string reason;
    bool operator==(const Capability &) const = default;
};

/// One portal, in this process or elsewhere. Lives on the GUI thread: calls and signals belong there. Calls never
/// block, always finish, and take and return values; one that is given up answers Cancelled. Errors are those of
/// result.h; Unavailable while the portal is not running or cannot be reached, Unsupported for what it cannot do.
class Deployment : public QObject
{
    Q_OBJECT

public:
    using QObject::QObject;
    ~Deployment() override;

    virtual DeploymentInfo info() const = 0;
    virtual LinkState link() const = 0;
    virtual std::string linkDetail() const = 0; ///< why it is not Live, for people; empty while it is
    /// The last one that came; null before the first.
    virtual std::shared_ptr<const Snapshot> latest() const = 0;

    /// Whether actions of this kind can be done here at all. Independent of roles and read-only mode.
    virtual Capability capability(const Action &action) const = 0;

    virtual QFuture<Result<std::vector<Series>>> history(HistoryQuery query) = 0;
    virtual QFuture<Result<std::vector<Event>>> events(WallTime from, WallTime to) = 0; ///< oldest first, at most 500
    virtual QFuture<Result<std::vector<ClientInfo>>> clients() = 0; ///< every connection to Redis, oldest first
    virtual QFuture<Result<TaskList>> tasks(TaskQuery query) = 0;
    virtual QFuture<Result<std::vector<WorkerInfo>>> workers() = 0;
    virtual QFuture<Result<UserPage>> users(UserQuery query) = 0;
    virtual QFuture<Result<std::vector<LimitUse>>> limitUse(Id user) = 0;
    virtual QFuture<Result<std::vector<SessionEntry>>> sessions(Id user) = 0; ///< last seen first; NotFound
    virtual QFuture<Result<AuditPage>> audit(AuditQuery query) = 0;           ///< who did what, newest first
    virtual QFuture<Result<ActionPreview>> preview(Action action) = 0;        ///< touches nothing

signals:
    void sampled(std::shared_ptr<const portolan::Snapshot> snapshot); ///< about once a second
    void changed();                                                   ///< info() or link()

private:
    /// Does it, and writes the audit entry with the reason. Only the gate may ask: it has looked at read-only mode,
    /// role and confirmation.
    friend class ui::ActionGate;
    virtual QFuture<Result<ActionOutcome>> perform(Action action, std::string reason) = 0;
};

} // namespace portolan
