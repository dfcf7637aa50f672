// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/http/address_table.h"

#include "core/http/connection.h"

#include <algorithm>
#include <tuple>

namespace portolan::http {

namespace {

/// Looking at everybody takes a moment, so it is done for so many evictions at once …
constexpr std::size_t listed = 256;
/// … and not again so soon where nobody waited.
constexpr std::chrono::milliseconds pause{50};

} // namespace

std::string addressPlace(const asio::ip::address &address)
{
    if (!address.is_v6())
        return address.to_string();
    auto bytes = address.to_v6().to_bytes();
    std::fill(bytes.begin() + 8, bytes.end(), static_cast<unsigned char>(0));
    return asio::ip::address_v6(bytes).to_string() + "/64";
}

AddressTable::Admission AddressTable::enter(const std::string &address, const std::shared_ptr<Connection> &connection,
                                            bool bounded, SteadyTime now)
{
    Admission result;
    const std::lock_guard lock(m_mutex);
    if (bounded) {
        const auto found = m_addresses.find(address);
        if (found != m_addresses.end() && found->second.size() >= m_perAddress) {
            result.evicted = evictFrom(found->second);
            if (!result.evicted)
                return result;
        }
    }
    if (m_size >= m_total) {
        result.evicted = evictAnywhere(now);
        if (!result.evicted)
            return result;
    }
    m_addresses[address].push_back({connection.get(), connection, bounded, ++m_serials});
    ++m_size;
    result.admitted = true;
    return result;
}

std::optional<AddressTable::Evicted> AddressTable::evictFrom(Members &members)
{
    auto longest = members.end();
    std::int64_t since = 0;
    for (auto it = members.begin(); it != members.end(); ++it) {
        const auto waits = it->key->waitingSince();
        if (waits != 0 && (longest == members.end() || waits < since)) {
            longest = it;
            since = waits;
        }
    }
    if (longest == members.end())
        return std::nullopt;
    return remove(members, longest);
}

std::optional<AddressTable::Evicted> AddressTable::evictAnywhere(SteadyTime now)
{
    if (m_longest.empty()) {
        if (m_noneWaited && now - *m_noneWaited < pause)
            return std::nullopt;
        listWaiting();
    }
    while (!m_longest.empty()) {
        const auto next = std::move(m_longest.back());
        m_longest.pop_back();
        const auto found = m_addresses.find(next.address);
        if (found == m_addresses.end())
            continue;
        auto &members = found->second;
        const auto member = std::ranges::find(members, next.serial, &Member::serial);
        if (member == members.end() || member->key->waitingSince() != next.since)
            continue; // gone, or it has had a request since
        auto evicted = remove(members, member);
        if (members.empty())
            m_addresses.erase(found);
        return evicted;
    }
    m_noneWaited = now;
    return std::nullopt;
}

void AddressTable::listWaiting()
{
    for (const auto &[address, members] : m_addresses) {
        for (const auto &member : members) {
            if (const auto since = member.key->waitingSince(); since != 0)
                m_longest.push_back({address, member.serial, since, member.bounded});
        }
    }
    const auto order = [](const Waiting &waiting) { return std::tuple(!waiting.bounded, waiting.since); };
    if (m_longest.size() > listed) {
        const auto end = m_longest.begin() + listed;
        std::ranges::nth_element(m_longest, end, {}, order);
        m_longest.erase(end, m_longest.end());
    }
    std::ranges::sort(m_longest, std::greater<>(), order);
}

AddressTable::Evicted AddressTable::remove(Members &members, Members::iterator member)
{
    Evicted evicted{std::move(member->connection), member->key->executor(), member->key->waitingSince()};
    members.erase(member);
    --m_size;
    return evicted;
}

void AddressTable::leave(const std::string &address, const Connection *connection)
{
    const std::lock_guard lock(m_mutex);
    const auto found = m_addresses.find(address);
    if (found == m_addresses.end())
        return;
    auto &members = found->second;
    const auto member = std::ranges::find(members, connection, &Member::key);
    if (member == members.end())
        return;
    members.erase(member);
    --m_size;
    if (members.empty())
        m_addresses.erase(found);
}

std::size_t AddressTable::size() const
{
    const std::lock_guard lock(m_mutex);
    return m_size;
}

} // namespace portolan::http
