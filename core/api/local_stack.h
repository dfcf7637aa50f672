// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/deployment.h"
#include "core/api/result.h"
#include "core/api/stack_command.h"

#include <QFuture>
#include <QObject>
#include <optional>
#include <string>
#include <vector>

namespace portolan {

/// Makes, starts, stops and seeds one portal on this machine. Lives on the GUI thread; calls never block and always
/// finish. One command at a time: another answers Conflict meanwhile, but a seed gives way to what stops the portal.
class LocalStack : public QObject
{
    Q_OBJECT

public:
    enum class State : std::uint8_t { Stopped, Starting, Running, Stopping };
    Q_ENUM(State)
    using QObject::QObject;
    ~LocalStack() override;

    virtual State state() const = 0;
    virtual std::optional<Error> problem() const = 0; ///< why it did not start, or ended
    virtual const LocalStackSettings &settings() const = 0;
    /// A built-in tier.
    struct TierChoice
    {
        std::string name;
        std::string title;             ///< for whom it is: "Small: 10–15 concurrent users", as its file says
        std::uint64_t redisMemory = 0; ///< bytes of its plan
        std::uint32_t concurrency = 0; ///< tasks at once
    };
    virtual std::vector<TierChoice> tiers() const = 0;
    virtual std::string dataDirectory() const = 0; ///< that is, or would be, used

    /// Whether users are there that seeding has made; nullopt: not known, or not yet.
    virtual std::optional<bool> seeded() const = 0;

    /// The portal as a deployment: the same object whether it runs or not, and across restarts.
    virtual Deployment &deployment() = 0;

    /// For whoever makes the stack, when the program starts: StartStack without an audit entry, since nobody asked.
    virtual QFuture<Result<void>> start(LocalStackSettings settings) = 0;

    /// What a command would touch; touches nothing. A reset's counts what is there: of a portal that does not run, what
    /// its files say.
    virtual QFuture<Result<ActionPreview>> preview(StackCommand command) = 0;

    /// Does it, and writes the audit entry with the permit's reason into the portal's own log: before it goes down,
    /// after it is up, after a reset into the emptied database; also when it failed, where there is a database to write
    /// to. The permit is the gate's, as with Deployment.
    virtual QFuture<Result<ActionOutcome>> perform(StackCommand command, Permit permit) = 0;

signals:
    void stateChanged();
    void logged(const std::vector<portolan::LogLine> &lines); ///< gathered for a moment, oldest first

protected:
    /// Of a command that deletes nothing.
    ActionPreview previewOf(const StackCommand &command);
};

} // namespace portolan
