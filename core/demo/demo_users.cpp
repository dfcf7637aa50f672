#include "core/demo/demo_data.h"

#include <algorithm>
#include <array>
#include <cctype>

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
    // The cursor is the number of accounts still to look at, newest first.
    std::uint64_t left = m_count;
    if (!query.cursor.empty())
        left = std::min<std::uint64_t>(left, std::strtoull(query.cursor.c_str(), nullptr, 10));
    UserPage page;
    std::uint64_t scanned = 0;
    while (left > 0 && page.items.size() < query.limit && scanned < mostScanned) {
        ++scanned;
        if (User user = at(--left); matches(user, wanted))
            page.items.push_back(std::move(user));
    }
    if (left > 0)
        page.nextCursor = std::to_string(left);
    return page;
}

std::optional<User> DemoUsers::find(Id id) const
{
    if (id < firstId || id >= firstId + m_count)
        return std::nullopt;
    return at(id - firstId);
}

std::uint64_t DemoUsers::sessions(Id id) const { return m_signedOut.contains(id) ? 0 : id % 3 + 1; }

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
