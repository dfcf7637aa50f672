// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"
#include "core/api/result.h"
#include "core/base/asio.h"

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace portolan::redis {
class Client;
}

namespace portolan::queue {

/// Asks Celery workers, ours or Python's, through kombu's pidbox. One reply list for the life of the object; its
/// binding is removed by close() before the list (otherwise late replies would pile up in it).
class RemoteClient final
{
public:
    RemoteClient(redis::Client &client, const Clock &clock, unsigned database = 0);
    ~RemoteClient();
    RemoteClient(const RemoteClient &) = delete;
    RemoteClient &operator=(const RemoteClient &) = delete;

    /// Sends `method` to the named nodes and waits until all have answered or `timeout` (≤ 10 s) is over; answers what
    /// came: node → its reply. With no node named it asks all and always waits out the timeout, unless as many have
    /// answered as listen. `channels`: where else it is sent, for workers that listen elsewhere; who refuses that is
    /// passed over.
    awaitable<Result<std::map<std::string, boost::json::value>>> ask(std::string method, boost::json::object arguments,
                                                                     std::vector<std::string> nodes,
                                                                     std::chrono::milliseconds timeout,
                                                                     std::vector<std::string> channels = {});
    /// Without waiting for a reply; answers how many workers listen on this database.
    awaitable<Result<std::uint64_t>> tell(std::string method, boost::json::object arguments,
                                          std::vector<std::string> nodes, std::vector<std::string> channels = {});
    /// Before the end.
    awaitable<void> close();

private:
    struct Impl;
    std::unique_ptr<Impl> m_impl;
};

} // namespace portolan::queue
