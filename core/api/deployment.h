// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/action.h"
#include "core/api/permit.h"
#include "core/api/promise.h"
#include "core/api/questions.h"
#include "core/api/result.h"
#include "core/api/snapshot.h"

#include <boost/mp11/algorithm.hpp>

#include <QFuture>
#include <QObject>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace portolan {

/// How a deployment stands as seen from here.
enum class LinkState : std::uint8_t {
    Off,        ///< not started, or detached
    Connecting, ///< starting, or looking for it
    Live,       ///< samples come
    Lost,       ///< they came, and do not now
};
BOOST_DESCRIBE_ENUM(LinkState, Off, Connecting, Live, Lost)

/// Why it does not stand as Live.
enum class LinkReason : std::uint8_t {
    No,          ///< it does
    NotRunning,  ///< the portal is not
    Starting,    ///< the portal is
    FirstSample, ///< none has come yet
    Silent,      ///< none has come for a while
    Refused,     ///< none has come: the connection is refused
    Stopping,    ///< the portal is
    Gone,        ///< whoever attached to it ends
    // of one that is elsewhere; trouble() has more
    NameUnknown,   ///< its name leads to no address
    Unreachable,   ///< no connection to it comes about, or it ended
    NotTrusted,    ///< its certificate is not, or it speaks no TLS
    NotSignedIn,   ///< it does not take our token, or no longer
    RoleTooLow,    ///< whoever signed in may not look
    OtherProtocol, ///< what answers is no portal, or of a version too far from ours
};
BOOST_DESCRIBE_ENUM(LinkReason, No, NotRunning, Starting, FirstSample, Silent, Refused, Stopping, Gone, NameUnknown,
                    Unreachable, NotTrusted, NotSignedIn, RoleTooLow, OtherProtocol)

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

/// A question on its way, and where its answer goes. Dropped unanswered, it answers Cancelled.
template <class Q> struct Asked
{
    using Question = Q;
    using Answer = typename Q::Answer;
    Q question;
    std::shared_ptr<Promised<Answer>> reply;
};
using AnyAsked = boost::mp11::mp_rename<boost::mp11::mp_transform<Asked, Questions>, std::variant>;

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
    virtual LinkReason linkReason() const = 0; ///< why it is not Live
    /// What exactly stands in the way of it, and the mend, where that is known.
    virtual std::optional<Error> trouble() const { return std::nullopt; }
    /// Its clock minus ours; none where they agree within 2 s, or not known. Whose times are compared with those of a
    /// deployment adds it to ours.
    virtual std::chrono::milliseconds skew() const { return {}; }
    /// The last one that came; null before the first.
    virtual std::shared_ptr<const Snapshot> latest() const = 0;

    /// Whether actions of this kind can be done here at all. Independent of roles and read-only mode.
    virtual Capability capability(const Action &action) const = 0;

    /// The answer to one of Questions (questions.h): `ask(UsersQuestion{query})`.
    template <class Q> QFuture<Result<typename Q::Answer>> ask(Q question)
    {
        static_assert(boost::mp11::mp_contains<Questions, Q>::value, "not listed in Questions");
        auto reply = std::make_shared<Promised<typename Q::Answer>>();
        auto future = reply->future();
        answer(Asked<Q>{std::move(question), std::move(reply)});
        return future;
    }

    virtual QFuture<Result<ActionPreview>> preview(Action action) = 0; ///< touches nothing

    /// Does it, and writes the audit entry with the permit's reason. The permit is the gate's (gate.h): it has looked
    /// at read-only mode, role and confirmation.
    virtual QFuture<Result<ActionOutcome>> perform(Action action, Permit permit) = 0;

protected:
    /// Finishes the reply, now or later: one std::visit over what every question is answered with.
    virtual void answer(AnyAsked asked) = 0;

signals:
    void sampled(std::shared_ptr<const portolan::Snapshot> snapshot); ///< about once a second
    void changed();                                                   ///< info() or link()
};

} // namespace portolan
