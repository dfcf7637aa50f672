// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/demo/demo_stack.h"

#include "core/demo/ready.h"
#include "core/demo/words.h"

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

ActionOutcome said(std::string sentence) { return {std::move(sentence), {}, {}}; }

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
    return {
        {"small", "Small: 10–15 concurrent users on free plans", "30 MB of Redis, 2 tasks at once"},
        {"watchlist", "Watchlist: 100–1000 users with PostgreSQL", "250 MB of Redis, 2 tasks at once"},
        {"fintech-1000", "Fintech: 1000+ concurrent users on Kubernetes", "1 GB of Redis, 2 tasks at once"},
        {"validation-500rpm", "Validation: 500 requests a minute of event logs", "250 MB of Redis, 2 tasks at once"},
        {"scale-100k", "Scale: 100,000 users on several instances", "1 GB of Redis, 2 tasks at once"}};
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
    return ready(refused ? Result<void>(*refused) : begin(settings));
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
        return ready(previewOfReset());
    ActionPreview preview = previewOf(command);
    if (std::holds_alternative<SeedStack>(command) && !m_deployment.seeded().empty()) {
        preview.count = 0;
        preview.summary = "All 40 made-up users are there already. Adds a few analyses of theirs.";
    }
    if (std::holds_alternative<UnseedStack>(command)) {
        preview.sample = m_deployment.seeded();
        preview.count = preview.sample.size();
        preview.nothing = preview.sample.empty();
        preview.sample.resize(std::min<std::size_t>(preview.sample.size(), 20));
        preview.summary = preview.nothing ? "No made-up user is left to delete."
                                          : "Deletes " + counted(*preview.count, "user") + " that seeding made.";
    }
    return ready(Result<ActionPreview>(std::move(preview)));
}

QFuture<Result<ActionOutcome>> DemoStack::perform(StackCommand command, std::string reason)
{
    const std::string name(traitsOf(command).name);
    m_calls.push_back(name);
    if (const auto refused = refusal(command))
        return ready(Result<ActionOutcome>(*refused));
    auto outcome = std::visit([this](const auto &one) { return carryOut(one); }, command);
    m_deployment.note(name, std::move(reason), outcome ? outcome->summary : outcome.error().message,
                      outcome ? std::nullopt : std::optional(outcome.error()));
    return ready(std::move(outcome));
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
    return said("The portal is running.");
}

Result<ActionOutcome> DemoStack::carryOut(const StopStack &)
{
    if (const auto error = takeFailure())
        return *error;
    end();
    return said("The portal is stopped.");
}

/// As the real one: what it could not start with it does not stop for.
Result<ActionOutcome> DemoStack::carryOut(const RestartStack &command)
{
    if (const auto error = takeFailure())
        return *error;
    end();
    return carryOut(StartStack{command.settings});
}

Result<ActionOutcome> DemoStack::carryOut(const MendStack &)
{
    if (const auto started = begin(m_settings); !started)
        return started.error();
    return said("The portal is running. A copy of what was damaged was kept.");
}

Result<ActionPreview> DemoStack::previewOfReset() const
{
    if (const auto refused = refusal(ResetStack{}))
        return *refused;
    const auto sample = m_deployment.latest();
    ActionPreview preview;
    preview.sample = {dataDirectory()};
    preview.bytes = sample ? sample->redis.usedMemory.value_or(0) : 0;
    if (!sample || m_state != State::Running) {
        preview.summary = "Deletes every user, session, task, result and audit entry of this portal, and starts it "
                          "empty. How many there are is not counted while the portal is stopped.";
        return preview;
    }
    preview.count = sample->users.registered.value_or(0);
    preview.summary =
        "Deletes " + counted(*preview.count, "user") + ", " + counted(sample->users.sessions.value_or(0), "session") +
        ", " + counted(sample->queue.waiting.value_or(0), "task") + " and " +
        std::to_string(m_deployment.audited().size()) +
        " audit entries, and starts the portal empty. Of the audit entries, Overview shows those of the last "
        "24 h and Users those of one account; all are at /api/admin/audit.";
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
    return said("The portal is empty again.");
}

Result<ActionOutcome> DemoStack::carryOut(const SeedStack &command)
{
    if (const auto error = takeFailure())
        return *error;
    const std::size_t added = m_deployment.seedUsers(command.privileged);
    log(LogLine::Level::Info, "seeded users=" + std::to_string(added) + " analyses=12");
    return said(added > 0 ? "Added " + counted(added, "user") + ", 8 sessions and 12 finished analyses."
                          : "Added 12 finished analyses.");
}

Result<ActionOutcome> DemoStack::carryOut(const UnseedStack &)
{
    if (const auto error = takeFailure())
        return *error;
    return said("Deleted " + counted(m_deployment.unseedUsers(), "made-up user") + ".");
}

} // namespace portolan::demo
