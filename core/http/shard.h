// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"
#include "core/base/asio.h"

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace portolan::http {

class Connection;

/// What one I/O thread keeps for its connections: their list, one timer that looks at all their deadlines, the Date
/// header, and the source of request ids. Used on its thread only.
class Shard final : public std::enable_shared_from_this<Shard>
{
public:
    /// How late a deadline may be noticed.
    static constexpr std::chrono::milliseconds tick{100};

    Shard(Executor executor, const Clock &clock);

    Executor executor() const { return m_executor; }
    const Clock &clock() const { return m_clock; }

    void stop(); ///< from any thread; the timer ends

    void add(Connection &connection);
    void remove(Connection &connection);
    const std::vector<Connection *> &connections() const { return m_connections; }
    /// The same, held, for loops in which connections may end.
    std::vector<std::shared_ptr<Connection>> held() const;

    /// "Date: …\r\n", at most a tick old.
    std::string_view dateLine() const { return m_dateLine; }
    void nextRequestId(std::string &id);
    /// Where bytes go that nobody reads.
    std::array<char, 64 * 1024> &scratch() { return m_scratch; }

private:
    void arm();
    void sweep();
    void updateDate();
    void reserveSockets();

    const Executor m_executor;
    const Clock &m_clock;
    Timer m_timer;
    bool m_stopped = false;
    bool m_armed = false; ///< while there are connections
    std::vector<Connection *> m_connections;
    std::size_t m_reserved = 0; ///< sockets that Asio has what it notes of them for
    std::string m_dateLine;
    std::int64_t m_dateSecond = -1;
    std::string m_idPrefix;
    std::uint64_t m_idCounter = 0;
    std::array<char, 64 * 1024> m_scratch{};
};

} // namespace portolan::http
