#include "core/queue/task_context.h"

#include "core/base/utf8.h"

namespace portolan::queue {

namespace {

constexpr auto progressEvery = std::chrono::milliseconds(100);

} // namespace

TaskContext::TaskContext(std::shared_ptr<State> state) : m_state(std::move(state)) {}

const std::string &TaskContext::id() const { return m_state->message->id; }

const std::string &TaskContext::name() const { return m_state->message->task; }

const boost::json::array &TaskContext::args() const { return m_state->payload.args; }

const boost::json::object &TaskContext::kwargs() const { return m_state->payload.kwargs; }

int TaskContext::retries() const { return m_state->message->retries; }

bool TaskContext::redelivered() const { return m_state->message->redelivered; }

void TaskContext::progress(std::uint64_t done, std::uint64_t total, std::string note)
{
    note.resize(cutText(note, 1024).size());
    const SteadyTime now = m_state->clock.steady();
    const std::lock_guard lock(m_state->mutex);
    Progress latest{done, total, std::move(note)};
    if (m_state->reported != SteadyTime{} && now - m_state->reported < progressEvery) {
        m_state->pending = std::move(latest);
        return;
    }
    m_state->pending.reset();
    m_state->reported = now;
    if (!m_state->closed)
        m_state->report(latest);
}

void TaskContext::State::flushProgress()
{
    const SteadyTime now = clock.steady();
    const std::lock_guard lock(mutex);
    if (!pending || closed || now - reported < progressEvery)
        return;
    reported = now;
    report(*pending);
    pending.reset();
}

void TaskContext::State::close()
{
    const std::lock_guard lock(mutex);
    closed = true;
}

bool TaskContext::cancelled() const { return m_state->stop.stop_requested(); }

SteadyTime TaskContext::deadline() const { return m_state->deadline; }

Error TaskContext::retry(std::string reason, std::optional<std::chrono::milliseconds> after) const
{
    m_state->retryAfter = after;
    Error error = failure(ErrorKind::Unavailable, std::move(reason));
    error.code = retryCode;
    return error;
}

Executor TaskContext::executor() const { return m_state->executor; }

} // namespace portolan::queue
