// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/stack/metrics/metrics_source.h"

#include "core/base/masking.h"
#include "core/net/coded.h"

#include <openssl/evp.h>

#include <algorithm>
#include <utility>

namespace portolan::stack {

namespace {

/// RFC 7617.
std::string basic(const std::string &user, const Secret &password)
{
    std::string plain = user + ':';
    plain.append(password.reveal());
    std::string text((plain.size() + 2) / 3 * 4 + 1, '\0');
    const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char *>(text.data()),
                                     reinterpret_cast<const unsigned char *>(plain.data()), int(plain.size()));
    text.resize(static_cast<std::size_t>(size));
    text.insert(0, "Basic ");
    wipe(plain);
    return text;
}

Error processesTakeTurns(const std::string &where)
{
    Error error = net::coded(ErrorKind::Unsupported, "metrics-processes",
                             "Each answer of " + where + " is of another worker process, which counts for itself.",
                             "Set PROMETHEUS_MULTIPROC_DIR for the application, or run one worker with threads.");
    error.about = std::string(processStart);
    error.mend = "PROMETHEUS_MULTIPROC_DIR";
    return error;
}

std::chrono::milliseconds since(SteadyTime then, SteadyTime now)
{
    return std::chrono::duration_cast<std::chrono::milliseconds>(now - then);
}

} // namespace

MetricsSource::MetricsSource(std::string name, MetricsPart part, WebMeans means)
    : MetricsSource(std::move(name), std::move(part), std::move(means), Pace{})
{}

MetricsSource::MetricsSource(std::string name, MetricsPart part, WebMeans means, Pace pace)
    : m_name(std::move(name)),
      m_part(std::move(part)),
      m_means(std::move(means)),
      m_pace(pace),
      m_maps(std::make_shared<const SeriesMaps>(seriesMapsOf(m_part))),
      m_reader(*m_maps, m_part.every)
{}

MetricsSource::~MetricsSource() { stop(); }

void MetricsSource::start(Executor executor)
{
    {
        const std::lock_guard lock(m_mutex);
        set(SourceState::Connecting);
    }
    m_executor = executor;
    m_turns.start(executor, [this] { return turn(); });
}

void MetricsSource::stop()
{
    m_turns.stop();
    const std::lock_guard lock(m_mutex);
    set(SourceState::Off);
}

awaitable<std::chrono::milliseconds> MetricsSource::turn()
{
    const SteadyTime begun = m_means.clock.steady();
    auto page = co_await ask();
    if (!page)
        co_return failed(page.error());
    co_return took(std::move(*page), since(begun, m_means.clock.steady()));
}

awaitable<Result<MetricsPage>> MetricsSource::ask()
{
    const auto url = net::parseHttpUrl(m_part.url);
    if (!url)
        co_return url.error();
    if (url->origin.secure && !m_tls) {
        auto tls = co_await m_means.trusts->client(m_means.blocking, m_part.trust);
        if (!tls)
            co_return tls.error();
        m_tls = std::move(*tls);
    }
    auto headers = co_await signIn();
    if (!headers)
        co_return headers.error();
    PageRequest request{*m_executor, m_means.dialer, url->origin.secure ? m_tls : nullptr, *url, std::move(*headers),
                        m_maps,      m_pace.deadline};
    std::function<awaitable<Result<MetricsPage>>()> work = [request] { return readPage(request); };
    if (m_part.server)
        work = [request, match = m_part.match, way = m_way] { return readServer(request, match, way); };
    auto page = co_await m_turns.call(std::move(work));
    const bool otherWay = !page && m_part.server && m_way == ServerWay::Federate && mayBeQueried(page.error());
    if (!otherWay)
        co_return page;
    work = [request, match = m_part.match] { return readServer(request, match, ServerWay::Query); };
    page = co_await m_turns.call(std::move(work));
    if (page)
        m_way = ServerWay::Query;
    co_return page;
}

awaitable<Result<Secret>> MetricsSource::read(SecretRef reference)
{
    // A program may take its time; what it needs it owns. A file needs the pool, which outlives us alone.
    if (reference.kind != SecretRef::Kind::Command)
        co_return co_await readSecret(reference, m_means.secrets, m_means.blocking);
    auto *const blocking = &m_means.blocking;
    std::function<awaitable<Result<Secret>>()> work = [reference, secrets = m_means.secrets, blocking] {
        return readSecret(reference, secrets, *blocking);
    };
    co_return co_await m_turns.call(std::move(work));
}

/// Read once, and again when it was refused: it may have been renewed.
awaitable<Result<net::Headers>> MetricsSource::signIn()
{
    const bool token = m_part.token.kind != SecretRef::Kind::None;
    const bool password = m_part.password.kind != SecretRef::Kind::None;
    net::Headers headers;
    if (!token && !password)
        co_return headers;
    if (m_secret.empty()) {
        const SecretRef reference = token ? m_part.token : m_part.password;
        auto secret = co_await read(reference);
        if (!secret)
            co_return secret.error();
        m_secret = std::move(*secret);
    }
    headers.push_back(
        {"Authorization", token ? "Bearer " + std::string(m_secret.reveal()) : basic(m_part.user, m_secret)});
    co_return headers;
}

std::chrono::milliseconds MetricsSource::took(MetricsPage page, std::chrono::milliseconds latency)
{
    const SteadyTime now = m_means.clock.steady();
    m_reader.take(page, now);
    m_secretRefused = false;
    const bool settled = m_reader.settled() || m_reader.several();
    const auto pause = settled ? m_part.every : std::min(m_part.every, m_pace.unsettled);
    const std::lock_guard lock(m_mutex);
    m_answered = now;
    m_latency = latency;
    m_bytes = page.bytes;
    m_pause = pause;
    m_figures = m_reader.figures();
    m_error.reset();
    if (m_reader.several())
        m_error = processesTakeTurns(maskSecrets(m_part.url));
    set(m_reader.several() ? SourceState::Refused : SourceState::Live);
    return pause;
}

std::chrono::milliseconds MetricsSource::failed(const Error &why)
{
    const bool refused = why.code == "metrics-refused";
    const bool signedIn = !m_secret.empty();
    auto pause = m_part.every;
    if (refused && signedIn) {
        if (m_secretRefused)
            pause = std::max(pause, m_pace.refused);
        m_secretRefused = true;
        m_secret = Secret();
    }
    const std::lock_guard lock(m_mutex);
    if (why.kind != ErrorKind::Cancelled) {
        m_error = why;
        set(refused ? SourceState::Refused : SourceState::Failing);
    }
    return pause;
}

void MetricsSource::set(SourceState state)
{
    if (state != m_state)
        m_since = m_means.clock.steady();
    m_state = state;
}

bool MetricsSource::fresh(SteadyTime now) const
{
    return m_state != SourceState::Off && m_answered && now - *m_answered <= 2 * m_part.every + m_pace.deadline;
}

SourceFigures MetricsSource::figures() const
{
    const SteadyTime now = m_means.clock.steady();
    const std::lock_guard lock(m_mutex);
    SourceFigures figures;
    figures.name = m_name;
    figures.display = maskSecrets(m_part.url);
    figures.state = m_state == SourceState::Live && !fresh(now) ? SourceState::Stale : m_state;
    if (m_error) {
        figures.code = m_error->code;
        figures.about = m_error->about;
        figures.told = m_error->told;
        figures.mend = m_error->mend;
    }
    if (m_state == SourceState::Off)
        return figures;
    figures.since = std::chrono::duration_cast<std::chrono::seconds>(now - m_since);
    if (m_answered) {
        figures.age = since(*m_answered, now);
        figures.latency = std::chrono::duration<double>(*m_latency).count();
        const double pause = std::chrono::duration<double>(m_pause).count();
        figures.commandsPerSecond = pause > 0 ? std::optional(1 / pause) : std::nullopt;
        figures.bytesPerSecond = pause > 0 ? std::optional(double(m_bytes) / pause) : std::nullopt;
    }
    return figures;
}

std::optional<HttpFigures> MetricsSource::http() const
{
    const SteadyTime now = m_means.clock.steady();
    const std::lock_guard lock(m_mutex);
    return fresh(now) ? std::optional(m_figures.http) : std::nullopt;
}

std::vector<NotTold> MetricsSource::notTold() const
{
    const SteadyTime now = m_means.clock.steady();
    const std::lock_guard lock(m_mutex);
    return fresh(now) ? m_figures.notTold : std::vector<NotTold>{};
}

MetricsFigures MetricsSource::traffic() const
{
    const std::lock_guard lock(m_mutex);
    return m_figures;
}

} // namespace portolan::stack
