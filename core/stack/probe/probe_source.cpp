// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/stack/probe/probe_source.h"

#include "core/base/masking.h"
#include "core/net/coded.h"

#include <utility>

namespace portolan::stack {

namespace {

Error wrongStatus(const std::string &url, unsigned status, std::uint32_t expected)
{
    return aboutThat(
        net::coded(ErrorKind::Protocol, "probe-status",
                   url + " answers " + std::to_string(status) + " instead of " + std::to_string(expected) + ".",
                   "Look into its log, or say with expect which status is right."),
        url, std::to_string(status));
}

} // namespace

ProbeSource::ProbeSource(ProbePart part, WebMeans means)
    : m_part(std::move(part)), m_means(std::move(means)), m_url(maskSecrets(m_part.url)), m_name("probe:" + m_url)
{
    m_figures.url = m_url;
}

ProbeSource::~ProbeSource() { stop(); }

void ProbeSource::start(Executor executor)
{
    {
        const std::lock_guard lock(m_mutex);
        set(SourceState::Connecting);
    }
    m_executor = executor;
    m_turns.start(executor, [this] { return turn(); });
}

void ProbeSource::stop()
{
    m_turns.stop();
    const std::lock_guard lock(m_mutex);
    set(SourceState::Off);
}

awaitable<std::chrono::milliseconds> ProbeSource::turn()
{
    const auto asked = co_await ask();
    take(asked);
    co_return m_part.every;
}

awaitable<Result<ProbeOutcome>> ProbeSource::ask()
{
    const auto url = net::parseHttpUrl(m_part.url);
    if (!url)
        co_return url.error();
    if (!m_tls) { // also of a plain one: it may lead to https
        auto tls = co_await m_means.trusts->client(m_means.blocking, m_part.trust);
        if (!tls && url->origin.secure)
            co_return tls.error();
        if (tls)
            m_tls = std::move(*tls);
    }
    const bool follow = m_part.expect / 100 != 3;
    const ProbeRequest request{*m_executor, m_means.dialer, m_tls, *url, m_part.timeout, follow};
    std::function<awaitable<Result<ProbeOutcome>>()> work = [request]() -> awaitable<Result<ProbeOutcome>> {
        co_return co_await probeOnce(request);
    };
    co_return co_await m_turns.call(std::move(work));
}

void ProbeSource::take(const Result<ProbeOutcome> &asked)
{
    if (!asked && asked.error().kind == ErrorKind::Cancelled)
        return;
    const SteadyTime now = m_means.clock.steady();
    const std::lock_guard lock(m_mutex);
    m_asked = now;
    m_error = asked ? asked->error : std::optional(asked.error());
    m_figures = {};
    m_figures.url = m_url;
    m_figures.good = false;
    if (asked) {
        if (asked->certificate)
            m_figures.certificateEnd = asked->certificate->until;
        if (!asked->error && asked->status) {
            m_answered = now;
            m_figures.status = asked->status;
            m_figures.seconds = std::chrono::duration<double>(asked->took).count();
            m_figures.good = *asked->status == m_part.expect;
            if (!*m_figures.good)
                m_error = wrongStatus(m_url, *asked->status, m_part.expect);
        }
    }
    if (m_error)
        m_figures.code = m_error->code;
    set(m_error ? SourceState::Failing : SourceState::Live);
}

void ProbeSource::set(SourceState state)
{
    if (state != m_state)
        m_since = m_means.clock.steady();
    m_state = state;
}

SourceFigures ProbeSource::figures() const
{
    const SteadyTime now = m_means.clock.steady();
    const std::lock_guard lock(m_mutex);
    SourceFigures figures;
    figures.name = m_name;
    figures.display = m_url;
    const bool late = m_asked && now - *m_asked > 2 * m_part.every + m_part.timeout;
    figures.state = m_state == SourceState::Live && late ? SourceState::Stale : m_state;
    if (m_error) {
        figures.code = m_error->code;
        figures.about = m_error->about.empty() ? m_url : m_error->about;
        figures.told = m_error->told;
        figures.mend = m_error->mend;
    }
    if (m_state == SourceState::Off)
        return figures;
    figures.since = std::chrono::duration_cast<std::chrono::seconds>(now - m_since);
    if (m_answered)
        figures.age = std::chrono::duration_cast<std::chrono::milliseconds>(now - *m_answered);
    figures.latency = m_figures.seconds;
    figures.commandsPerSecond = 1 / std::chrono::duration<double>(m_part.every).count();
    return figures;
}

std::vector<ProbeFigures> ProbeSource::probes() const
{
    const SteadyTime now = m_means.clock.steady();
    const std::lock_guard lock(m_mutex);
    ProbeFigures figures = m_figures;
    if (m_asked)
        figures.age = std::chrono::duration_cast<std::chrono::milliseconds>(now - *m_asked);
    return {figures};
}

} // namespace portolan::stack
