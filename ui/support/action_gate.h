// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/gate.h"
#include "ui/support/allowance.h"
#include "ui/support/confirmer.h"
#include "ui/support/shown.h"
#include "ui/words/error_words.h"

#include <QObject>
#include <functional>

namespace portolan::ui {

/// Who is told how an action ended that was carried out, but whose showing is over by then: of a password that was made
/// up, and of what did not work; `deployment` is the name of what it was done to.
struct LateOutcomes
{
    QObject *context = nullptr; ///< while it lives; null: nobody is told
    std::function<void(const QString &deployment, const QString &sentence, const QString &secret)> secretMade = {};
    std::function<void(const QString &deployment, const QString &sentence)> failed = {};
};

/// Takes every action of the console through the gate (core/api/gate.h): fetches the preview, has it confirmed by a
/// person where the gate asks for that (in production by typing the deployment's name), has it carried out, and tells
/// how it ended. What would do nothing is not asked about: that is said instead.
/// Whoever carries it out, the deployment or the stack, writes the audit entry. Lives on the GUI thread; never waits.
/// A gate is of one showing: what comes after that is over, an answer or somebody's consent, does and says nothing. Of
/// what was on its way by then only that is told which nobody could learn otherwise: see LateOutcomes.
class ActionGate final : public QObject
{
    Q_OBJECT

public:
    using Options = Gate::Options;
    using Done = std::function<void(bool worked)>;

    /// All outlive it.
    ActionGate(const Shown &shown, Confirmer &confirmer, Options options, LateOutcomes late = {},
               QObject *parent = nullptr);

    bool readOnly() const { return m_gate.readOnly(); }
    /// Whether it would be let through, and if not, why: for greying out.
    Allowance allowed(const Action &action) const;
    Allowance allowed(const StackCommand &command) const;

    /// Carries it out if allowed and confirmed. `done` is told how it ended; not at all when nobody confirmed, or
    /// another deployment is shown before.
    void run(const Action &action, Done done = {});
    /// The same; but once it is carried out `done` is told also when another deployment is shown by then (while
    /// LateOutcomes::context lives), since this machine's portal may be the same: it must not rely on what asked.
    void run(const StackCommand &command, Done done = {});

signals:
    /// How an action ended, in a sentence for people: shown by the shell.
    void reported(const QString &sentence, bool worked);
    /// Something may be different now.
    void performed();
    /// A password that was made up (ActionOutcome::secret), to be shown once; `sentence` says whose.
    void secretMade(const QString &sentence, const QString &secret);

private:
    using Decision = std::variant<Permit, Capability>;
    Capability standing(const Action &action) const;
    Capability standing(const StackCommand &command) const;
    Decision decide(const Action &action, std::optional<Confirmed> confirmed, const ActionPreview *preview) const;
    Decision decide(const StackCommand &command, std::optional<Confirmed> confirmed,
                    const ActionPreview *preview) const;
    Allowance inWords(const Capability &capability) const;
    // Action or StackCommand; what it is done to takes both the same way.
    template <class What> void pass(const What &what, Done done);
    template <class What> void confirm(const What &what, ActionPreview preview, Done done);
    static bool tellsLate(const Action &) { return false; }
    static bool tellsLate(const StackCommand &) { return true; }
    template <class What> void perform(const What &what, Decision decision, Done done);
    Deployment &targetOf(const Action &) const { return m_shown.deployment(); }
    LocalStack &targetOf(const StackCommand &) const { return *m_shown.stack(); }
    DeploymentInfo infoOf(const Action &) const { return m_shown.deployment().info(); }
    DeploymentInfo infoOf(const StackCommand &) const { return m_shown.stack()->deployment().info(); }
    void finish(const QString &sentence, bool worked, const Done &done);
    void fail(const Error &error, const Done &done);
    void conclude(const Result<ActionOutcome> &outcome, const Done &done);

    const Shown &m_shown;
    Confirmer &m_confirmer;
    const Gate m_gate;
    const LateOutcomes m_late;
};

} // namespace portolan::ui
