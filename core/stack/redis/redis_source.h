// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/secret.h"
#include "core/base/secret_ref.h"
#include "core/monitor/loop_life.h"
#include "core/redis/client.h"
#include "core/stack/redis/watch_rights.h"
#include "core/stack/source.h"
#include "core/stack/watch_file.h"

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace portolan {
class Clock;
class Logger;
} // namespace portolan

namespace portolan::stack {

/// Reads a secret that a file names, each time it is needed.
using SecretReader = std::function<awaitable<Result<Secret>>(SecretRef reference)>;

/// The Redis of a watched stack: the one connection that everybody in this process asks it by, and what it lets us do.
///
/// The connection is named `portolan-watch`. Its password is read anew before each attempt to connect, so that one that
/// was changed is taken; one that cannot be read counts as an attempt that failed, and is told. What the user may do is
/// tried once on each new connection (watch_rights.h) and remembered.
class RedisSource final : public Source
{
public:
    struct Parts
    {
        const Clock &clock;
        Logger &logger;
        std::shared_ptr<Dialer> way; ///< null: straight
        std::shared_ptr<TlsClients> trust;
        SecretReader secret; ///< of the part's password
    };

    /// `name`: "redis", "results". `acting`: whether operators may act, so that these rights are tried too. `executor`
    /// as Source::start() has it: the client's.
    RedisSource(std::string name, Executor executor, RedisPart part, bool acting, Parts parts);
    ~RedisSource() override; ///< stop()

    std::string_view name() const override { return m_name; }
    void start(Executor executor) override;
    void stop() override;
    SourceFigures figures() const override;

    redis::Client &client() { return m_client; }
    /// Null before it was first asked. From any thread.
    std::shared_ptr<const WatchRights> rights() const;

private:
    awaitable<void> run();
    awaitable<void> pause(std::chrono::milliseconds time);
    void note();
    SourceState stateNow(const std::optional<Error> &problem) const;

    const std::string m_name;
    const RedisPart m_part;
    const bool m_acting;
    const Parts m_parts;
    redis::Client m_client;
    Timer m_timer;
    monitor::LoopLife m_life;
    bool m_stopping = false; ///< on the executor

    mutable std::mutex m_mutex; ///< of what follows
    std::shared_ptr<const WatchRights> m_rights;
    SourceState m_state = SourceState::Off;
    SteadyTime m_since{};
};

} // namespace portolan::stack
