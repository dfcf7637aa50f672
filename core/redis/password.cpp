// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/redis/password.h"

#include "core/base/runtime.h"

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/json/parse.hpp>

#include <algorithm>
#include <string>
#include <utility>

namespace portolan::redis {

namespace {

/// Longer than anybody lets a password last; keeps sums of times in their range.
constexpr std::chrono::seconds longest = std::chrono::hours(24 * 3650);

Error rubbish(std::string what)
{
    return Error{ErrorKind::Protocol,
                 "secret-rubbish",
                 "What was read for the Redis password can be none: " + std::move(what) + ".",
                 "It is the password on one line, or {\"password\": \"…\", \"expires_in\": SECONDS}.",
                 {},
                 std::chrono::seconds{0}};
}

Error slow()
{
    return Error{ErrorKind::Timeout,
                 "redis-password-slow",
                 "The Redis password could not be read in time.",
                 "Look what keeps the program that prints it.",
                 {},
                 std::chrono::seconds{1}};
}

Result<Password> described(const boost::json::object &object)
{
    const auto *text = object.if_contains("password");
    const auto *lasts = object.if_contains("expires_in");
    Password password;
    password.text = Secret(std::string_view(text->get_string()));
    if (password.text.empty())
        return rubbish("the password is empty");
    if (!lasts || lasts->is_null())
        return password;
    error_code failed;
    const double seconds = lasts->to_number<double>(failed);
    if (failed || !(seconds >= 1))
        return rubbish("expires_in is no number of seconds from 1");
    password.lasts = seconds < double(longest.count()) ? std::chrono::seconds(std::int64_t(seconds)) : longest;
    return password;
}

} // namespace

Result<Password> passwordOf(const Secret &printed)
{
    if (printed.empty())
        return rubbish("it is empty");
    if (printed.reveal().starts_with('{')) {
        error_code failed;
        const auto value = boost::json::parse({printed.reveal().data(), printed.size()}, failed);
        if (const auto *object = failed ? nullptr : value.if_object())
            if (const auto *text = object->if_contains("password"); text && text->is_string())
                return described(*object);
    }
    return Password{printed};
}

PasswordKeeper::PasswordKeeper(const Clock &clock, PasswordSource source)
    : PasswordKeeper(clock, std::move(source), Options{})
{}

PasswordKeeper::PasswordKeeper(const Clock &clock, PasswordSource source, Options options)
    : m_clock(clock), m_source(std::move(source)), m_options(options)
{}

PasswordKeeper::~PasswordKeeper() = default;

/// Under the mutex, as the next.
bool PasswordKeeper::goodAt(SteadyTime now) const { return m_kept && !m_refused && (!m_end || now < *m_end); }

bool PasswordKeeper::dueAt(SteadyTime now) const
{
    if (m_asked && now - *m_asked < m_options.between)
        return false;
    return !m_kept || m_refused || (m_renewal && now >= *m_renewal);
}

std::uint64_t PasswordKeeper::generation() const
{
    const std::lock_guard lock(m_mutex);
    return m_generation;
}

std::optional<Secret> PasswordKeeper::kept() const
{
    const std::lock_guard lock(m_mutex);
    return m_kept;
}

std::optional<Error> PasswordKeeper::problem() const
{
    const std::lock_guard lock(m_mutex);
    return m_problem;
}

void PasswordKeeper::refused(const Secret &password)
{
    const std::lock_guard lock(m_mutex);
    if (m_kept && *m_kept == password)
        m_refused = true;
}

void PasswordKeeper::renewIfDue(const Executor &executor)
{
    {
        const std::lock_guard lock(m_mutex);
        if (m_asking || !dueAt(m_clock.steady()))
            return;
        m_asking = true;
        m_asked = m_clock.steady();
    }
    spawn(executor, [self = shared_from_this()] { return obtain(self); });
}

awaitable<Result<Secret>> PasswordKeeper::current()
{
    const auto self = shared_from_this();
    const Executor executor = co_await asio::this_coro::executor;
    const auto waiting = std::make_shared<Timer>(executor, std::chrono::steady_clock::now() + m_options.timeout);
    bool waits = false;
    renewIfDue(executor);
    {
        const std::lock_guard lock(m_mutex);
        waits = m_asking && !goodAt(m_clock.steady());
        if (waits)
            m_waiting.push_back(waiting);
    }
    error_code woken;
    if (waits)
        co_await waiting->async_wait(asio::redirect_error(use_awaitable, woken));
    const std::lock_guard lock(m_mutex);
    if (goodAt(m_clock.steady()))
        co_return *m_kept;
    if (waits && !woken)
        co_return slow();
    if (m_problem)
        co_return *m_problem;
    if (m_kept) // refused or over, and it is too early to ask again: Redis has the last word
        co_return *m_kept;
    co_return slow();
}

awaitable<void> PasswordKeeper::obtain(std::shared_ptr<PasswordKeeper> self)
{
    /// Also where the thread ends before there is an answer.
    struct Done
    {
        PasswordKeeper &keeper;
        ~Done() { keeper.wake(); }
    } const done{*self};
    const SteadyTime asked = self->m_clock.steady();
    Result<Password> answer = co_await self->m_source();
    self->obtained(std::move(answer), asked);
}

void PasswordKeeper::obtained(Result<Password> answer, SteadyTime asked)
{
    const std::lock_guard lock(m_mutex);
    if (answer && answer->text.empty())
        answer = rubbish("it is empty");
    if (!answer) {
        m_problem = answer.error();
        return;
    }
    m_problem.reset();
    if (!m_kept || !(*m_kept == answer->text)) {
        ++m_generation;
        m_refused = false;
    }
    m_kept = std::move(answer->text);
    m_end.reset();
    m_renewal.reset();
    if (m_options.renew.count() > 0)
        m_renewal = asked + m_options.renew;
    if (answer->lasts) {
        const auto lasts = std::clamp(*answer->lasts, std::chrono::seconds(1), longest);
        m_end = asked + lasts;
        const SteadyTime before =
            *m_end - std::min<SteadyTime::duration>(m_options.ahead, SteadyTime::duration(lasts) / 2);
        m_renewal = m_renewal ? std::min(*m_renewal, before) : before;
    }
}

void PasswordKeeper::wake()
{
    std::vector<std::weak_ptr<Timer>> waiting;
    {
        const std::lock_guard lock(m_mutex);
        m_asking = false;
        waiting.swap(m_waiting);
    }
    for (const auto &each : waiting)
        if (const auto timer = each.lock())
            asio::post(timer->get_executor(), [timer] { timer->cancel(); });
}

} // namespace portolan::redis
