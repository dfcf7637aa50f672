// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/monitor/cleanup.h"

#include "core/base/runtime.h"
#include "core/monitor/key_families.h"
#include "core/monitor/printable.h"
#include "core/redis/client.h"

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>

#include <algorithm>
#include <charconv>
#include <condition_variable>
#include <mutex>

namespace portolan::monitor {

namespace {

constexpr std::size_t step = 250;
constexpr auto pause = std::chrono::milliseconds(10);
constexpr auto deadline = std::chrono::seconds(5);
constexpr std::size_t sampleShown = 20;
constexpr std::size_t sampleMeasured = 64;

} // namespace

struct Cleanup::Impl : std::enable_shared_from_this<Impl>
{
    Impl(Executor on, redis::Client &client, const KeyFamilies &known, const Clock &time,
         std::function<std::vector<std::string>()> lists)
        : executor(on), redis(client), families(known), clock(time), queues(std::move(lists))
    {}

    /// One run. Lives in the coroutine's frame.
    struct Run
    {
        CleanupRequest request;
        Finished finished;
        std::vector<std::string> patterns;
        std::uint64_t measured = 0;
        std::uint64_t measuredBytes = 0;
    };

    awaitable<void> run(std::shared_ptr<Run> run);
    awaitable<Result<void>> walk(Run &run);
    awaitable<Result<std::string>> scanStep(Run &run, const std::string &pattern, std::string cursor);
    awaitable<Result<std::vector<std::string>>> idleOnes(Run &run, std::vector<std::string> keys);
    awaitable<Result<void>> take(Run &run, std::vector<std::string> keys);
    void end(const Result<void> &result);

    template <class F> void change(F apply)
    {
        const std::lock_guard lock(mutex);
        apply(*current);
    }
    bool cancelled() const
    {
        const std::lock_guard lock(mutex);
        return cancelling;
    }

    const Executor executor;
    redis::Client &redis;
    const KeyFamilies &families;
    const Clock &clock;
    const std::function<std::vector<std::string>()> queues;

    mutable std::mutex mutex;
    std::condition_variable idle;
    std::optional<CleanupStatus> current;
    std::uint64_t count = 0;
    bool busy = false;
    bool cancelling = false;
    bool stopped = false;
};

awaitable<void> Cleanup::Impl::run(std::shared_ptr<Run> run)
{
    const auto self = shared_from_this();
    const Result<void> result = co_await walk(*run);
    end(result);
    CleanupStatus status;
    change([&](const CleanupStatus &now) { status = now; });
    if (run->finished && !status.dryRun)
        co_await run->finished(status);
    const std::lock_guard lock(mutex);
    busy = false;
    idle.notify_all();
}

awaitable<Result<void>> Cleanup::Impl::walk(Run &run)
{
    const Result<redis::Reply> size = co_await redis.run(redis::Command("DBSIZE"), deadline);
    if (size.has_error())
        co_return size.error();
    change([&](CleanupStatus &status) { status.total = std::uint64_t(size->integer) * run.patterns.size(); });
    Timer timer(executor);
    for (const std::string &pattern : run.patterns) {
        std::string cursor = "0";
        do {
            if (cancelled())
                co_return failure(ErrorKind::Cancelled, "It was cancelled.");
            Result<std::string> next = co_await scanStep(run, pattern, std::move(cursor));
            if (next.has_error())
                co_return next.error();
            cursor = std::move(*next);
            timer.expires_after(pause);
            error_code ignored;
            co_await timer.async_wait(asio::redirect_error(use_awaitable, ignored));
        } while (cursor != "0");
    }
    co_return Result<void>();
}

awaitable<Result<std::string>> Cleanup::Impl::scanStep(Run &run, const std::string &pattern, std::string cursor)
{
    redis::Command command("SCAN", cursor, "MATCH", pattern, "COUNT", step);
    Result<redis::Reply> reply = co_await redis.run(std::move(command), deadline);
    if (reply.has_error())
        co_return reply.error();
    if (reply->elements.size() != 2 || reply->elements[0].text.empty())
        co_return failure(ErrorKind::Protocol, "Redis did not answer SCAN as expected.");
    std::vector<std::string> keys;
    const std::vector<std::string> known = queues ? queues() : std::vector<std::string>();
    for (redis::Reply &element : reply->elements[1].elements) {
        // A pattern may match keys of other families too; the table has the last word.
        if (families.names()[families.indexOf(element.text, known)] == run.request.family &&
            std::ranges::find(known, element.text) == known.end())
            keys.push_back(std::move(element.text));
    }
    change([&](CleanupStatus &status) {
        status.scanned = std::min(status.scanned + step, status.total.value_or(status.scanned + step));
    });
    if (run.request.idle && !keys.empty()) {
        Result<std::vector<std::string>> old = co_await idleOnes(run, std::move(keys));
        if (old.has_error())
            co_return old.error();
        keys = std::move(*old);
    }
    if (!keys.empty()) {
        const Result<void> taken = co_await take(run, std::move(keys));
        if (taken.has_error())
            co_return taken.error();
    }
    co_return std::move(reply->elements[0].text);
}

awaitable<Result<std::vector<std::string>>> Cleanup::Impl::idleOnes(Run &run, std::vector<std::string> keys)
{
    redis::Command command;
    for (const std::string &key : keys)
        command.add("OBJECT", "IDLETIME", key);
    const Result<std::vector<redis::Reply>> replies = co_await redis.pipeline(std::move(command), deadline);
    if (replies.has_error())
        co_return replies.error();
    std::vector<std::string> old;
    for (std::size_t i = 0; i < std::min(keys.size(), replies->size()); ++i) {
        const redis::Reply &reply = (*replies)[i];
        if (reply.isError())
            co_return failure(ErrorKind::Unsupported, "Redis does not know how long keys have been idle: " + reply.text,
                              "Clean up without `idle`, or use a maxmemory-policy that is not LFU.");
        if (reply.type == redis::Reply::Type::Integer && std::chrono::seconds(reply.integer) >= *run.request.idle)
            old.push_back(std::move(keys[i]));
    }
    co_return old;
}

awaitable<Result<void>> Cleanup::Impl::take(Run &run, std::vector<std::string> keys)
{
    redis::Command command;
    const std::size_t measuring = std::min<std::size_t>(keys.size(), sampleMeasured - run.measured);
    for (std::size_t i = 0; i < measuring; ++i)
        command.add("MEMORY", "USAGE", keys[i], "SAMPLES", 5);
    if (!run.request.dryRun) {
        command.begin(1 + keys.size()).argument("UNLINK");
        for (const std::string &key : keys)
            command.argument(key);
    }
    std::uint64_t removed = 0;
    if (command.count() > 0) {
        const Result<std::vector<redis::Reply>> replies = co_await redis.pipeline(std::move(command), deadline);
        if (replies.has_error())
            co_return replies.error();
        for (std::size_t i = 0; i < measuring; ++i) {
            if ((*replies)[i].type != redis::Reply::Type::Integer)
                continue;
            ++run.measured;
            run.measuredBytes += std::uint64_t((*replies)[i].integer);
        }
        if (!run.request.dryRun) {
            const redis::Reply &unlinked = replies->back();
            if (unlinked.isError())
                co_return failure(ErrorKind::Internal, "Redis refused to delete keys: " + unlinked.text);
            removed = std::uint64_t(unlinked.integer);
        }
    }
    change([&](CleanupStatus &status) {
        status.matched += keys.size();
        status.removed += removed;
        if (run.measured > 0)
            status.bytes = run.measuredBytes * status.matched / run.measured;
        for (const std::string &key : keys)
            if (status.sample.size() < sampleShown)
                status.sample.push_back(printableKey(key, run.request.family));
    });
    co_return Result<void>();
}

void Cleanup::Impl::end(const Result<void> &result)
{
    change([&](CleanupStatus &status) {
        status.ended = clock.wall();
        if (result.has_value()) {
            status.state = CleanupState::Done;
            status.scanned = status.total.value_or(status.scanned);
        } else {
            status.state = result.error().kind == ErrorKind::Cancelled ? CleanupState::Cancelled : CleanupState::Failed;
            status.detail = result.error().message;
        }
    });
}

Cleanup::Cleanup(Executor executor, redis::Client &redis, const KeyFamilies &families, const Clock &clock,
                 std::function<std::vector<std::string>()> queues)
    : m_impl(std::make_shared<Impl>(executor, redis, families, clock, std::move(queues)))
{}

Cleanup::~Cleanup() { stop(); }

Result<CleanupStatus> Cleanup::start(CleanupRequest request, Finished finished)
{
    if (!m_impl->families.cleanable(request.family))
        return badField("The family \"" + printable(request.family, 40) + "\" cannot be cleaned up.", "/family",
                        "must be one that can be cleaned up",
                        "Families that can: sessions, results, tickers, cache, push, limits.");
    auto run = std::make_shared<Impl::Run>();
    run->patterns = m_impl->families.patternsOf(request.family);
    run->request = std::move(request);
    run->finished = std::move(finished);
    CleanupStatus status;
    {
        const std::lock_guard lock(m_impl->mutex);
        if (m_impl->stopped)
            return failure(ErrorKind::Unavailable, "The portal is shutting down.");
        if (m_impl->busy)
            return failure(ErrorKind::Conflict, "A cleanup is under way.", "Wait for its end, or cancel it.");
        m_impl->busy = true;
        m_impl->cancelling = false;
        status.id = std::to_string(++m_impl->count);
        status.family = run->request.family;
        status.dryRun = run->request.dryRun;
        status.started = m_impl->clock.wall();
        m_impl->current = status;
    }
    spawn(m_impl->executor, [impl = m_impl, run] { return impl->run(run); });
    return status;
}

std::optional<CleanupStatus> Cleanup::status() const
{
    const std::lock_guard lock(m_impl->mutex);
    return m_impl->current;
}

Result<void> Cleanup::cancel(std::string_view id)
{
    const std::lock_guard lock(m_impl->mutex);
    if (!m_impl->busy)
        return failure(ErrorKind::NotFound, "No cleanup is under way.");
    if (!id.empty() && m_impl->current->id != id)
        return failure(ErrorKind::NotFound, "This cleanup is not under way any more; another is.");
    m_impl->cancelling = true;
    return {};
}

void Cleanup::stop()
{
    std::unique_lock lock(m_impl->mutex);
    m_impl->stopped = true;
    m_impl->cancelling = true;
    m_impl->idle.wait(lock, [this] { return !m_impl->busy; });
}

} // namespace portolan::monitor
