// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"
#include "core/base/asio.h"

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace portolan::http {

class Connection;

/// What counts as one address: an IPv4 address, or the /64 that an IPv6 client has for itself (RFC 6177).
std::string addressPlace(const asio::ip::address &address);

/// Who is connected from where, over all threads: bounds of connections in total and per address. Locked only when a
/// connection comes or goes.
///
/// Nobody is locked out by connections that only wait: at a bound, of one address or in total, the connection that has
/// waited longest for its client (keep-alive, a head or a body that is sent slowly, an answer that is not read) makes
/// room for the new one. Those of trusted proxies go last, since others' requests come over them. Only where all are
/// busy the new one is refused.
class AddressTable final
{
public:
    AddressTable(std::size_t total, std::size_t perAddress) : m_total(total), m_perAddress(perAddress) {}

    /// A connection that has lost its place. On `executor`, whoever added the new one tells it so, by
    /// Connection::giveWay(since).
    struct Evicted
    {
        std::weak_ptr<Connection> connection;
        Executor executor;
        std::int64_t since; ///< its waitingSince()
    };
    struct Admission
    {
        bool admitted = false;
        std::optional<Evicted> evicted;
    };
    /// Takes a place. `bounded`: false for trusted proxies, which have no bound of their own.
    Admission enter(const std::string &address, const std::shared_ptr<Connection> &connection, bool bounded,
                    SteadyTime now);
    /// Gives the place back. A connection that has none is ignored.
    void leave(const std::string &address, const Connection *connection);
    std::size_t size() const;

private:
    struct Member
    {
        const Connection *key;                ///< alive while listed: a connection leaves before it dies
        std::weak_ptr<Connection> connection; ///< never locked here, since a connection must end on its own thread
        bool bounded;
        std::uint64_t serial;
    };
    using Members = std::list<Member>; ///< oldest first
    struct Waiting
    {
        std::string address;
        std::uint64_t serial;
        std::int64_t since;
        bool bounded;
    };

    std::optional<Evicted> evictFrom(Members &members);
    std::optional<Evicted> evictAnywhere(SteadyTime now);
    void listWaiting();
    Evicted remove(Members &members, Members::iterator member);

    const std::size_t m_total;
    const std::size_t m_perAddress;
    mutable std::mutex m_mutex;
    std::size_t m_size = 0;
    std::uint64_t m_serials = 0;
    std::unordered_map<std::string, Members> m_addresses;
    /// Who waited longest when everybody was looked at last, the longest at the end. Whoever has begun to wait since
    /// has waited less than all of these, so it is right until it is used up.
    std::vector<Waiting> m_longest;
    std::optional<SteadyTime> m_noneWaited; ///< when nobody was found to wait
};

} // namespace portolan::http
