// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/stack/metrics/turns.h"
#include "core/stack/metrics/web_means.h"
#include "core/stack/probe/probe_call.h"
#include "core/stack/source.h"
#include "core/stack/watch_file.h"

#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace portolan::stack {

/// Asks one URL of a deployment again and again: a `[[probe]]` of its file. Its name is "probe:" and the URL.
///
/// It is Live while the answer has the expected status, and else Failing: with the code of what kept the answer away,
/// or "probe-status" and the status as SourceFigures::told. Redirects are followed, unless one is what is expected.
class ProbeSource final : public Source
{
public:
    ProbeSource(ProbePart part, WebMeans means);
    ~ProbeSource() override;

    std::string_view name() const override { return m_name; }
    void start(Executor executor) override;
    void stop() override;
    SourceFigures figures() const override;
    std::vector<ProbeFigures> probes() const override;

private:
    awaitable<std::chrono::milliseconds> turn();
    awaitable<Result<ProbeOutcome>> ask();
    void take(const Result<ProbeOutcome> &asked);
    void set(SourceState state);

    const ProbePart m_part;
    const WebMeans m_means;
    const std::string m_url; ///< as it is shown
    const std::string m_name;
    std::optional<Executor> m_executor;
    Turns m_turns;
    std::shared_ptr<TlsClient> m_tls; ///< on the executor's thread

    mutable std::mutex m_mutex;
    SourceState m_state = SourceState::Off;
    SteadyTime m_since;
    std::optional<SteadyTime> m_asked; ///< when the last outcome came
    std::optional<SteadyTime> m_answered;
    std::optional<Error> m_error;
    ProbeFigures m_figures; ///< without its age
};

} // namespace portolan::stack
