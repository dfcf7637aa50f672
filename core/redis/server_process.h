// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/result.h"
#include "core/redis/endpoint.h"

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace portolan::redis {

struct ServerProcessOptions
{
    /// Redis' own directory: the append-only file, and the socket when its path is short enough. Made, with mode 0700,
    /// when it is missing. One ServerProcess at a time uses it.
    std::filesystem::path dataDirectory;
    std::filesystem::path noteFile = {};            ///< of what is left in there; empty: in there (append_only.h)
    std::uint64_t maxmemory = 30 * 1024 * 1024;     ///< bytes; full means writes are refused, nothing is evicted
    std::string program = "redis-server";           ///< searched in PATH, /usr/local/bin and /usr/bin
    std::chrono::milliseconds startTimeout{30'000}; ///< until PING is answered, loading the data included
    std::chrono::milliseconds stopTimeout{5'000};   ///< after SIGTERM; then SIGKILL
    /// Running but answering no PING for so long: it is ended and started again. A slow disk stalls Redis for seconds.
    std::chrono::milliseconds hangTimeout{30'000};
    std::chrono::milliseconds backoffMin{100};   ///< between restarts, doubling …
    std::chrono::milliseconds backoffMax{5'000}; ///< … up to this; from the start again after 10 s of life
    /// Each line Redis logs, without its time stamp. On the watching thread; must not block for long.
    std::function<void(bool warning, std::string_view line)> onLog = {};
    /// The one command that keeps a copy of damaged append-only files and mends them; empty: Redis' own.
    std::string mendCommand = {};
    /// It died or hung and is about to be started again. On the watching thread; must not block.
    std::function<void(const Error &why)> onRestart = {};
};

/// The private redis-server of a portal that has no other: a child process without a TCP port, reachable over a Unix
/// socket that only this user can open, that keeps an append-only file (fsync every second) and evicts nothing.
///
/// A thread of its own starts it, watches it, starts it again when it dies or hangs, and stops it. The child is told by
/// the kernel to end (SIGTERM, so that it flushes its file) when that thread is gone, and so when this process was
/// killed; one that could not obey, being stopped itself, is ended by the next start on the same directory.
///
/// start() and stop() are called by one thread, the rest from any.
///
/// Errors of start(), as kind "code": Unavailable "redis-missing" (no such program), "redis-corrupt" (the append-only
/// files are damaged, or cannot be what the last start left: append_only.h; a mere truncated tail is no damage),
/// "redis-data" (the directory), "redis-start" (anything else, with what Redis said); Conflict "redis-in-use" (another
/// process uses the directory); Timeout "redis-start".
class ServerProcess final
{
public:
    enum class State : std::uint8_t { Stopped, Starting, Running, Waiting }; ///< Waiting: died, about to be restarted

    struct Status
    {
        State state = State::Stopped;
        pid_t pid = 0;                ///< 0: none
        std::uint64_t restarts = 0;   ///< after a death, since start()
        std::optional<Error> problem; ///< why it is not running, or did not in the last try
    };

    explicit ServerProcess(ServerProcessOptions options);
    ~ServerProcess(); ///< stop()
    ServerProcess(const ServerProcess &) = delete;
    ServerProcess &operator=(const ServerProcess &) = delete;

    /// Blocks until the server answers or has failed; after a failure nothing is left running. Not on an I/O thread.
    Result<void> start();

    /// SIGTERM, SIGKILL after stopTimeout; blocks until it is gone. Twice is harmless.
    void stop();

    Endpoint endpoint() const; ///< valid after start(), the same over restarts
    Status status() const;     ///< from any thread
    /// Whether the append-only files are still where the next start looks for them: Redis goes on writing to files that
    /// were deleted or moved, and nothing fails. Unavailable "redis-moved". From any thread.
    Result<void> inPlace() const;

private:
    class Impl;
    std::unique_ptr<Impl> m_impl;
};

} // namespace portolan::redis
