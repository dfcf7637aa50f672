// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/deployment.h"
#include "core/api/local_stack.h"
#include "ui/support/confirmer.h"

#include <QObject>
#include <functional>

namespace portolan::ui {

/// The one place every action passes: it looks at capability, read-only mode and role, has a destructive one confirmed
/// with its preview (in production by typing the deployment's name), has it carried out, and tells how it ended. What
/// would do nothing is not asked about: that is said instead.
/// Whoever carries it out, the deployment or the stack, writes the audit entry. Lives on the GUI thread; never waits.
class ActionGate final : public QObject
{
    Q_OBJECT

public:
    struct Options
    {
        bool readOnly = false;
    };
    using Done = std::function<void(bool worked)>;

    /// `stack` is null where there is no portal of this machine's.
    ActionGate(Deployment &deployment, LocalStack *stack, Confirmer &confirmer, Options options,
               QObject *parent = nullptr);

    bool readOnly() const { return m_options.readOnly; }
    /// Whether it would be let through, and if not, why: for greying out.
    Capability allowed(const Action &action) const;
    Capability allowed(const StackCommand &command) const;

    /// Carries it out if allowed and confirmed. `done` is told how it ended; not at all when nobody confirmed.
    void run(const Action &action, Done done = {});
    void run(const StackCommand &command, Done done = {});

signals:
    /// How an action ended, in a sentence for people: shown by the shell.
    void reported(const QString &sentence, bool worked);
    /// Something may be different now.
    void performed();
    /// A password that was made up (ActionOutcome::secret), to be shown once; `sentence` says whose.
    void secretMade(const QString &sentence, const QString &secret);

private:
    // Action or StackCommand; what it is done to takes both the same way.
    template <class What> void pass(const What &what, Done done);
    bool asksAbout(const ActionTraits &traits, const ActionPreview &preview) const;
    template <class What> void confirm(const What &what, ActionPreview preview, Done done);
    template <class What> void perform(const What &what, std::string reason, Done done);
    Deployment &targetOf(const Action &) const { return m_deployment; }
    LocalStack &targetOf(const StackCommand &) const { return *m_stack; }
    void finish(const QString &sentence, bool worked, const Done &done);
    void fail(const Error &error, const Done &done);

    Deployment &m_deployment;
    LocalStack *m_stack;
    Confirmer &m_confirmer;
    Options m_options;
};

/// "The portal is not running. Start it on the page Local stack."
QString errorText(const Error &error);

} // namespace portolan::ui
