// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/demo/demo_stack.h"

#include "core/api/audit_record.h"

#include <algorithm>
#include <array>

namespace portolan::demo {

namespace {

struct Sample
{
    LogLine::Level level;
    const char *message;
    bool needsRedis = false;
};

constexpr std::array samples{
    Sample{LogLine::Level::Info, "request method=GET route=/api/quotes status=200 ms=18"},
    Sample{LogLine::Level::Debug, "limits category=api user=7000000004 remaining=171"},
    Sample{LogLine::Level::Info, "task started name=portal.analysis symbol=AAPL", true},
    Sample{LogLine::Level::Info, "request method=POST route=/start-analysis status=202 ms=9", true},
    Sample{LogLine::Level::Warning, "market provider slow provider=simulated ms=1204"},
    Sample{LogLine::Level::Info, "task ended name=portal.analysis state=SUCCESS seconds=11.2", true},
    Sample{LogLine::Level::Error, "task failed name=portal.analysis error=\"Unavailable: the provider did not answer\"",
           true},
};

constexpr std::uint64_t mb = 1024 * 1024;
constexpr std::uint64_t seededUsers = 40, seededSessions = 8, seededAnalyses = 12;
constexpr std::size_t mostSamples = 20;

ActionOutcome done(std::vector<Fact> facts)
{
    ActionOutcome outcome;
    outcome.facts = std::move(facts);
    return outcome;
}

/// Those of which there is something.
std::vector<Amount> present(std::vector<Amount> amounts)
{
    std::erase_if(amounts, [](const Amount &amount) { return amount.count == 0; });
    return amounts;
}

} // namespace

DemoStack::DemoStack(DemoOptions options, const Clock &clock, QObject *parent)
    : LocalStack(parent), m_clock(clock), m_deployment(std::move(options), clock)
{
    connect(&m_timer, &QTimer::timeout, this, &DemoStack::tick);
}

DemoStack::~DemoStack() = default;

void DemoStack::play()
{
    tick();
    m_timer.start(1000);
    // Whoever listens comes after this call; what was logged lately is for them.
    QTimer::singleShot(0, this, [this] {
        for (int i = 0; i < 12; ++i)
            logSample();
    });
}

void DemoStack::logSample()
{
    const auto latest = m_deployment.latest();
    const bool redisAnswers = latest && !latest->links.empty() && latest->links.front().up == true;
    while (samples[m_lines % samples.size()].needsRedis && !redisAnswers) // none is taken
        ++m_lines;
    const Sample &sample = samples[m_lines++ % samples.size()];
    log(sample.level, sample.message);
}

void DemoStack::tick()
{
    if (m_state != State::Running)
        return;
    m_deployment.tick();
    if (m_deployment.link() != LinkState::Live || !m_deployment.latest()->redis.age)
        return;
    logSample();
}

void DemoStack::log(LogLine::Level level, std::string message)
{
    emit logged({LogLine{m_clock.wall(), level, std::move(message)}});
}

std::vector<LocalStack::TierChoice> DemoStack::tiers() const
{
    return {{"small", "Small: 10–15 concurrent users on free plans", 30 * mb, 2},
            {"watchlist", "Watchlist: 100–1000 users with PostgreSQL", 250 * mb, 2},
            {"fintech-1000", "Fintech: 1000+ concurrent users on Kubernetes", 1024 * mb, 2},
            {"validation-500rpm", "Validation: 500 requests a minute of event logs", 250 * mb, 2},
            {"scale-100k", "Scale: 100,000 users on several instances", 1024 * mb, 2}};
}

std::string DemoStack::dataDirectory() const
{
    return m_settings.dataDirectory.empty() ? "~/.local/share/portolan" : m_settings.dataDirectory;
}

void DemoStack::become(State state)
{
    m_state = state;
    m_deployment.setOn(state == State::Running);
    emit stateChanged();
}

QFuture<Result<void>> DemoStack::start(LocalStackSettings settings)
{
    const auto refused = refusal(StartStack{settings});
    return answered(refused ? Result<void>(*refused) : begin(settings));
}

Result<void> DemoStack::begin(const LocalStackSettings &settings)
{
    m_settings = settings;
    m_problem = takeFailure();
    become(m_problem ? State::Stopped : State::Running);
    if (m_problem)
        return *m_problem;
    log(LogLine::Level::Info, "serving http://" + m_settings.listen + " tier=" + m_settings.tier);
    return {};
}

void DemoStack::end()
{
    log(LogLine::Level::Info, "stopping: finishing requests and running tasks");
    become(State::Stopped);
}

QFuture<Result<ActionPreview>> DemoStack::preview(StackCommand command)
{
    if (std::holds_alternative<ResetStack>(command))
        return answered(previewOfReset());
    if (std::holds_alternative<UnseedStack>(command))
        return answered(previewOfUnseed());
    ActionPreview preview = previewOf(command);
    if (std::holds_alternative<SeedStack>(command) && !m_deployment.seeded().empty()) {
        preview.count = 0;
        preview.facts = {{.kind = FactKind::MadeUpUsersThere, .count = seededUsers}, {.kind = FactKind::AnalysesAdded}};
    }
    return answered<ActionPreview>(std::move(preview));
}

Result<ActionPreview> DemoStack::previewOfUnseed() const
{
    if (const auto refused = refusal(UnseedStack{}))
        return *refused;
    ActionPreview preview;
    const std::vector<std::string> there = m_deployment.seeded();
    preview.count = there.size();
    preview.nothing = there.empty();
    if (preview.nothing)
        preview.facts.push_back({.kind = FactKind::NoMadeUpUsers});
    else
        preview.facts.push_back({.kind = FactKind::MadeUpUsersDeleted, .count = preview.count});
    for (std::size_t i = 0; i < std::min(there.size(), mostSamples); ++i)
        preview.sample.push_back({.name = there[i]});
    return preview;
}

QFuture<Result<ActionOutcome>> DemoStack::perform(StackCommand command, Permit permit)
{
    const std::string name(traitsOf(command).name);
    m_calls.push_back(name);
    if (const auto refused = refusal(command))
        return answered<ActionOutcome>(*refused);
    std::string detail = detailBefore(command);
    auto outcome = std::visit([this](const auto &one) { return carryOut(one); }, command);
    if (!outcome)
        detail = outcome.error().message;
    else if (detail.empty())
        detail = recordOf(outcome->facts);
    m_deployment.note(name, std::move(permit).reason(), std::move(detail),
                      outcome ? std::nullopt : std::optional(outcome.error()));
    return answered(std::move(outcome));
}

/// What the entry says that the outcome's facts do not: the settings it starts with, what a reset is about to delete.
std::string DemoStack::detailBefore(const StackCommand &command) const
{
    std::string detail;
    const auto tell = [&detail](const LocalStackSettings &settings) {
        addField(detail, "tier", settings.tier);
        addField(detail, "listen", settings.listen);
    };
    if (const auto *start = std::get_if<StartStack>(&command))
        tell(start->settings);
    if (const auto *restart = std::get_if<RestartStack>(&command))
        tell(restart->settings);
    if (std::holds_alternative<ResetStack>(command)) {
        const auto preview = previewOfReset();
        detail = preview ? recordOf(preview->facts) : std::string();
        if (preview && preview->bytes)
            addField(detail, "bytes", std::to_string(*preview->bytes));
    }
    return detail;
}

/// What cannot be begun at all, and so leaves no entry.
std::optional<Error> DemoStack::refusal(const StackCommand &command) const
{
    const bool running = m_state == State::Running;
    if (std::holds_alternative<StartStack>(command) && running)
        return failure(ErrorKind::Conflict, "The portal is running already.", "Stop it first.");
    const bool needsOneThatRuns = std::holds_alternative<RestartStack>(command) ||
                                  std::holds_alternative<SeedStack>(command) ||
                                  std::holds_alternative<UnseedStack>(command);
    if (needsOneThatRuns && !running)
        return failure(ErrorKind::Unavailable, "The portal is not running.", "Start it.");
    if (const auto *mend = std::get_if<MendStack>(&command);
        mend && (running || !m_problem || !mends(*mend, *m_problem)))
        return failure(ErrorKind::Conflict, "Nothing of the portal is damaged.");
    const bool own = m_settings.redisUrl.empty() && m_settings.databaseUrl.empty();
    if (std::holds_alternative<ResetStack>(command) && !own)
        return failure(ErrorKind::Unsupported, "A Redis or a database that was named is not ours to delete.");
    return std::nullopt;
}

Result<ActionOutcome> DemoStack::carryOut(const StartStack &command)
{
    if (const auto started = begin(command.settings); !started)
        return started.error();
    return done({{.kind = FactKind::PortalStarted}});
}

Result<ActionOutcome> DemoStack::carryOut(const StopStack &)
{
    if (const auto error = takeFailure())
        return *error;
    end();
    return done({{.kind = FactKind::PortalStopped}});
}

/// As the real one: what it could not start with it does not stop for.
Result<ActionOutcome> DemoStack::carryOut(const RestartStack &command)
{
    if (const auto error = takeFailure())
        return *error;
    end();
    if (const auto started = begin(command.settings); !started)
        return started.error();
    return done({{.kind = FactKind::PortalRestarted}});
}

Result<ActionOutcome> DemoStack::carryOut(const MendStack &)
{
    if (const auto started = begin(m_settings); !started)
        return started.error();
    return done({{.kind = FactKind::PortalStarted}, {.kind = FactKind::CopyKept}});
}

Result<ActionPreview> DemoStack::previewOfReset() const
{
    if (const auto refused = refusal(ResetStack{}))
        return *refused;
    const auto sample = m_deployment.latest();
    ActionPreview preview;
    preview.sample = {{.name = dataDirectory()}};
    preview.bytes = sample ? sample->redis.usedMemory.value_or(0) : 0;
    if (!sample || m_state != State::Running) {
        preview.facts = {{.kind = FactKind::EverythingUnseen}, {.kind = FactKind::StartedEmpty}};
        return preview;
    }
    preview.count = sample->users.registered.value_or(0);
    const std::uint64_t entries = m_deployment.audited().size();
    preview.facts = {{.kind = FactKind::ContentsDeleted,
                      .amounts = present({{Counted::Users, *preview.count},
                                          {Counted::Sessions, sample->users.sessions.value_or(0)},
                                          {Counted::Tasks, sample->queue.waiting.value_or(0)},
                                          {Counted::AuditEntries, entries}})},
                     {.kind = FactKind::StartedEmpty}};
    if (entries > 0)
        preview.facts.push_back({.kind = FactKind::WhereAuditIs});
    return preview;
}

Result<ActionOutcome> DemoStack::carryOut(const ResetStack &)
{
    if (const auto error = takeFailure())
        return *error;
    become(State::Stopped);
    m_deployment.forgetAudit();
    become(State::Running);
    log(LogLine::Level::Warning, "reset: everything is deleted");
    return done({{.kind = FactKind::StartedEmpty}});
}

Result<ActionOutcome> DemoStack::carryOut(const SeedStack &command)
{
    if (const auto error = takeFailure())
        return *error;
    const std::size_t added = m_deployment.seedUsers(command.privileged);
    log(LogLine::Level::Info, "seeded users=" + std::to_string(added) + " analyses=" + std::to_string(seededAnalyses));
    return done({{.kind = FactKind::Added,
                  .amounts = present({{Counted::Users, added},
                                      {Counted::Sessions, added > 0 ? seededSessions : 0},
                                      {Counted::Analyses, seededAnalyses}})}});
}

Result<ActionOutcome> DemoStack::carryOut(const UnseedStack &)
{
    if (const auto error = takeFailure())
        return *error;
    return done({{.kind = FactKind::MadeUpUsersDeleted, .count = m_deployment.unseedUsers()}});
}

} // namespace portolan::demo
