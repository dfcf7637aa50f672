// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/http/local_listener.h"

#include "core/http/transports.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>

namespace portolan::http {

namespace {

constexpr std::chrono::seconds lookEvery{1}; ///< whether the file is still there

/// Only the peer's own user or root gets in, whatever happened to the file's mode.
bool isSamePerson(int socket)
{
    ucred peer{};
    socklen_t size = sizeof peer;
    return ::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
           (peer.uid == ::geteuid() || peer.uid == 0);
}

} // namespace

LocalListener::LocalListener(Executor executor, std::shared_ptr<ServerCore> core,
                             std::vector<std::shared_ptr<Shard>> shards)
    : Listener(std::move(core), std::move(shards)),
      m_executor(executor),
      m_path(options().socket),
      m_acceptor(executor),
      m_look(executor)
{}

Result<void> LocalListener::bind()
{
    const auto fail = [this](const std::string &what) {
        return failure(ErrorKind::Unavailable, "Cannot open the control socket '" + m_path + "': " + what + ".",
                       "Check that the data directory is writable and its path short.");
    };
    if (m_path.size() >= sizeof(sockaddr_un::sun_path))
        return fail("the path is over 107 bytes long");
    m_file.reset();
    if (::unlink(m_path.c_str()) != 0 && errno == EISDIR)
        ::rmdir(m_path.c_str()); // an empty one
    error_code ec;
    m_acceptor.open(Protocol(), ec);
    // The file is made with the socket's own mode (unix(7)), so that there is no moment in which others could connect.
    if (!ec && ::fchmod(m_acceptor.native_handle(), 0600) != 0)
        ec.assign(errno, boost::system::system_category());
    if (!ec)
        m_acceptor.bind(Protocol::endpoint(m_path), ec);
    if (!ec)
        m_acceptor.listen(static_cast<int>(options().maxConnections), ec);
    if (!ec) {
        m_file.emplace(m_path);
        return {};
    }
    error_code ignored;
    m_acceptor.close(ignored);
    return fail(ec.message());
}

void LocalListener::run(awaitable<void> (LocalListener::*what)())
{
    asio::co_spawn(
        m_executor, [self = shared_from_this(), what] { return ((*self).*what)(); }, asio::detached);
}

void LocalListener::start()
{
    run(&LocalListener::accept);
    run(&LocalListener::keep);
}

void LocalListener::stop()
{
    asio::post(m_executor, [self = shared_from_this()] {
        self->m_stopped = true;
        error_code ignored;
        self->m_acceptor.close(ignored);
        self->m_look.cancel();
        if (self->m_file && self->m_file->change().empty())
            ::unlink(self->m_path.c_str());
        self->m_ended.set_value();
    });
    m_ended.get_future().wait(); // who stops must find no file left
}

/// Whether somebody else answers there: another portal, when the data directory was replaced.
bool LocalListener::isTaken() const
{
    asio::io_context context(1);
    Protocol::socket probe(context);
    error_code ec;
    probe.open(Protocol(), ec);
    probe.non_blocking(true, ec);
    probe.connect(Protocol::endpoint(m_path), ec);
    return !ec || ec == asio::error::would_block; // the latter: its queue is full
}

awaitable<void> LocalListener::keep()
{
    const auto self = shared_from_this();
    while (!m_stopped) {
        error_code cancelled;
        m_look.expires_after(lookEvery);
        co_await m_look.async_wait(asio::redirect_error(use_awaitable, cancelled));
        if (m_stopped || (m_file && m_file->change().empty()) || isTaken())
            continue;
        error_code ignored;
        m_acceptor.close(ignored); // which ends accept()
        if (bind())
            run(&LocalListener::accept);
    }
}

awaitable<void> LocalListener::accept()
{
    const auto self = shared_from_this();
    while (m_acceptor.is_open()) {
        const auto &shard = nextShard();
        UnixSocket socket(shard->executor());
        error_code ec;
        co_await m_acceptor.async_accept(socket, asio::redirect_error(use_awaitable, ec));
        if (ec == asio::error::operation_aborted || !m_acceptor.is_open())
            break;
        if (ec) { // no file descriptors left, say: not asked again in a tight loop
            Timer pause(m_executor, std::chrono::milliseconds(50));
            error_code ignored;
            co_await pause.async_wait(asio::redirect_error(use_awaitable, ignored));
            continue;
        }
        accepted();
        if (isSamePerson(socket.native_handle()))
            take(unixTransport(std::move(socket)), Peer::local(), shard);
    }
}

} // namespace portolan::http
