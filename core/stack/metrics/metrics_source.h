// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/secret.h"
#include "core/stack/metrics/prometheus_server.h"
#include "core/stack/metrics/turns.h"
#include "core/stack/metrics/web_means.h"
#include "core/stack/source.h"

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace portolan::stack {

/// Traffic as a metrics page tells it, or a Prometheus server that reads one: `[metrics]` of a deployment's file.
///
/// It asks once every `part.every`, each time over a new connection, and faster until it has seen that all pages are of
/// one process (ProcessWatch). Where workers take turns it is Refused with code "metrics-processes", and goes on to
/// look whether they still do. What it is refused with a secret is not tried again every few seconds: that would lock
/// an account.
class MetricsSource final : public Source
{
public:
    struct Pace
    {
        std::chrono::milliseconds unsettled{1'000}; ///< between pages, until they are known to be of one process
        std::chrono::milliseconds refused{300'000}; ///< after a secret was refused twice
        std::chrono::milliseconds deadline{10'000}; ///< of a page
    };

    MetricsSource(std::string name, MetricsPart part, WebMeans means);
    MetricsSource(std::string name, MetricsPart part, WebMeans means, Pace pace);
    ~MetricsSource() override;

    std::string_view name() const override { return m_name; }
    void start(Executor executor) override;
    void stop() override;
    SourceFigures figures() const override;
    std::optional<HttpFigures> http() const override;
    std::vector<NotTold> notTold() const override;

    /// All that the page tells, also how exact it is. From any thread.
    MetricsFigures traffic() const;

private:
    awaitable<std::chrono::milliseconds> turn();
    awaitable<Result<MetricsPage>> ask();
    awaitable<Result<net::Headers>> signIn();
    awaitable<Result<Secret>> read(SecretRef reference);
    std::chrono::milliseconds took(MetricsPage page, std::chrono::milliseconds latency);
    std::chrono::milliseconds failed(const Error &why);
    void set(SourceState state);
    bool fresh(SteadyTime now) const;

    const std::string m_name;
    const MetricsPart m_part;
    const WebMeans m_means;
    const Pace m_pace;
    const std::shared_ptr<const SeriesMaps> m_maps;
    std::optional<Executor> m_executor;
    Turns m_turns;

    // Of the executor's thread.
    TrafficReader m_reader;
    std::shared_ptr<TlsClient> m_tls;
    Secret m_secret;              ///< that is sent
    bool m_secretRefused = false; ///< it has been already
    ServerWay m_way = ServerWay::Federate;

    mutable std::mutex m_mutex;
    SourceState m_state = SourceState::Off;
    std::optional<Error> m_error;
    SteadyTime m_since;
    std::optional<SteadyTime> m_answered;
    std::optional<std::chrono::milliseconds> m_latency;
    std::uint64_t m_bytes = 0;
    std::chrono::milliseconds m_pause{0}; ///< behind the last page
    MetricsFigures m_figures;
};

} // namespace portolan::stack
