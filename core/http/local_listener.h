// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/kept_file.h"
#include "core/http/listener.h"

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/local/stream_protocol.hpp>

#include <future>
#include <memory>
#include <optional>
#include <string>

namespace portolan::http {

/// Accepts on a Unix socket of mode 0600, from its own user and root alone.
///
/// Whoever tidies up takes the socket's file along, or puts another in its place; nothing could reach the server any
/// more, and nothing tells of it. It is made again within a second or two, unless another process answers there.
class LocalListener final : public Listener, public std::enable_shared_from_this<LocalListener>
{
public:
    LocalListener(Executor executor, std::shared_ptr<ServerCore> core, std::vector<std::shared_ptr<Shard>> shards);

    /// Replaces a stale file: who else might listen there is for the caller to know. Unavailable.
    Result<void> bind() override;
    void start() override;
    void stop() override; ///< removes the file

private:
    using Protocol = asio::local::stream_protocol;
    using Acceptor = asio::basic_socket_acceptor<Protocol, Executor>;

    awaitable<void> accept();
    awaitable<void> keep();
    bool isTaken() const;
    void run(awaitable<void> (LocalListener::*what)());

    const Executor m_executor;
    const std::string m_path;
    std::optional<KeptFile> m_file; ///< as it was made; nothing while it could not be
    Acceptor m_acceptor;
    Timer m_look; ///< of keep()
    bool m_stopped = false;
    std::promise<void> m_ended;
};

} // namespace portolan::http
