// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"
#include "core/api/result.h"
#include "core/api/snapshot.h"
#include "core/base/asio.h"

#include <array>
#include <chrono>
#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace portolan::http {
class WebSocket;
}

namespace portolan::monitor {

/// How often somebody wants to be sent snapshots, and which parts of them. Those who want the same are one group.
struct StreamWish
{
    std::chrono::seconds every{1};
    std::vector<std::string> only; ///< members of Snapshot as JSON spells them, in their order, each once; empty: all

    static constexpr std::array<std::chrono::seconds, 7> intervals{
        std::chrono::seconds(1),  std::chrono::seconds(2),  std::chrono::seconds(5), std::chrono::seconds(10),
        std::chrono::seconds(15), std::chrono::seconds(30), std::chrono::seconds(60)};
    auto operator<=>(const StreamWish &) const = default;
};

/// Of the parameters of the stream's address: `every` (one of the intervals, as "5s") and `only` (names, separated by
/// commas), each left out or empty for every second and all of it. Invalid, with the field: another parameter, an
/// interval that is none of these, a name that is no member of Snapshot.
Result<StreamWish> readStreamWish(const std::vector<std::pair<std::string, std::string>> &parameters);

/// These as OpenAPI's list of parameters. https://spec.openapis.org/oas/v3.1.0#parameter-object
std::string_view streamParameters();

/// Sends snapshots to everybody who watches, serialised once for all who want the same parts. From any thread.
class SnapshotStream final
{
public:
    explicit SnapshotStream(const Clock &clock) : m_clock(clock) {}

    static constexpr std::size_t maxWatchers = 200;
    static constexpr std::size_t maxGroups = 16; ///< beside those who want everything every second

    /// A new snapshot: kept as the latest, sent to all whose time has come.
    void publish(std::shared_ptr<const Snapshot> snapshot);

    /// The latest one as JSON text; null before the first. Serialised on demand, once per snapshot.
    std::shared_ptr<const std::string> text();
    std::shared_ptr<const Snapshot> latest() const;

    /// Serves one watcher until it goes; sends it the latest snapshot at once. Over maxWatchers, or with a wish that
    /// nobody has while there are maxGroups others, it is closed with 1013. What it sends is read and thrown away.
    awaitable<void> serve(std::shared_ptr<http::WebSocket> socket, StreamWish wish = {});

    std::size_t watchers() const;
    /// Whether somebody looks closely: more often than every five seconds.
    bool isWatchedClosely() const;

private:
    struct Group
    {
        std::set<std::shared_ptr<http::WebSocket>> watchers;
        SteadyTime sent{}; ///< when it was its turn last
    };
    enum class Joined : std::uint8_t { Yes, TooManyWatchers, TooManyGroups };

    std::shared_ptr<const std::string> textLocked(const std::vector<std::string> &only);
    Joined join(const std::shared_ptr<http::WebSocket> &socket, const StreamWish &wish,
                std::shared_ptr<const std::string> &first);
    void leave(const std::shared_ptr<http::WebSocket> &socket, const StreamWish &wish);
    std::size_t watchersLocked() const;

    const Clock &m_clock;
    mutable std::mutex m_mutex;
    std::shared_ptr<const Snapshot> m_latest;
    std::map<std::vector<std::string>, std::shared_ptr<const std::string>> m_texts; ///< of the latest, by parts
    std::map<StreamWish, Group> m_groups;
};

} // namespace portolan::monitor
