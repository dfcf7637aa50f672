// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/support/action_gate.h"

#include "core/api/error_words.h"
#include "ui/support/format.h"
#include "ui/support/on_answer.h"

#include <QCoreApplication>

namespace portolan::ui {

namespace {

QString titleOf(const ActionTraits &traits, const ActionPreview &preview)
{
    const QString title = QCoreApplication::translate("actions", traits.title, nullptr, int(preview.count.value_or(0)));
    return traits.subject.empty() ? title : title.arg(text(std::string(traits.subject)));
}

Capability readOnlyReason() { return {false, ActionGate::tr("The console was started read-only.").toStdString()}; }

Capability roleReason(Role needed)
{
    const QString role = needed == Role::Admin ? ActionGate::tr("admin") : ActionGate::tr("operator");
    return {false, ActionGate::tr("This takes the role %1.").arg(role).toStdString()};
}

} // namespace

QString errorText(const Error &error) { return text(wordsOf(error)); }

ActionGate::ActionGate(Deployment &deployment, LocalStack *stack, Confirmer &confirmer, Options options,
                       QObject *parent)
    : QObject(parent), m_deployment(deployment), m_stack(stack), m_confirmer(confirmer), m_options(options)
{}

Capability ActionGate::allowed(const Action &action) const
{
    if (m_options.readOnly)
        return readOnlyReason();
    if (const Role needed = traitsOf(action).role; m_deployment.info().role < needed)
        return roleReason(needed);
    if (m_deployment.link() != LinkState::Live)
        return {false, m_deployment.linkDetail()};
    return m_deployment.capability(action);
}

Capability ActionGate::allowed(const StackCommand &command) const
{
    if (!m_stack)
        return {false, tr("There is no portal on this machine.").toStdString()};
    if (m_options.readOnly)
        return readOnlyReason();
    if (const Role needed = traitsOf(command).role; m_deployment.info().role < needed)
        return roleReason(needed);
    using State = LocalStack::State;
    const State state = m_stack->state();
    if (state == State::Starting && std::holds_alternative<StopStack>(command))
        return {}; // calls the start off
    if (state == State::Starting || state == State::Stopping)
        return {false, tr("The portal is starting or stopping.").toStdString()};
    if (std::holds_alternative<StartStack>(command))
        return state == State::Stopped ? Capability{} : Capability{false, tr("The portal is running.").toStdString()};
    if (const auto *mend = std::get_if<MendStack>(&command)) {
        const auto problem = m_stack->problem();
        return state == State::Stopped && problem && mends(*mend, *problem)
                   ? Capability{}
                   : Capability{false, tr("Nothing of the portal is damaged.").toStdString()};
    }
    const bool own = m_stack->settings().redisUrl.empty() && m_stack->settings().databaseUrl.empty();
    if (std::holds_alternative<ResetStack>(command) && !own)
        return {false, tr("A Redis or a database that was named is not ours to delete.").toStdString()};
    if (std::holds_alternative<ResetStack>(command))
        return {};
    if (state != State::Running)
        return {false, tr("The portal is not running.").toStdString()};
    if (std::holds_alternative<UnseedStack>(command) && m_stack->seeded() == false)
        return {false, tr("No made-up user is there to be taken back.").toStdString()};
    return {};
}

void ActionGate::run(const Action &action, Done done) { pass(action, std::move(done)); }

void ActionGate::run(const StackCommand &command, Done done) { pass(command, std::move(done)); }

template <class What> void ActionGate::pass(const What &what, Done done)
{
    if (const Capability allowance = allowed(what); !allowance.available)
        return finish(text(allowance.reason), false, done);
    const ActionTraits traits = traitsOf(what);
    if (!traits.destructive && !traits.disruptive && !traits.asks)
        return perform(what, {}, std::move(done));
    onAnswer(this, targetOf(what).preview(what), [this, what, done](const Result<ActionPreview> &preview) {
        if (!preview)
            fail(preview.error(), done);
        else if (preview->nothing)
            finish(text(preview->summary), false, done);
        else if (asksAbout(traitsOf(what), *preview))
            confirm(what, *preview, done);
        else
            perform(what, {}, done);
    });
}

bool ActionGate::asksAbout(const ActionTraits &traits, const ActionPreview &preview) const
{
    if (traits.destructive || traits.asks)
        return true;
    return traits.disruptive && (m_deployment.info().production || preview.count.value_or(0) > 0);
}

template <class What> void ActionGate::confirm(const What &what, ActionPreview preview, Done done)
{
    const DeploymentInfo info = m_deployment.info();
    const ActionTraits traits = traitsOf(what);
    const QString title = titleOf(traits, preview);
    Confirmation confirmation{title,
                              QCoreApplication::translate("actions", traits.verb),
                              text(info.name),
                              std::move(preview),
                              info.production ? text(info.name) : QString(),
                              traits.destructive || traits.disruptive};
    m_confirmer.ask(confirmation, [this, what, done = std::move(done)](std::optional<std::string> reason) {
        if (!reason)
            return;
        // It may have become impossible while the question stood there.
        if (const Capability allowance = allowed(what); !allowance.available)
            return finish(text(allowance.reason), false, done);
        perform(what, std::move(*reason), done);
    });
}

template <class What> void ActionGate::perform(const What &what, std::string reason, Done done)
{
    onAnswer(this, targetOf(what).perform(what, std::move(reason)),
             [this, done = std::move(done)](const Result<ActionOutcome> &outcome) {
                 if (outcome && !outcome->secret.empty())
                     emit secretMade(text(outcome->summary), text(outcome->secret));
                 if (outcome)
                     finish(text(outcome->summary), true, done);
                 else
                     fail(outcome.error(), done);
                 emit performed();
             });
}

void ActionGate::finish(const QString &sentence, bool worked, const Done &done)
{
    emit reported(sentence, worked);
    if (done)
        done(worked);
}

void ActionGate::fail(const Error &error, const Done &done) { finish(errorText(error), false, done); }

} // namespace portolan::ui
