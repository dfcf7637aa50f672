// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/support/action_gate.h"

#include "ui/support/format.h"
#include "ui/support/on_answer.h"
#include "ui/words/action_words.h"
#include "ui/words/fact_words.h"

#include <QPointer>
#include <utility>

namespace portolan::ui {

namespace {

void tellLate(const LateOutcomes &late, const QString &deployment, const Result<ActionOutcome> &outcome)
{
    if (!outcome)
        late.failed(deployment, errorText(outcome.error()));
    else if (!outcome->secret.empty())
        late.secretMade(deployment, outcomeText(*outcome), text(outcome->secret));
}

} // namespace

ActionGate::ActionGate(const Shown &shown, Confirmer &confirmer, Options options, LateOutcomes late, QObject *parent)
    : QObject(parent), m_shown(shown), m_confirmer(confirmer), m_gate(options), m_late(std::move(late))
{}

Capability ActionGate::standing(const Action &action) const { return m_gate.allowed(m_shown.deployment(), action); }

Capability ActionGate::standing(const StackCommand &command) const { return m_gate.allowed(m_shown.stack(), command); }

ActionGate::Decision ActionGate::decide(const Action &action, std::optional<Confirmed> confirmed,
                                        const ActionPreview *preview) const
{
    return m_gate.permit(m_shown.deployment(), action, std::move(confirmed), preview);
}

ActionGate::Decision ActionGate::decide(const StackCommand &command, std::optional<Confirmed> confirmed,
                                        const ActionPreview *preview) const
{
    return m_gate.permit(m_shown.stack(), command, std::move(confirmed), preview);
}

Allowance ActionGate::inWords(const Capability &capability) const
{
    if (capability.why == WhyNot::NoAnswer) // which the link knows more of
        return {false, linkText(m_shown.deployment().linkReason())};
    return allowanceOf(capability);
}

Allowance ActionGate::allowed(const Action &action) const { return inWords(standing(action)); }

Allowance ActionGate::allowed(const StackCommand &command) const { return inWords(standing(command)); }

void ActionGate::run(const Action &action, Done done) { pass(action, std::move(done)); }

void ActionGate::run(const StackCommand &command, Done done) { pass(command, std::move(done)); }

template <class What> void ActionGate::pass(const What &what, Done done)
{
    if (const Allowance allowance = allowed(what); !allowance.available)
        return finish(allowance.reason, false, done);
    if (!Gate::needsPreview(traitsOf(what)))
        return perform(what, decide(what, {}, nullptr), std::move(done));
    onAnswer(this, targetOf(what).preview(what), [this, what, done](const Result<ActionPreview> &preview) {
        if (m_shown.isOver())
            return;
        if (!preview)
            fail(preview.error(), done);
        else if (preview->nothing)
            finish(previewText(*preview), false, done);
        else if (Gate::asks(infoOf(what), traitsOf(what), *preview))
            confirm(what, *preview, done);
        else
            perform(what, decide(what, {}, &*preview), done);
    });
}

template <class What> void ActionGate::confirm(const What &what, ActionPreview preview, Done done)
{
    const DeploymentInfo info = infoOf(what);
    const ActionTraits traits = traitsOf(what);
    const QString title = titleOf(what, preview);
    Confirmation confirmation{title,
                              verbOf(what),
                              text(info.name),
                              std::move(preview),
                              info.production ? text(info.name) : QString(),
                              traits.destructive || traits.disruptive};
    m_confirmer.ask(confirmation, [self = QPointer<ActionGate>(this), what,
                                   done = std::move(done)](std::optional<std::string> reason) {
        // It may have become impossible while the question stood there.
        if (reason && self && !self->m_shown.isOver())
            self->perform(what, self->decide(what, Confirmed{std::move(*reason)}, nullptr), done);
    });
}

template <class What> void ActionGate::perform(const What &what, Decision decision, Done done)
{
    if (const auto *refused = std::get_if<Capability>(&decision))
        return finish(inWords(*refused).reason, false, done);
    QObject *context = m_late.context ? m_late.context : this;
    const QString deployment = text(infoOf(what).name);
    onAnswer(context, targetOf(what).perform(what, std::get<Permit>(std::move(decision))),
             [self = QPointer<ActionGate>(this), deployment, late = m_late, tellsLate = tellsLate(what),
              done = std::move(done)](const Result<ActionOutcome> &outcome) {
                 if (self && !self->m_shown.isOver())
                     return self->conclude(outcome, done);
                 if (late.context)
                     tellLate(late, deployment, outcome);
                 if (tellsLate && done)
                     done(outcome.has_value());
             });
}

void ActionGate::conclude(const Result<ActionOutcome> &outcome, const Done &done)
{
    if (outcome && !outcome->secret.empty())
        emit secretMade(outcomeText(*outcome), text(outcome->secret));
    if (outcome)
        finish(outcomeText(*outcome), true, done);
    else
        fail(outcome.error(), done);
    emit performed();
}

void ActionGate::finish(const QString &sentence, bool worked, const Done &done)
{
    emit reported(sentence, worked);
    if (done)
        done(worked);
}

void ActionGate::fail(const Error &error, const Done &done) { finish(errorText(error), false, done); }

} // namespace portolan::ui
