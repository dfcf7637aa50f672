// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/limits/limits_table.h"

#include "core/base/ids.h"
#include "core/base/names.h"
#include "core/redis/client.h"
#include "core/redis/subscriber.h"

#include <algorithm>

namespace portolan::limits {

namespace {

Result<void> read(const std::map<Category, std::string> &texts, std::array<WindowSpec, categoryCount> &to,
                  const std::string &table)
{
    for (const auto &[category, text] : texts) {
        const std::string where = "/" + table + "/" + std::string(enumKey(category));
        if (category == Category::Admin || category == Category::Unlimited)
            return badField("The category of " + where + " has no limits to set.", where, "has no limits to set");
        auto windows = parse(text);
        if (!windows) {
            Error error = windows.error();
            for (auto &field : error.fields)
                field.pointer = where;
            error.message = "In " + where.substr(1) + ": " + error.message;
            return error;
        }
        to[static_cast<std::size_t>(category)] = WindowSpec(std::move(*windows));
    }
    return {};
}

} // namespace

Result<LimitsPlan> LimitsPlan::make(const std::map<Category, std::string> &limits,
                                    const std::map<Category, std::string> &limitsPerAddress)
{
    LimitsPlan plan;
    if (auto done = read(limits, plan.caller, "limits"); !done)
        return done.error();
    if (auto done = read(limitsPerAddress, plan.address, "limits_address"); !done)
        return done.error();
    return plan;
}

LimitsTable::LimitsTable(const Clock &clock, LimitsPlan plan, std::size_t entries, std::chrono::milliseconds life)
    : m_clock(clock),
      m_bound(std::max<std::size_t>(1, entries)),
      m_life(life),
      m_plan(std::move(plan)),
      m_self(randomToken(8))
{}

LimitsTable::~LimitsTable() { m_subscription.reset(); }

void LimitsTable::connect(redis::Client &client, redis::Subscriber &subscriber)
{
    m_client = &client;
    m_subscription = subscriber.subscribe(std::string(channel),
                                          [this](std::string_view, std::string_view payload) { heard(payload); });
}

std::shared_ptr<const UserLimits> LimitsTable::known(Id user)
{
    static const auto none = std::make_shared<const UserLimits>();
    if (!m_loadUser)
        return none;
    const std::lock_guard lock(m_mutex);
    const auto found = m_index.find(user);
    if (found == m_index.end() || m_clock.steady() >= found->second->until)
        return nullptr;
    m_order.splice(m_order.begin(), m_order, found->second);
    return found->second->limits;
}

awaitable<Result<std::shared_ptr<const UserLimits>>> LimitsTable::load(Id user)
{
    if (auto already = known(user))
        co_return already;
    std::uint64_t changes = 0;
    {
        const std::lock_guard lock(m_mutex);
        changes = m_changes;
    }
    const auto overrides = co_await m_loadUser(user);
    if (!overrides)
        co_return overrides.error();
    auto limits = std::make_shared<UserLimits>();
    for (const auto &entry : *overrides) {
        auto windows = parse(entry.windows);
        if (windows && entry.category < Category::Admin)
            limits->own[static_cast<std::size_t>(entry.category)] =
                std::make_shared<const WindowSpec>(std::move(*windows));
    }
    const std::lock_guard lock(m_mutex);
    if (changes == m_changes) {
        if (const auto found = m_index.find(user); found != m_index.end()) {
            m_order.erase(found->second);
            m_index.erase(found);
        }
        m_order.push_front({user, limits, m_clock.steady() + m_life});
        m_index.emplace(user, m_order.begin());
        if (m_order.size() > m_bound) {
            m_index.erase(m_order.back().user);
            m_order.pop_back();
        }
    }
    co_return std::shared_ptr<const UserLimits>(limits);
}

void LimitsTable::forget(Id user)
{
    drop(user);
    publish("user " + formatId(user));
}

void LimitsTable::drop(Id user)
{
    const std::lock_guard lock(m_mutex);
    ++m_changes;
    if (const auto found = m_index.find(user); found != m_index.end()) {
        m_order.erase(found->second);
        m_index.erase(found);
    }
}

void LimitsTable::publish(const std::string &message)
{
    if (m_client)
        m_client->post(redis::Command("PUBLISH", channel, m_self + " " + message));
}

void LimitsTable::heard(std::string_view message)
{
    const auto blank = message.find(' ');
    if (blank == std::string_view::npos || message.substr(0, blank) == m_self)
        return;
    const std::string_view what = message.substr(blank + 1);
    if (what.starts_with("user ")) {
        if (const auto user = parseId(what.substr(5)))
            drop(*user);
    }
}

} // namespace portolan::limits
