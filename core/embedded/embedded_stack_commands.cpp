// SPDX-License-Identifier: GPL-3.0-or-later
// What the gate asks of the portal of this process.

#include "core/api/audit_record.h"
#include "core/api/post_to.h"
#include "core/api/sentences.h"
#include "core/base/log_error.h"
#include "core/base/logging.h"
#include "core/embedded/embedded_stack_parts.h"
#include "core/monitor/history.h"
#include "core/server/mending.h"
#include "core/showcase/seed.h"

namespace portolan::embedded {
namespace {

/// A call, and what answers it: with these facts when it worked.
struct Call
{
    explicit Call(std::vector<Fact> facts)
        : future(answer->future()), done([answer = answer, facts = std::move(facts)](const Result<void> &result) {
              ActionOutcome outcome;
              outcome.facts = facts;
              answer->finish(result ? Result<ActionOutcome>(std::move(outcome)) : result.error());
          })
    {}

    std::shared_ptr<Promised<ActionOutcome>> answer = std::make_shared<Promised<ActionOutcome>>();
    QFuture<Result<ActionOutcome>> future;
    std::function<void(const Result<void> &)> done;
};

/// The end of a command that changed what a running portal holds: its entry, its event, and the answer.
awaitable<Result<ActionOutcome>> finish(console::PortalServices services, StackEntry entry,
                                        Result<std::vector<Fact>> done)
{
    if (done)
        entry.facts = *done;
    else
        entry.error = done.error();
    Event event = eventOf(entry, services.clock.wall()); // its facts say all of it, without a detail
    entry.detail = done ? recordOf(*done) : done.error().message;
    co_await record(services, std::move(entry));
    if (!done)
        co_return done.error();
    services.history.note(std::move(event));
    ActionOutcome outcome;
    outcome.facts = std::move(*done);
    co_return outcome;
}

} // namespace

QFuture<Result<ActionOutcome>> EmbeddedStack::perform(StackCommand command, Permit permit)
{
    StackEntry entry;
    entry.action = traitsOf(command).name;
    entry.reason = std::move(permit).reason();
    return std::visit([&](auto &one) { return carryOut(std::move(one), std::move(entry)); }, command);
}

EmbeddedStack::Outcome EmbeddedStack::carryOut(StartStack command, StackEntry entry)
{
    entry.facts = {{.kind = FactKind::PortalStarted}};
    const Call call(entry.facts);
    begin(std::move(command.settings), {std::move(entry), true}, call.done);
    return call.future;
}

EmbeddedStack::Outcome EmbeddedStack::carryOut(StopStack, StackEntry entry)
{
    entry.facts = {{.kind = FactKind::PortalStopped}};
    const Call call(entry.facts);
    if (mayBeCalledOff() && !m_calledOff) {
        m_cancelCheck->store(true);
        m_calledOff = [this, entry = std::move(entry), done = call.done] { stop(entry, done); };
    } else if (m_busy) {
        call.done(busyNow());
    } else {
        stop(std::move(entry), call.done);
    }
    return call.future;
}

void EmbeddedStack::stop(StackEntry entry, Done done)
{
    if (m_state == State::Stopped)
        return done({});
    stopPortal([this, entry = std::move(entry)] { noteHere(entry); }, [] { return Result<void>(); },
               [this, done = std::move(done)](const Result<void> &result) {
                   m_busy = false;
                   setState(State::Stopped);
                   done(result);
               });
}

EmbeddedStack::Outcome EmbeddedStack::carryOut(RestartStack command, StackEntry entry)
{
    entry.facts = {{.kind = FactKind::PortalRestarted}};
    const Call call(entry.facts);
    if (m_busy || m_state == State::Stopped)
        call.done(m_busy ? busyNow() : notRunning());
    else
        checkThenRestart(std::move(command.settings), std::move(entry), call.done);
    return call.future;
}

/// People are served on until it is known that the portal would come up again.
void EmbeddedStack::checkThenRestart(LocalStackSettings settings, StackEntry entry, Done done)
{
    m_busy = m_checking = true;
    m_cancelCheck->store(false);
    post([this, present = m_settings, settings = std::move(settings), entry = std::move(entry),
          done = std::move(done)]() mutable {
        const auto fit = check(present, settings);
        if (!fit) {
            entry.error = fit.error();
            entry.detail = fit.error().message;
            logError(*m_portal->logger, LogLevel::Warning, "the restart was refused, and the portal goes on as it was",
                     fit.error());
            noteHere(entry);
        }
        postTo(this,
               [this, fit, settings = std::move(settings), entry = std::move(entry), done = std::move(done)]() mutable {
                   m_busy = m_checking = false;
                   if (fit && !m_calledOff)
                       return restart(std::move(settings), std::move(entry), std::move(done));
                   done(fit ? Result<void>(failure(ErrorKind::Cancelled, "The restart was called off.")) : fit);
                   stopAsAsked();
               });
    });
}

void EmbeddedStack::restart(LocalStackSettings settings, StackEntry entry, Done done)
{
    // Its entry belongs to the portal that goes down: the one that comes up may have another database.
    const Trace trace{entry, false, {m_settings, settings}};
    entry.detail = "tier: " + settings.tier + ", listen: " + settings.listen;
    entry.facts.clear(); // it is written before it is known whether the portal comes up again
    stopPortal([this, entry = std::move(entry)] { noteHere(entry); }, [] { return Result<void>(); },
               [this, trace, before = m_settings, settings = std::move(settings),
                done = std::move(done)](const Result<void> &) {
                   m_settings = settings;
                   startPortal(trace, [this, before, done](const Result<void> &started) {
                       if (started || m_calledOff || started.error().kind == ErrorKind::Cancelled)
                           done(started);
                       else
                           goBack(before, started.error(), done);
                   });
               });
}

void EmbeddedStack::goBack(LocalStackSettings before, Error why, Done done)
{
    m_settings = std::move(before);
    m_busy = true;
    startPortal({}, [why = std::move(why), done = std::move(done)](const Result<void> &again) {
        Error error = why;
        error.message = inSentences(error.message, again ? "The portal runs again as it did before."
                                                         : "It could not go back either: " + again.error().message);
        done(error);
    });
}

EmbeddedStack::Outcome EmbeddedStack::carryOut(ResetStack, StackEntry told)
{
    told.facts = {{.kind = m_options.demonstration ? FactKind::StartedWithMadeUp : FactKind::StartedEmpty}};
    const Call call(told.facts);
    if (auto refused = m_busy ? busyNow() : notResettable()) {
        call.done(*std::move(refused));
        return call.future;
    }
    const std::filesystem::path folder = dataDirectory();
    const auto entry = std::make_shared<StackEntry>(std::move(told)); // of the thread until `done`
    stopPortal([this, entry, folder] { entry->detail = describeDeleted(contents(folder)); },
               [this, entry, folder, settings = m_settings] {
                   if (ending()) // nobody would see how it went
                       return Result<void>(failure(ErrorKind::Cancelled, "The program ends; nothing was deleted."));
                   auto wiped = wipe(folder);
                   if (!wiped) {
                       entry->error = wiped.error();
                       entry->detail = wiped.error().message;
                       note({settings}, *entry);
                   }
                   return wiped;
               },
               [this, entry, done = call.done](const Result<void> &wiped) {
                   if (wiped) {
                       startPortal({*entry, true, {m_settings}}, done);
                       return;
                   }
                   m_busy = false;
                   setState(State::Stopped, wiped.error());
                   done(wiped);
               });
    return call.future;
}

EmbeddedStack::Outcome EmbeddedStack::carryOut(MendStack command, StackEntry told)
{
    told.facts = {{.kind = FactKind::PortalStarted}, {.kind = FactKind::CopyKept}};
    const Call call(told.facts);
    if (m_busy || m_state != State::Stopped || !m_problem || !mends(command, *m_problem)) {
        call.done(m_busy ? busyNow() : failure(ErrorKind::Conflict, "Nothing of the portal is damaged."));
        return call.future;
    }
    m_busy = true;
    const bool fileOnly = m_problem->code == "database-missing";
    const auto entry = std::make_shared<StackEntry>(std::move(told)); // of the thread until it is posted back
    setState(State::Starting);
    post([this, entry, command, fileOnly, settings = m_settings, done = call.done] {
        const auto loaded = Settings::load(sourcesOf(m_sources, settings));
        auto mended = !loaded    ? Result<std::vector<std::string>>(loaded.error())
                      : fileOnly ? server::forgetDatabase(*loaded)
                                 : server::mendData(*loaded, command.empty);
        for (const auto &sentence : mended ? *mended : std::vector<std::string>())
            entry->detail += (entry->detail.empty() ? "" : " ") + sentence;
        if (mended)
            Logger(m_clock, logOptions(m_log)).warn("the portal's files were mended", {{"done", entry->detail}});
        postTo(this, [this, entry, mended = std::move(mended), done] {
            if (mended) {
                startPortal({*entry, true, {m_settings}}, done);
                return;
            }
            m_busy = false;
            setState(State::Stopped, mended.error());
            done(mended.error());
            stopAsAsked();
        });
    });
    return call.future;
}

EmbeddedStack::Outcome EmbeddedStack::carryOut(SeedStack command, StackEntry entry)
{
    if (m_busy || seeding())
        return answered<ActionOutcome>(busyNow());
    if (m_state != State::Running)
        return answered<ActionOutcome>(notRunning());
    m_seeding = std::make_shared<Seeding>();
    const auto services = m_portal->server->services();
    return m_calls.start<ActionOutcome>(services.executor, [services, seeding = m_seeding, seeded = m_seeded,
                                                            privileged = command.privileged, entry = std::move(entry)] {
        return runSeed(services, seeding, seeded, privileged, entry);
    });
}

EmbeddedStack::Outcome EmbeddedStack::carryOut(UnseedStack, StackEntry entry)
{
    if (m_busy || seeding())
        return answered<ActionOutcome>(busyNow());
    if (m_state != State::Running)
        return answered<ActionOutcome>(notRunning());
    const auto services = m_portal->server->services();
    return m_calls.start<ActionOutcome>(services.executor, [services, seeded = m_seeded, entry = std::move(entry)] {
        return runUnseed(services, seeded, entry);
    });
}

awaitable<Result<ActionOutcome>> EmbeddedStack::runUnseed(console::PortalServices services,
                                                          std::shared_ptr<Seeded> seeded, StackEntry entry)
{
    auto removed = co_await showcase::unseedPortal(services);
    co_await lookForSeed(services, std::move(seeded));
    co_return co_await finish(services, std::move(entry), std::move(removed));
}

awaitable<Result<ActionOutcome>> EmbeddedStack::runSeed(console::PortalServices services,
                                                        std::shared_ptr<Seeding> seeding,
                                                        std::shared_ptr<Seeded> seeded, bool privileged,
                                                        StackEntry entry)
{
    const std::shared_ptr<void> end(nullptr, [seeding](void *) {
        seeding->over = true;
        seeding->ended.set_value();
    });
    showcase::SeedOptions options;
    options.privileged = privileged;
    options.cancelled = [seeding] { return seeding->cancelled.load(); };
    auto seed = co_await showcase::seedPortal(services, std::move(options));
    co_await lookForSeed(services, std::move(seeded));
    auto added = seed ? Result<std::vector<Fact>>(std::move(seed->facts)) : seed.error();
    co_return co_await finish(services, std::move(entry), std::move(added));
}

} // namespace portolan::embedded
