#include "core/demo/demo_stack.h"

#include <QFuture>
#include <array>

namespace portolan::demo {

namespace {

struct Sample
{
    LogLine::Level level;
    const char *message;
};

constexpr std::array samples{
    Sample{LogLine::Level::Info, "request method=GET route=/api/quotes status=200 ms=18"},
    Sample{LogLine::Level::Debug, "limits category=api user=7000000004 remaining=171"},
    Sample{LogLine::Level::Info, "task started name=portal.analysis symbol=AAPL"},
    Sample{LogLine::Level::Info, "request method=POST route=/start-analysis status=202 ms=9"},
    Sample{LogLine::Level::Warning, "market provider slow provider=simulated ms=1204"},
    Sample{LogLine::Level::Info, "task ended name=portal.analysis state=SUCCESS seconds=11.2"},
    Sample{LogLine::Level::Error,
           "task failed name=portal.analysis error=\"Unavailable: the provider did not answer\""},
};

QFuture<Result<void>> done(const std::optional<Error> &error)
{
    return QtFuture::makeReadyFuture(error ? Result<void>(*error) : Result<void>());
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

std::vector<std::string> DemoStack::tiers() const
{
    return {"small", "watchlist", "fintech-1000", "validation-500rpm", "scale-100k"};
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
    m_calls.push_back("start");
    m_settings = std::move(settings);
    m_problem = takeFailure();
    if (!m_problem && m_state == State::Running)
        return done(failure(ErrorKind::Conflict, "The portal is running already."));
    become(m_problem ? State::Stopped : State::Running);
    if (!m_problem)
        log(LogLine::Level::Info, "serving http://" + m_settings.listen + " tier=" + m_settings.tier);
    return done(m_problem);
}

QFuture<Result<void>> DemoStack::stop()
{
    m_calls.push_back("stop");
    if (const auto error = takeFailure())
        return done(error);
    log(LogLine::Level::Info, "stopping: finishing requests and running tasks");
    become(State::Stopped);
    return done(std::nullopt);
}

QFuture<Result<void>> DemoStack::reset()
{
    m_calls.push_back("reset");
    if (const auto error = takeFailure())
        return done(error);
    if (!m_settings.redisUrl.empty() || !m_settings.databaseUrl.empty())
        return done(failure(ErrorKind::Unsupported, "A Redis or a database that was named is not ours to delete."));
    become(State::Stopped);
    become(State::Running);
    log(LogLine::Level::Warning, "reset: everything is deleted");
    return done(std::nullopt);
}

QFuture<Result<std::string>> DemoStack::seed()
{
    m_calls.push_back("seed");
    if (const auto error = takeFailure())
        return QtFuture::makeReadyFuture(Result<std::string>(*error));
    log(LogLine::Level::Info, "seeded users=20 analyses=12");
    return QtFuture::makeReadyFuture(Result<std::string>(std::string("20 users and 12 analyses were added.")));
}

} // namespace portolan::demo
