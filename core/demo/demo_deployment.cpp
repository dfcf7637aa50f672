// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/demo/demo_deployment.h"

#include "core/api/audit_record.h"
#include "core/demo/demo_instances.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <type_traits>

namespace portolan::demo {

namespace {

using std::chrono::seconds;

const Situation &situationOf(const std::string &name)
{
    const Situation *found = findSituation(name);
    return found ? *found : situations().front();
}

/// As the portal's own audit log has it.
std::string subjectOf(const Action &action)
{
    return std::visit(
        []<class A>(const A &one) {
            if constexpr (requires { one.id; })
                return "user:" + std::to_string(one.id);
            else if constexpr (std::is_same_v<A, RevokeToken>)
                return "token:" + one.name;
            else
                return std::string();
        },
        action);
}

} // namespace

DemoDeployment::DemoDeployment(DemoOptions options, const Clock &clock, QObject *parent)
    : Deployment(parent),
      m_options(std::move(options)),
      m_clock(clock),
      m_start(clock.wall()),
      m_script(situationOf(m_options.situation), m_options.seed),
      m_data(situationOf(m_options.situation), m_options.seed, m_options.users, m_start)
{
    const Situation &situation = m_script.situation();
    if (situation.lostSince) {
        // There was a sample before the link was lost.
        m_data.adjustClients(11, false);
        m_latest = std::make_shared<Snapshot>(makeSnapshot(m_script, m_data, *situation.lostSince, m_start, 1));
    }
    if (!situation.empty)
        tellWhatWasBefore();
    connect(&m_timer, &QTimer::timeout, this, &DemoDeployment::tick);
}

DemoDeployment::~DemoDeployment() = default;

/// What was noted before the demo began: a start, an action, and how what goes wrong began.
void DemoDeployment::tellWhatWasBefore()
{
    using std::chrono::hours;
    m_events.push_back({.time = m_start - hours(19), .kind = EventKind::Restart, .name = "portal", .up = true});
    m_events.push_back({.time = m_start - hours(5),
                        .kind = EventKind::Action,
                        .name = "redis.cleanup",
                        .actor = "clara.meyer@example.org",
                        .facts = {{.kind = FactKind::KeysDeleted, .name = "results", .count = 412}}});
    for (const Light &light : lights()) {
        const double climb = m_script.climb(metricOf(light));
        const double now = m_script.value(metricOf(light), 0).value_or(0);
        for (const auto &[threshold, zone] : {std::pair(light.yellow, Zone::Yellow), std::pair(light.red, Zone::Red)}) {
            if (climb <= 0 || now < threshold || light.yellow == light.red)
                continue;
            const auto ago = seconds(std::int64_t((now - threshold) / climb));
            m_events.push_back(
                {.time = m_start - ago, .kind = EventKind::Zone, .resource = light.resource, .zone = zone});
        }
    }
    std::ranges::move(instanceEvents(m_script.situation(), m_start), std::back_inserter(m_events));
    if (const auto away = m_script.situation().redisAwaySince)
        m_events.push_back(
            {.time = m_start + seconds(std::int64_t(*away)), .kind = EventKind::Link, .name = "redis", .up = false});
}

void DemoDeployment::play()
{
    tick();
    m_timer.start(1000);
}

void DemoDeployment::pause() { m_timer.stop(); }

double DemoDeployment::second() const
{
    return double(std::chrono::duration_cast<std::chrono::milliseconds>(m_clock.wall() - m_start).count()) / 1000;
}

bool DemoDeployment::redisAway() const
{
    const auto away = m_script.situation().redisAwaySince;
    return away && second() > *away;
}

void DemoDeployment::tick()
{
    if (!m_on || m_script.situation().lostSince)
        return;
    const double now = second();
    const auto wanted = m_script.value(metric::redisConnections, now);
    if (wanted)
        m_data.adjustClients(std::size_t(std::llround(*wanted)), m_script.climb(metric::redisConnections) > 0);
    else if (m_data.clients.empty() && !m_script.situation().empty)
        m_data.adjustClients(11, false);
    m_data.age(seconds(std::int64_t(now) - std::int64_t(m_lastSecond)));
    m_lastSecond = now;
    if (!m_data.workers.empty() && !redisAway()) {
        WorkerInfo &own = m_data.workers.front();
        m_data.tasks.advance(m_clock.wall(), own.concurrency);
        own.active = m_data.tasks.count(TaskPlace::Running);
        own.ended = m_data.tasks.ended();
        const auto waiting = m_script.value(metric::queueWaiting, now).value_or(0);
        m_data.tasks.fill(std::size_t(std::llround(waiting)), m_clock.wall());
    }
    m_latest = std::make_shared<Snapshot>(makeSnapshot(m_script, m_data, now, m_start, ++m_sequence));
    emit sampled(m_latest);
}

void DemoDeployment::setOn(bool on)
{
    if (m_on == on)
        return;
    m_on = on;
    m_events.push_back({.time = m_clock.wall(), .kind = EventKind::Restart, .name = "portal", .up = on});
    emit changed();
    tick();
}

DeploymentInfo DemoDeployment::info() const
{
    DeploymentInfo info;
    info.name = m_script.situation().longNames
                    ? "Portal of the Department of Applied Navigation and its Subsidiaries, Europe West, Production"
                    : "Demo portal";
    info.url = m_on ? "http://127.0.0.1:8080" : "";
    info.tier = "small";
    info.version = "0.1.0";
    info.role = m_options.role;
    info.production = m_options.production;
    return info;
}

LinkState DemoDeployment::link() const
{
    if (!m_on)
        return LinkState::Off;
    if (m_script.situation().lostSince)
        return LinkState::Lost;
    return m_latest ? LinkState::Live : LinkState::Connecting;
}

LinkReason DemoDeployment::linkReason() const
{
    switch (link()) {
    case LinkState::Off:
        return LinkReason::NotRunning;
    case LinkState::Connecting:
        return LinkReason::FirstSample;
    case LinkState::Lost:
        return LinkReason::Refused;
    case LinkState::Live:
        break;
    }
    return LinkReason::No;
}

Capability DemoDeployment::capability(const Action &action) const
{
    if (!m_on)
        return {.why = WhyNot::NotRunning};
    if (const auto *cleanUp = std::get_if<CleanUpFamily>(&action); cleanUp && !cleanUp->family.empty()) {
        if (const WhyNot kept = whyNotCleanedUp(cleanUp->family); kept != WhyNot::No)
            return {.why = kept};
    }
    const auto refused = m_refused.find(std::string(traitsOf(action).name));
    return refused == m_refused.end() ? Capability{} : refused->second;
}

Result<void> DemoDeployment::reachable(bool needsRedis) const
{
    if (!m_on)
        return failure(ErrorKind::Unavailable, "The portal is not running.", "Start it on the page Local stack.");
    if (m_script.situation().lostSince)
        return failure(ErrorKind::Unavailable, "The portal cannot be reached: connection refused.");
    if (needsRedis && redisAway())
        return failure(ErrorKind::Unavailable, "Redis does not answer: connection refused.",
                       "Check that redis-server runs.");
    return {};
}

void DemoDeployment::answer(AnyAsked asked)
{
    std::visit([this](const auto &one) { one.reply->finish(answerTo(one.question)); }, asked);
}

QFuture<Result<ActionPreview>> DemoDeployment::preview(Action action)
{
    if (const Result<void> reach = reachable(traitsOf(action).needsRedis); !reach)
        return answered<ActionPreview>(reach.error());
    return answered(std::visit([this](const auto &one) { return previewOf(one); }, action));
}

QFuture<Result<ActionOutcome>> DemoDeployment::perform(Action action, Permit permit)
{
    m_performed.push_back(action);
    if (m_failNext)
        return answered<ActionOutcome>(*std::exchange(m_failNext, std::nullopt));
    const auto possible = std::visit([this](const auto &one) { return previewOf(one); }, action);
    if (const Result<void> reach = reachable(traitsOf(action).needsRedis); !reach)
        return answered<ActionOutcome>(reach.error());
    if (!possible)
        return answered<ActionOutcome>(possible.error());
    ActionOutcome outcome = std::visit([this](const auto &one) { return carryOut(one); }, action);
    note(traitsOf(action).name, std::move(permit).reason(), recordOf(outcome.facts));
    m_audit.back().subject = subjectOf(action);
    m_events.push_back({.time = m_clock.wall(),
                        .kind = EventKind::Action,
                        .name = std::string(traitsOf(action).name),
                        .facts = outcome.facts});
    tick();
    return answered<ActionOutcome>(std::move(outcome));
}

void DemoDeployment::note(std::string_view action, std::string reason, std::string detail,
                          const std::optional<Error> &error)
{
    AuditEntry entry;
    entry.id = m_audit.size() + 1;
    entry.at = m_clock.wall();
    entry.actor = "demo";
    entry.role = m_options.role;
    entry.action = action;
    entry.deployment = info().name;
    entry.outcome = error ? "failed" : "done";
    entry.reason = std::move(reason);
    entry.detail = std::move(detail);
    m_audit.push_back(std::move(entry));
}

} // namespace portolan::demo
