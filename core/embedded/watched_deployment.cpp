// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/embedded/watched_deployment.h"

#include "core/api/post_to.h"
#include "core/base/dial.h"
#include "core/base/logging.h"
#include "core/base/resolver.h"
#include "core/base/version.h"
#include "core/console/actions.h"
#include "core/console/snapshot_feed.h"
#include "core/console/stack_actions.h"
#include "core/console/stack_questions.h"
#include "core/server/stack_watch.h"

#include <pthread.h>

#include <string_view>
#include <utility>

namespace portolan::embedded {
namespace {

Error notThere(LinkState link)
{
    if (link == LinkState::Connecting)
        return failure(ErrorKind::Unavailable, "The watch is starting.", "Wait until it runs.");
    return failure(ErrorKind::Unavailable, "The watch is not running.", "Start it.");
}

DeploymentInfo infoOf(const stack::WatchFile &file)
{
    DeploymentInfo info;
    info.name = file.name;
    info.tier = file.tier.name;
    info.version = version();
    info.role = Role::Admin; // whoever has the file and its secrets may do what they allow
    info.production = file.production;
    return info;
}

LogOptions keptInMemory()
{
    LogOptions options;
    options.write = [](std::string_view) {}; // the page of the log shows what is kept of it
    return options;
}

} // namespace

Watching::Watching(const Clock &clock, SecretSources secrets)
    : m_clock(clock),
      m_secrets(std::move(secrets)),
      m_trust(std::make_shared<TlsClients>()),
      m_direct(std::make_shared<DirectDialer>(std::make_shared<Resolver>()))
{}

Watching::~Watching() { m_runtime.stop(); }

/// A watch, from its start to the end of the last call that uses it.
struct WatchedDeployment::Running
{
    explicit Running(const Clock &clock) : logger(clock, keptInMemory()) {}
    Logger logger;
    std::unique_ptr<server::StackWatch> watch;
};

namespace {

template <class T> awaitable<Result<T>> keeping(std::shared_ptr<void> what, awaitable<Result<T>> work)
{
    auto done = co_await std::move(work);
    what.reset();
    co_return done;
}

} // namespace

WatchedDeployment::WatchedDeployment(stack::WatchFile file, Watching &watching, std::filesystem::path folder,
                                     std::chrono::milliseconds lostAfter, QObject *parent)
    : Deployment(parent),
      m_file(std::move(file)),
      m_watching(watching),
      m_folder(std::move(folder)),
      m_lostAfter(lostAfter),
      m_info(infoOf(m_file))
{
    m_silence.setSingleShot(true);
    connect(&m_silence, &QTimer::timeout, this, [this] {
        take(); // it may be on its way: then it was this thread that was late
        if (!m_silence.isActive() && m_services)
            setLink(LinkState::Lost, LinkReason::Silent);
    });
}

WatchedDeployment::~WatchedDeployment()
{
    if (m_running)
        halt();
    if (m_worker.joinable())
        m_worker.join();
}

void WatchedDeployment::start()
{
    if (m_running)
        return;
    m_trouble.reset();
    m_running = std::make_shared<Running>(m_watching.m_clock);
    m_link = LinkState::Connecting;
    m_reason = LinkReason::Starting;
    emit changed();
    server::StackWatch::Parts parts{
        m_watching.m_clock,  m_running->logger,  m_watching.m_runtime.at(0), m_watching.m_files,
        m_watching.m_direct, m_watching.m_trust, m_watching.m_secrets,       m_folder};
    m_worker = std::thread(
        [this, before = std::move(m_worker), running = m_running, file = m_file, parts = std::move(parts)]() mutable {
            pthread_setname_np(pthread_self(), "watch");
            if (before.joinable())
                before.join();
            auto watch = server::StackWatch::start(file, parts);
            std::optional<Error> problem;
            if (watch)
                running->watch = std::move(*watch);
            else
                problem = watch.error();
            postTo(this, [this, running, problem] { started(running, problem); });
        });
}

void WatchedDeployment::started(std::shared_ptr<Running> running, std::optional<Error> problem)
{
    if (running != m_running) // stopped meanwhile
        return;
    if (problem) {
        m_running.reset();
        m_trouble = std::move(problem);
        return setLink(LinkState::Off, LinkReason::NotRunning);
    }
    m_services.emplace(running->watch->services());
    m_inbox = std::make_shared<LatestBox<Snapshot>>();
    m_subscription = m_services->snapshots.subscribe(
        [this, inbox = m_inbox](const std::shared_ptr<const Snapshot> &sample) { // dropped before `this` goes
            if (inbox->put(sample))
                postTo(this, [this] { take(); });
        });
    m_silence.start(m_lostAfter);
    setLink(LinkState::Connecting, LinkReason::FirstSample);
}

void WatchedDeployment::stop()
{
    if (!m_running)
        return;
    halt();
    setLink(LinkState::Off, LinkReason::NotRunning);
}

void WatchedDeployment::halt()
{
    m_subscription.reset();
    m_inbox.reset();
    m_services.reset();
    m_silence.stop();
    m_worker = std::thread([before = std::move(m_worker), running = std::exchange(m_running, nullptr)]() mutable {
        pthread_setname_np(pthread_self(), "watch");
        if (before.joinable())
            before.join();
        if (running->watch)
            running->watch->stop();
    });
    m_calls.cancelAll();
}

void WatchedDeployment::take()
{
    auto sample = m_inbox ? m_inbox->take() : nullptr;
    if (!sample)
        return;
    m_latest = std::move(sample);
    m_silence.start(m_lostAfter);
    setLink(LinkState::Live, LinkReason::No);
    emit sampled(m_latest);
}

void WatchedDeployment::setLink(LinkState link, LinkReason reason)
{
    if (m_link == link && m_reason == reason)
        return;
    m_link = link;
    m_reason = reason;
    emit changed();
}

Capability WatchedDeployment::capability(const Action &action) const
{
    if (!m_services)
        return {.why = m_link == LinkState::Connecting ? WhyNot::Starting : WhyNot::NotRunning};
    return console::whyNot(*m_services, action);
}

template <class T>
QFuture<Result<T>> WatchedDeployment::call(std::function<awaitable<Result<T>>(console::StackServices)> work)
{
    if (!m_services)
        return answered<T>(notThere(m_link));
    return m_calls.start<T>(m_services->executor, [services = *m_services, running = m_running, work] {
        return keeping<T>(running, work(services));
    });
}

void WatchedDeployment::answer(AnyAsked asked)
{
    std::visit(
        [this]<class Q>(Asked<Q> &one) {
            if (!m_services)
                return one.reply->finish(notThere(m_link));
            m_calls.start<typename Q::Answer>(
                m_services->executor,
                [services = *m_services, running = m_running, question = std::move(one.question)] {
                    return keeping<typename Q::Answer>(
                        running, console::answerTo(services, console::consoleActor({}).principal, question));
                },
                std::move(one.reply));
        },
        asked);
}

QFuture<Result<ActionPreview>> WatchedDeployment::preview(Action action)
{
    return call<ActionPreview>(
        [action](console::StackServices services) { return console::previewAction(services, action); });
}

QFuture<Result<ActionOutcome>> WatchedDeployment::perform(Action action, Permit permit)
{
    return call<ActionOutcome>([action, reason = std::move(permit).reason()](console::StackServices services) {
        return console::performAction(services, action, console::consoleActor(reason));
    });
}

} // namespace portolan::embedded
