// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/access.h"
#include "core/api/clock.h"
#include "core/api/result.h"
#include "core/api/tier.h"
#include "core/api/user.h"
#include "core/base/asio.h"
#include "core/limits/window_spec.h"

#include <array>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace portolan::redis {
class Client;
class Subscriber;
} // namespace portolan::redis

namespace portolan::limits {

inline constexpr std::size_t categoryCount = 8;

/// The windows of every category. Immutable once made.
struct LimitsPlan
{
    std::array<WindowSpec, categoryCount> caller;  ///< per user, or per address of who is not signed in
    std::array<WindowSpec, categoryCount> address; ///< per address in addition

    /// Invalid: a text that parse() refuses; `fields` names it ("/limits/api"). `admin` and `unlimited` cannot be set.
    static Result<LimitsPlan> make(const std::map<Category, std::string> &limits,
                                   const std::map<Category, std::string> &limitsPerAddress);
};

/// One user's own windows; an empty pointer means the plan's.
struct UserLimits
{
    std::array<std::shared_ptr<const WindowSpec>, categoryCount> own;
};

/// Which windows apply to whom, right now. From any thread; locks are held for some dozen nanoseconds.
///
/// The plan is settled at the start. Changes of a user's own windows are pushed: forget() tells the other instances
/// over the channel `p:limits`, and each of them reads again through the loader. Persisting is the caller's: write to
/// the database first, then call forget().
class LimitsTable final
{
public:
    /// The user's overrides from the database (storage::LimitsStore::list).
    using UserLoader = std::function<awaitable<Result<std::vector<LimitOverride>>>(Id user)>;

    /// `entries`: users whose overrides (also: that there are none) are remembered; each is good for `life`, in case a
    /// notice got lost.
    LimitsTable(const Clock &clock, LimitsPlan plan, std::size_t entries = 100'000,
                std::chrono::milliseconds life = std::chrono::minutes(5));
    ~LimitsTable();
    LimitsTable(const LimitsTable &) = delete;
    LimitsTable &operator=(const LimitsTable &) = delete;

    /// Connects to the other instances. Both outlive this. Before the server starts; without, everything stays local.
    void connect(redis::Client &client, redis::Subscriber &subscriber);
    void onLoadUser(UserLoader loader) { m_loadUser = std::move(loader); } ///< before the server starts

    const LimitsPlan &plan() const { return m_plan; }

    /// What is remembered of a user's overrides; null: not known, load().
    std::shared_ptr<const UserLimits> known(Id user);
    /// Reads a user's overrides. What cannot be parsed any more (a grammar that became stricter) is left out. Errors
    /// are the loader's.
    awaitable<Result<std::shared_ptr<const UserLimits>>> load(Id user);
    void forget(Id user); ///< a user's overrides changed

    static constexpr std::string_view channel = "p:limits"; ///< messages: "<instance> user <id>"

private:
    struct Remembered
    {
        Id user = 0;
        std::shared_ptr<const UserLimits> limits;
        SteadyTime until;
    };

    void drop(Id user);
    void publish(const std::string &message);
    void heard(std::string_view message);

    const Clock &m_clock;
    const std::size_t m_bound;
    const std::chrono::milliseconds m_life;
    const LimitsPlan m_plan;
    UserLoader m_loadUser;
    mutable std::mutex m_mutex;
    std::list<Remembered> m_order; ///< most recently used first
    std::unordered_map<Id, std::list<Remembered>::iterator> m_index;
    std::uint64_t m_changes = 0; ///< a reading that began before a change must not be remembered
    redis::Client *m_client = nullptr;
    std::shared_ptr<void> m_subscription;
    const std::string m_self; ///< so that an instance does not answer its own notices
};

} // namespace portolan::limits
