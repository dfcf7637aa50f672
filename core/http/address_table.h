#pragma once

#include "core/base/asio.h"

#include <cstddef>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

namespace portolan::http {

class Connection;

/// What counts as one address: an IPv4 address, or the /64 that an IPv6 client has for itself (RFC 6177).
std::string addressPlace(const asio::ip::address &address);

/// Who is connected from where, over all threads: bounds of connections in total and per address. Locked only when a
/// connection comes or goes.
class AddressTable final
{
public:
    AddressTable(std::size_t total, std::size_t perAddress) : m_total(total), m_perAddress(perAddress) {}

    struct Admission
    {
        bool admitted = false;
        /// Has lost its place to the new one; the caller cuts it, on its own thread.
        std::weak_ptr<Connection> evicted;
        std::optional<Executor> evictedOn;
    };
    /// Takes a place. An address at its bound loses its oldest connection without complete headers, if it has one.
    /// `bounded`: false for trusted proxies.
    Admission enter(const std::string &address, const std::shared_ptr<Connection> &connection, bool bounded);
    /// Gives the place back. A connection that has none is ignored.
    void leave(const std::string &address, const Connection *connection);
    std::size_t size() const;

private:
    struct Member
    {
        const Connection *key;                ///< alive while listed: a connection leaves before it dies
        std::weak_ptr<Connection> connection; ///< never locked here, since a connection must end on its own thread
    };
    const std::size_t m_total;
    const std::size_t m_perAddress;
    mutable std::mutex m_mutex;
    std::size_t m_size = 0;
    std::unordered_map<std::string, std::list<Member>> m_addresses; ///< oldest first
};

} // namespace portolan::http
