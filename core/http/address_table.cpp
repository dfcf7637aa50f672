#include "core/http/address_table.h"

#include "core/http/connection.h"

#include <algorithm>

namespace portolan::http {

std::string addressPlace(const asio::ip::address &address)
{
    if (!address.is_v6())
        return address.to_string();
    auto bytes = address.to_v6().to_bytes();
    std::fill(bytes.begin() + 8, bytes.end(), static_cast<unsigned char>(0));
    return asio::ip::address_v6(bytes).to_string() + "/64";
}

AddressTable::Admission AddressTable::enter(const std::string &address, const std::shared_ptr<Connection> &connection,
                                            bool bounded)
{
    Admission result;
    const std::lock_guard lock(m_mutex);
    auto &members = m_addresses[address];
    if (bounded && members.size() >= m_perAddress) {
        for (auto it = members.begin(); it != members.end(); ++it) {
            if (it->key->headersPending()) {
                result.evicted = it->connection;
                result.evictedOn = it->key->executor();
                members.erase(it);
                --m_size;
                break;
            }
        }
        if (members.size() >= m_perAddress)
            return result;
    }
    if (m_size >= m_total) {
        if (members.empty())
            m_addresses.erase(address);
        return result;
    }
    members.push_back({connection.get(), connection});
    ++m_size;
    result.admitted = true;
    return result;
}

void AddressTable::leave(const std::string &address, const Connection *connection)
{
    const std::lock_guard lock(m_mutex);
    const auto found = m_addresses.find(address);
    if (found == m_addresses.end())
        return;
    auto &members = found->second;
    const auto member =
        std::find_if(members.begin(), members.end(), [&](const Member &m) { return m.key == connection; });
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
