// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"
#include "core/api/result.h"
#include "core/base/asio.h"

#include <boost/describe/class.hpp>
#include <boost/describe/enum.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace portolan::redis {
class Client;
}

namespace portolan::monitor {

class KeyFamilies;

struct CleanupRequest
{
    std::string family;
    bool dryRun = true;
    /// Only keys nobody has read or written for so long (OBJECT IDLETIME; needs a maxmemory-policy other than LFU).
    std::optional<std::chrono::seconds> idle;
    static constexpr std::string_view jsonDefaulted[] = {"dryRun"};
};
BOOST_DESCRIBE_STRUCT(CleanupRequest, (), (family, dryRun, idle))

enum class CleanupState : std::uint8_t { Running, Done, Cancelled, Failed };
BOOST_DESCRIBE_ENUM(CleanupState, Running, Done, Cancelled, Failed)

/// A cleanup, or its preview, under way or ended.
struct CleanupStatus
{
    std::string id;
    std::string family;
    bool dryRun = true;
    CleanupState state = CleanupState::Running;
    std::uint64_t scanned = 0;          ///< keys looked at
    std::optional<std::uint64_t> total; ///< keys there were at the start
    std::uint64_t matched = 0;          ///< keys of the family (idle long enough)
    std::uint64_t removed = 0;          ///< 0 for a preview
    std::uint64_t bytes = 0;            ///< of the matched ones: mean of up to 64 measured × matched
    std::vector<std::string> sample;    ///< up to 20 of the matched keys, as printableKey() shows them
    WallTime started{};
    std::optional<WallTime> ended;
    std::string detail; ///< why it failed
    bool operator==(const CleanupStatus &) const = default;
};
BOOST_DESCRIBE_STRUCT(CleanupStatus, (),
                      (id, family, dryRun, state, scanned, total, matched, removed, bytes, sample, started, ended,
                       detail))

/// Deletes the keys of one family, or counts what that would delete. Walks through the keys with SCAN in steps of 250
/// on the shared connection, at most 100 steps a second (25,000 keys/s, a few per cent of the server's time), and
/// deletes with UNLINK what a step found, so that Redis never waits for it. One at a time for the process.
/// Keys written meanwhile may stay. A second deletes nothing that is no longer there: repeating it is harmless.
class Cleanup final
{
public:
    /// References outlive it. `finished` is called on the executor when one that was no preview has ended, also when it
    /// was cancelled or failed: for the audit log.
    /// `queues`: names and lists of the queues there are now, of which nothing is deleted, whatever family their names
    /// look like; called on the executor, empty: none are known.
    Cleanup(Executor executor, redis::Client &redis, const KeyFamilies &families, const Clock &clock,
            std::function<std::vector<std::string>()> queues = {});
    ~Cleanup(); ///< stop()
    Cleanup(const Cleanup &) = delete;
    Cleanup &operator=(const Cleanup &) = delete;

    using Finished = std::function<awaitable<void>(CleanupStatus)>;

    /// Begins. Invalid: no such family, or one that may not be cleaned up (queue, other). Conflict: one is under way.
    /// Unavailable: stopped. `finished` may be empty. From any thread.
    Result<CleanupStatus> start(CleanupRequest request, Finished finished = {});

    /// The one under way or the last one; nothing before the first. From any thread.
    std::optional<CleanupStatus> status() const;

    /// Ends the one of this id (empty: whichever it is) after its present step; what is deleted stays deleted. NotFound
    /// when it is not under way: another's goes on.
    Result<void> cancel(std::string_view id = {});

    /// Cancels and waits for its end; nothing can be started any more. Blocks; not on the executor's thread.
    void stop();

private:
    struct Impl;
    std::shared_ptr<Impl> m_impl;
};

} // namespace portolan::monitor
