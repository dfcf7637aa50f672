// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/http/shard.h"

#include "core/http/connection.h"

#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/asio/post.hpp>

#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include <charconv>
#include <ctime>
#include <random>

namespace portolan::http {

Shard::Shard(Executor executor, const Clock &clock) : m_executor(executor), m_clock(clock), m_timer(executor)
{
    constexpr std::string_view digits = "0123456789abcdef";
    std::random_device random;
    auto bits = (static_cast<std::uint64_t>(random()) << 32) | random();
    for (int i = 0; i < 12; ++i, bits >>= 4)
        m_idPrefix.push_back(digits[bits & 15]);
    m_idPrefix.push_back('-');
    updateDate();
}

void Shard::stop()
{
    asio::post(m_executor, [self = shared_from_this()] {
        self->m_stopped = true;
        self->m_timer.cancel();
    });
}

void Shard::arm()
{
    m_armed = !m_stopped && !m_connections.empty();
    if (!m_armed)
        return;
    m_timer.expires_after(tick);
    m_timer.async_wait([self = shared_from_this()](error_code ec) {
        if (!ec && !self->m_stopped)
            self->sweep();
        self->arm(); // also when it was cancelled as the last connection went, and then another came
    });
}

void Shard::sweep()
{
    updateDate();
    const auto now = m_clock.steady();
    for (Connection *connection : m_connections)
        connection->checkDeadline(now);
}

void Shard::updateDate()
{
    const auto second = std::chrono::system_clock::to_time_t(m_clock.wall());
    if (second == m_dateSecond)
        return;
    m_dateSecond = second;
    std::tm utc{};
    gmtime_r(&second, &utc);
    static constexpr const char *days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static constexpr const char *months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                             "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    char line[96]; // not strftime, whose names follow the locale
    const int size =
        std::snprintf(line, sizeof line, "Date: %s, %02d %s %04d %02d:%02d:%02d GMT\r\n", days[utc.tm_wday],
                      utc.tm_mday, months[utc.tm_mon], utc.tm_year + 1900, utc.tm_hour, utc.tm_min, utc.tm_sec);
    m_dateLine.assign(line, static_cast<std::size_t>(size));
}

/// What Asio notes of a socket it keeps for the next one, for good. Allocated between connections, each of those notes
/// would hold a page of theirs after a peak; so many are made at a time, side by side, before they are needed.
void Shard::reserveSockets()
{
    constexpr std::size_t atOnce = 256;
    constexpr std::size_t ahead = 64; // accepted, but not yet added
    if (m_connections.size() + ahead < m_reserved)
        return;
    m_reserved = m_connections.size() + atOnce;
    rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    std::vector<asio::posix::basic_stream_descriptor<Executor>> noted;
    noted.reserve(atOnce);
    for (std::size_t i = 0; i < atOnce; ++i) {
        const int handle = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (handle < 0)
            return;
        // The lowest free number: half of them stay for who needs a file meanwhile.
        if (rlim_t(handle) >= files.rlim_cur / 2) {
            ::close(handle);
            return;
        }
        error_code failed;
        noted.emplace_back(m_executor).assign(handle, failed);
        if (failed)
            ::close(handle);
    }
}

void Shard::add(Connection &connection)
{
    reserveSockets();
    connection.m_slot = m_connections.size();
    m_connections.push_back(&connection);
    if (!m_armed) {
        updateDate();
        arm();
    }
}

void Shard::remove(Connection &connection)
{
    Connection *last = m_connections.back();
    m_connections[connection.m_slot] = last;
    last->m_slot = connection.m_slot;
    m_connections.pop_back();
    if (m_connections.empty())
        m_timer.cancel(); // nothing is left to be looked after; what waits for an end of all work finds one
}

std::vector<std::shared_ptr<Connection>> Shard::held() const
{
    std::vector<std::shared_ptr<Connection>> all;
    all.reserve(m_connections.size());
    for (Connection *connection : m_connections)
        all.push_back(connection->shared_from_this());
    return all;
}

void Shard::nextRequestId(std::string &id)
{
    char digits[16];
    const auto end = std::to_chars(digits, digits + sizeof digits, ++m_idCounter, 16).ptr;
    id.assign(m_idPrefix).append(digits, end);
}

} // namespace portolan::http
