#include "ui/support/action_gate.h"

#include "ui/support/format.h"
#include "ui/support/on_answer.h"

namespace portolan::ui {

namespace {

template <class... Ts> struct Overloaded : Ts...
{
    using Ts::operator()...;
};
template <class... Ts> Overloaded(Ts...) -> Overloaded<Ts...>;

struct Question
{
    QString title;
    QString verb;
};

Question questionOf(const Action &action)
{
    return std::visit(
        Overloaded{
            [](const CloseClients &a) {
                return Question{ActionGate::tr("Close %n connection(s)?", nullptr, int(a.ids.size())),
                                ActionGate::tr("Close")};
            },
            [](const CleanUpFamily &a) {
                return Question{ActionGate::tr("Clean up %1?").arg(text(a.family)), ActionGate::tr("Delete keys")};
            },
            [](const ResizeWorker &) {
                return Question{ActionGate::tr("Resize the worker?"), ActionGate::tr("Resize")};
            },
            [](const RevokeTask &) {
                return Question{ActionGate::tr("Revoke the task?"), ActionGate::tr("Revoke")};
            },
            [](const RerunTask &) {
                return Question{ActionGate::tr("Run the task again?"), ActionGate::tr("Run")};
            },
            [](const ChangeUser &a) {
                if (a.disabled)
                    return *a.disabled ? Question{ActionGate::tr("Disable the account?"), ActionGate::tr("Disable")}
                                       : Question{ActionGate::tr("Enable the account?"), ActionGate::tr("Enable")};
                return Question{ActionGate::tr("Change the role?"), ActionGate::tr("Change")};
            },
            [](const SignOutUser &) {
                return Question{ActionGate::tr("Sign the user out?"), ActionGate::tr("Sign out")};
            },
        },
        action);
}

Capability readOnlyReason() { return {false, ActionGate::tr("The console was started read-only.").toStdString()}; }

QString roleWord(Role role) { return role == Role::Admin ? ActionGate::tr("admin") : ActionGate::tr("operator"); }

} // namespace

QString errorText(const Error &error) { return text(inWords(error)); }

ActionGate::ActionGate(Deployment &deployment, LocalStack *stack, Confirmer &confirmer, Options options,
                       QObject *parent)
    : QObject(parent), m_deployment(deployment), m_stack(stack), m_confirmer(confirmer), m_options(options)
{}

Capability ActionGate::allowed(const Action &action) const
{
    if (m_options.readOnly)
        return readOnlyReason();
    const Role needed = traitsOf(action).role;
    if (m_deployment.info().role < needed)
        return {false, tr("This takes the role %1.").arg(roleWord(needed)).toStdString()};
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
    using State = LocalStack::State;
    const State state = m_stack->state();
    if (state == State::Starting || state == State::Stopping)
        return {false, tr("The portal is starting or stopping.").toStdString()};
    if (std::holds_alternative<StartStack>(command))
        return state == State::Stopped ? Capability{} : Capability{false, tr("The portal is running.").toStdString()};
    const bool own = m_stack->settings().redisUrl.empty() && m_stack->settings().databaseUrl.empty();
    if (std::holds_alternative<ResetStack>(command) && !own)
        return {false, tr("A Redis or a database that was named is not ours to delete.").toStdString()};
    if (std::holds_alternative<ResetStack>(command))
        return {};
    return state == State::Running ? Capability{} : Capability{false, tr("The portal is not running.").toStdString()};
}

void ActionGate::run(const Action &action, Done done)
{
    if (const Capability allowance = allowed(action); !allowance.available)
        return finish(text(allowance.reason), false, done);
    if (!traitsOf(action).destructive)
        return perform(action, {}, done);
    onAnswer(this, m_deployment.preview(action), [this, action, done](const Result<ActionPreview> &preview) {
        if (preview)
            confirm(action, *preview, done);
        else
            fail(preview.error(), done);
    });
}

void ActionGate::confirm(const Action &action, ActionPreview preview, Done done)
{
    const DeploymentInfo info = m_deployment.info();
    const Question question = questionOf(action);
    Confirmation confirmation{question.title, question.verb, text(info.name), std::move(preview),
                              info.production ? text(info.name) : QString()};
    m_confirmer.ask(confirmation, [this, action, done = std::move(done)](std::optional<std::string> reason) {
        if (!reason)
            return;
        // It may have become impossible while the question stood there.
        if (const Capability allowance = allowed(action); !allowance.available)
            return finish(text(allowance.reason), false, done);
        perform(action, std::move(*reason), done);
    });
}

void ActionGate::perform(const Action &action, std::string reason, const Done &done)
{
    follow<ActionOutcome>(
        m_deployment.perform(action, std::move(reason)),
        [](const Result<ActionOutcome> &outcome) { return text(outcome->summary); }, done);
}

void ActionGate::run(const StackCommand &command, Done done)
{
    if (const Capability allowance = allowed(command); !allowance.available)
        return finish(text(allowance.reason), false, done);
    const DeploymentInfo info = m_deployment.info();
    const bool reset = std::holds_alternative<ResetStack>(command);
    // In production everybody notices; elsewhere only a reset loses something.
    if (!reset && (!info.production || std::holds_alternative<StartStack>(command)))
        return perform(command, done);
    Confirmation confirmation;
    confirmation.deployment = text(info.name);
    confirmation.typed = info.production ? text(info.name) : QString();
    if (reset) {
        confirmation.title = tr("Reset the local portal?");
        confirmation.verb = tr("Delete and start again");
        confirmation.preview.summary =
            tr("Deletes every user, session, task, result and audit entry of this portal and "
               "starts it empty.")
                .toStdString();
        confirmation.preview.sample = {m_stack->dataDirectory()};
    } else if (std::holds_alternative<SeedStack>(command)) {
        confirmation.title = tr("Seed a portal in production?");
        confirmation.verb = tr("Add users");
        confirmation.preview.summary = tr("Adds some 40 users, one of them an admin, and analyses.").toStdString();
    } else {
        confirmation.title = tr("Stop a portal in production?");
        confirmation.verb = tr("Stop it");
        confirmation.preview.summary = tr("Nobody can use it until it runs again.").toStdString();
    }
    m_confirmer.ask(confirmation, [this, command, done = std::move(done)](const std::optional<std::string> &reason) {
        if (!reason)
            return;
        if (const Capability allowance = allowed(command); !allowance.available)
            return finish(text(allowance.reason), false, done);
        perform(command, done);
    });
}

void ActionGate::perform(const StackCommand &command, const Done &done)
{
    const auto sentence = [](const QString &said) { return [said](const Result<void> &) { return said; }; };
    std::visit(
        Overloaded{
            [&](const StartStack &start) {
                follow<void>(m_stack->start(start.settings), sentence(tr("The portal is running.")), done);
            },
            [&](const StopStack &) { follow<void>(m_stack->stop(), sentence(tr("The portal is stopped.")), done); },
            [&](const RestartStack &restart) {
                const auto again = [this, settings = restart.settings, done](bool stopped) {
                    if (stopped)
                        perform(StartStack{settings}, done);
                    else if (done)
                        done(false);
                };
                follow<void>(m_stack->stop(), sentence(tr("Restarting the portal …")), again);
            },
            [&](const ResetStack &) {
                follow<void>(m_stack->reset(), sentence(tr("The portal is empty again.")), done);
            },
            [&](const SeedStack &) {
                follow<std::string>(
                    m_stack->seed(), [](const Result<std::string> &said) { return text(*said); }, done);
            },
        },
        command);
}

template <class T>
void ActionGate::follow(QFuture<Result<T>> future, std::function<QString(const Result<T> &)> sentence, Done done)
{
    onAnswer(this, future, [this, sentence = std::move(sentence), done = std::move(done)](const Result<T> &result) {
        if (result)
            finish(sentence(result), true, done);
        else
            fail(result.error(), done);
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
