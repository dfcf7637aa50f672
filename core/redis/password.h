// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"
#include "core/api/result.h"
#include "core/api/secret.h"
#include "core/base/asio.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

/// Passwords that end: a token of Entra ID, of ElastiCache's IAM, what a password command prints.
namespace portolan::redis {

struct Password
{
    Secret text;
    std::optional<std::chrono::seconds> lasts{}; ///< from when it was asked for; nullopt: until it is refused
};

/// What a password command printed, or a file has: the password itself, or `{"password": "…", "expires_in": 3600}`,
/// where the second may be missing and others may stand beside them. A text is taken for the latter where it begins
/// with a brace and is a JSON object with a text `password`. Protocol "secret-rubbish": an empty password, or one that
/// lasts no whole second.
Result<Password> passwordOf(const Secret &printed);

/// Obtains the password. Runs on the thread of whoever asked first; has deadlines of its own.
using PasswordSource = std::function<awaitable<Result<Password>>()>;

/// The password of one user, shared by all connections that sign in with it: it is obtained once for all of them, when
/// it is first needed, when Redis has refused it, and before it ends. What is obtained later replaces it; where nothing
/// can be obtained the old one stays as long as it is good. Any thread.
///
///     const auto keeper = std::make_shared<PasswordKeeper>(clock, source);
///     options.password = keeper; // of the Client, of the Subscriber, of the nodes of a cluster
class PasswordKeeper final : public std::enable_shared_from_this<PasswordKeeper>
{
public:
    struct Options
    {
        /// Obtained again this long after it was; zero: when it ends, where it says so, and when it is refused.
        std::chrono::seconds renew{0};
        /// How long before its end: or half of what it lasts, where that is less.
        std::chrono::seconds ahead{60};
        /// Between two questions, however urgent the second: a program is not run for each attempt to connect.
        std::chrono::milliseconds between{5000};
        /// For how long anybody waits for an answer; one that comes later is taken all the same.
        std::chrono::milliseconds timeout{35'000};
    };

    /// `clock` outlives it: it is what ends are counted by. Waiting for `timeout` is by the machine's steady clock.
    PasswordKeeper(const Clock &clock, PasswordSource source);
    PasswordKeeper(const Clock &clock, PasswordSource source, Options options);
    ~PasswordKeeper();
    PasswordKeeper(const PasswordKeeper &) = delete;
    PasswordKeeper &operator=(const PasswordKeeper &) = delete;

    /// To connect with: the one there is, while it is good; else waits for the one that is being obtained. Asks for
    /// another where it is due. Where none can be obtained, what Redis has refused once more. The errors of the source;
    /// Timeout "redis-password-slow".
    awaitable<Result<Secret>> current();

    /// Asks for another, on `executor`'s thread, where there is none, where it was refused or where it ends soon; for
    /// who is connected and has time.
    void renewIfDue(const Executor &executor);

    /// Redis does not take it (WRONGPASS): current() obtains another.
    void refused(const Secret &password);

    /// Of the password there is: one more each time another one was obtained, 0 before the first.
    std::uint64_t generation() const;
    /// The one there is, good or not; nothing before the first.
    std::optional<Secret> kept() const;
    /// Why it could not be obtained, the last time; nothing where it could.
    std::optional<Error> problem() const;

private:
    static awaitable<void> obtain(std::shared_ptr<PasswordKeeper> self);
    void obtained(Result<Password> answer, SteadyTime asked);
    bool dueAt(SteadyTime now) const;
    bool goodAt(SteadyTime now) const;
    void wake();

    const Clock &m_clock;
    const PasswordSource m_source;
    const Options m_options;

    mutable std::mutex m_mutex; ///< of what follows
    std::optional<Secret> m_kept;
    std::uint64_t m_generation = 0;
    std::optional<SteadyTime> m_renewal; ///< when it is due
    std::optional<SteadyTime> m_end;
    std::optional<SteadyTime> m_asked; ///< the last time
    std::optional<Error> m_problem;
    bool m_refused = false;
    bool m_asking = false;
    std::vector<std::weak_ptr<Timer>> m_waiting;
};

} // namespace portolan::redis
