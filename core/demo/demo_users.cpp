// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/demo/demo_data.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>

namespace portolan::demo {

namespace {

constexpr std::array firstNames{"anna", "ben",  "clara", "david", "elena", "felix", "greta", "henry", "ines", "jonas",
                                "kira", "lena", "marco", "nina",  "oskar", "paula", "quinn", "rosa",  "sven", "tara"};
constexpr std::array lastNames{"adler",  "brandt", "conti", "duval", "evans", "fischer", "garcia", "haas", "ivanov",
                               "jensen", "keller", "lopez", "meyer", "novak", "olsen",   "petit",  "rossi"};

constexpr Id firstId = 7'000'000'001ull;
/// A search looks at no more accounts than this per page, as a database would with a deadline.
constexpr std::uint64_t mostScanned = 50'000;

bool matches(const User &user, const UserQuery &query)
{
    if (query.role && user.role != *query.role)
        return false;
    if (query.disabled && user.disabled != *query.disabled)
        return false;
    if (query.search.empty())
        return true;
    return query.match == TextMatch::Prefix ? user.email.starts_with(query.search)
                                            : user.email.find(query.search) != std::string::npos;
}

} // namespace

DemoUsers::DemoUsers(std::uint64_t count, bool longNames, WallTime start)
    : m_count(count), m_longNames(longNames), m_start(start)
{}

User DemoUsers::at(std::uint64_t number) const
{
    User user;
    user.id = firstId + number;
    if (const auto changed = m_changed.find(user.id); changed != m_changed.end())
        return changed->second;
    user.email = firstNames[number * 7 % firstNames.size()];
    user.email += '.';
    user.email += lastNames[number * 5 % lastNames.size()];
    user.email += std::to_string(number);
    user.email += m_longNames
                      ? "+portfolio-and-watchlist-notifications@mail.department-of-applied-navigation.example.org"
                      : "@example.org";
    user.role = number == 0 ? Role::Admin : number % 97 == 1 ? Role::Operator : Role::User;
    user.disabled = number % 41 == 7;
    const auto age = std::chrono::minutes((m_count - number) * 37);
    user.created = m_start - age;
    if (number % 9 != 4)
        user.lastSignIn = m_start - std::chrono::minutes(number * 13 % std::min<std::int64_t>(age.count(), 20000));
    return user;
}

UserPage DemoUsers::page(const UserQuery &query) const
{
    UserQuery wanted = query;
    std::ranges::transform(wanted.search, wanted.search.begin(), [](unsigned char c) { return char(std::tolower(c)); });
    const bool usual = !query.order || (*query.order == UserOrder::Created && !query.ascending);
    if (!usual && m_count <= mostScanned)
        return sortedPage(wanted);
    // The cursor is the number of accounts still to look at, newest first.
    std::uint64_t left = m_count + m_added;
    if (!query.cursor.empty())
        left = std::min<std::uint64_t>(left, std::strtoull(query.cursor.c_str(), nullptr, 10));
    UserPage page;
    std::uint64_t scanned = 0;
    while (left > 0 && page.items.size() < query.limit && scanned < mostScanned) {
        ++scanned;
        if (User user = at(--left); !m_removed.contains(user.id) && matches(user, wanted))
            page.items.push_back(std::move(user));
    }
    if (left > 0)
        page.nextCursor = std::to_string(left);
    return page;
}

/// All that match, in another order; the cursor is how many came before.
UserPage DemoUsers::sortedPage(const UserQuery &query) const
{
    std::vector<User> all;
    for (std::uint64_t number = m_count + m_added; number-- > 0;) {
        if (User user = at(number); !m_removed.contains(user.id) && matches(user, query))
            all.push_back(std::move(user));
    }
    const auto before = [&query](const User &a, const User &b) {
        switch (*query.order) {
        case UserOrder::Address:
            return a.email < b.email;
        case UserOrder::Role:
            return a.role < b.role;
        case UserOrder::State:
            return a.disabled < b.disabled;
        case UserOrder::LastSignIn:
            return a.lastSignIn.value_or(WallTime{}) < b.lastSignIn.value_or(WallTime{});
        case UserOrder::Created:
            break;
        }
        return a.id < b.id;
    };
    std::ranges::stable_sort(
        all, [&](const User &a, const User &b) { return query.ascending ? before(a, b) : before(b, a); });
    const auto from = std::min<std::size_t>(all.size(), std::strtoull(query.cursor.c_str(), nullptr, 10));
    const auto to = std::min<std::size_t>(all.size(), from + query.limit);
    UserPage page;
    page.items.assign(all.begin() + std::ptrdiff_t(from), all.begin() + std::ptrdiff_t(to));
    if (to < all.size())
        page.nextCursor = std::to_string(to);
    return page;
}

std::optional<User> DemoUsers::find(Id id) const
{
    if (id < firstId || id >= firstId + m_count + m_added || m_removed.contains(id))
        return std::nullopt;
    return at(id - firstId);
}

std::optional<User> DemoUsers::find(const std::string &email) const
{
    for (const auto &[id, user] : m_changed) {
        if (user.email == email && !m_removed.contains(id))
            return user;
    }
    return std::nullopt;
}

const User &DemoUsers::add(std::string email, Role role, WallTime now)
{
    User user;
    user.id = firstId + m_count + m_added++;
    user.email = std::move(email);
    user.role = role;
    user.created = now;
    m_signedOut.insert(user.id);
    return m_changed[user.id] = std::move(user);
}

void DemoUsers::remove(Id id) { m_removed.insert(id); }

std::vector<SessionEntry> DemoUsers::sessionList(Id id, WallTime now) const
{
    constexpr std::array agents{"Firefox 128 on Linux", "Safari 17 on macOS", "Chrome 126 on Android"};
    std::vector<SessionEntry> all;
    if (m_signedOut.contains(id))
        return all;
    for (std::uint64_t i = 0; i < id % 3 + 1; ++i) {
        SessionEntry session;
        session.id = std::to_string(id) + "-" + std::to_string(i);
        session.userId = id;
        session.created = now - std::chrono::hours(2 + 3 * i);
        session.lastSeen = now - std::chrono::minutes(1 + 17 * i);
        session.address = "192.0.2." + std::to_string(10 + (id + i) % 200);
        session.agent = agents[(id + i) % agents.size()];
        all.push_back(std::move(session));
    }
    return all;
}

std::vector<LimitUse> DemoUsers::use(Id id, WallTime now) const
{
    const auto midnight = std::chrono::ceil<std::chrono::days>(now);
    const auto hour = std::chrono::ceil<std::chrono::hours>(now);
    const std::uint64_t seed = id % 17;
    return {
        {Category::Api, "200 per day", seed * 11, 200, midnight},
        {Category::Api, "30 per hour", std::min<std::uint64_t>(seed * 2, 30), 30, hour},
        {Category::Analysis, "30 per day", std::min<std::uint64_t>(seed * 2, 30), 30, midnight},
        {Category::Upload, "10 per day", seed % 5, 10, midnight},
        {Category::Automation, "15 per day", 0, 15, std::nullopt},
    };
}

} // namespace portolan::demo
