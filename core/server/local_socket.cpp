#include "core/server/local_socket.h"

#include "core/base/kept_file.h"
#include "core/base/runtime.h"
#include "core/http/problem.h"

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <optional>
#include <set>

namespace portolan::server {

namespace beast = boost::beast;
namespace bhttp = boost::beast::http;
using asio::local::stream_protocol;
using Acceptor = asio::basic_socket_acceptor<stream_protocol, Executor>;
using Stream = beast::basic_stream<stream_protocol, Executor>;

namespace {

constexpr std::size_t maxConnections = 16;
constexpr std::size_t maxRequestBytes = 64 * 1024;
constexpr std::chrono::seconds requestDeadline{10};
constexpr std::chrono::seconds lookEvery{1}; ///< whether the file is still there

http::Request toRequest(bhttp::request<bhttp::string_body> &&received)
{
    http::Request request;
    request.method = received.method();
    request.target = std::string(received.target());
    request.body = std::move(received.body());
    request.headers = std::move(static_cast<bhttp::fields &>(received));
    const std::string_view target = request.target;
    const auto mark = target.find('?');
    request.path = target.substr(0, mark);
    request.query = mark == std::string_view::npos ? std::string_view() : target.substr(mark + 1);
    request.address = "local";
    request.id = "local";
    request.principal = Principal{0, Role::Operator};
    return request;
}

/// Only the peer's own user or root gets in, whatever happened to the file's mode.
bool samePerson(stream_protocol::socket::native_handle_type socket)
{
    ucred peer{};
    socklen_t size = sizeof peer;
    return ::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
           (peer.uid == ::geteuid() || peer.uid == 0);
}

} // namespace

struct LocalSocket::Impl : std::enable_shared_from_this<LocalSocket::Impl>
{
    Impl(Executor executor_, const http::Router &router_, std::string path_)
        : executor(executor_), router(router_), path(std::move(path_)), acceptor(executor), look(executor)
    {}

    Result<void> open();
    awaitable<void> accept();
    awaitable<void> keep();
    bool taken() const;
    void run(awaitable<void> (Impl::*what)());
    awaitable<void> serve(std::shared_ptr<Stream> stream);
    awaitable<http::Response> answer(http::Request &request);
    void finished(const std::shared_ptr<Stream> &stream);

    Executor executor;
    const http::Router &router;
    const std::string path;
    std::optional<KeptFile> file; // as it was made; nothing while it could not be
    Acceptor acceptor;
    Timer look;                                // of keep()
    std::set<std::shared_ptr<Stream>> streams; // executor's thread only
    std::atomic<bool> started{false};

    std::mutex mutex;
    std::condition_variable idle;
    std::size_t running = 0; // coroutines
};

LocalSocket::LocalSocket(Executor executor, const http::Router &router, std::string path)
    : m_impl(std::make_shared<Impl>(executor, router, std::move(path)))
{}

LocalSocket::~LocalSocket() { stop(); }

Result<void> LocalSocket::Impl::open()
{
    const auto fail = [this](const std::string &what) {
        return failure(ErrorKind::Unavailable, "Cannot open the control socket '" + path + "': " + what + ".",
                       "Check that the data directory is writable and its path short.");
    };
    if (path.size() >= sizeof(sockaddr_un::sun_path))
        return fail("the path is over 107 bytes long");
    file.reset();
    if (::unlink(path.c_str()) != 0 && errno == EISDIR)
        ::rmdir(path.c_str()); // an empty one
    error_code error;
    acceptor.open(stream_protocol(), error);
    // The file is made with the socket's own mode (unix(7)), so that there is no moment in which others could connect.
    if (!error && ::fchmod(acceptor.native_handle(), 0600) != 0)
        error.assign(errno, boost::system::system_category());
    if (!error)
        acceptor.bind(stream_protocol::endpoint(path), error);
    if (!error)
        acceptor.listen(static_cast<int>(maxConnections), error);
    if (!error) {
        file.emplace(path);
        return {};
    }
    error_code ignored;
    acceptor.close(ignored);
    return fail(error.message());
}

void LocalSocket::Impl::run(awaitable<void> (Impl::*what)())
{
    {
        const std::lock_guard lock(mutex);
        ++running;
    }
    asio::co_spawn(
        executor, [self = shared_from_this(), what] { return ((*self).*what)(); }, asio::detached);
}

Result<void> LocalSocket::start()
{
    if (auto opened = m_impl->open(); !opened)
        return opened;
    m_impl->started = true;
    m_impl->run(&Impl::accept);
    m_impl->run(&Impl::keep);
    return {};
}

void LocalSocket::stop()
{
    if (!m_impl->started)
        return;
    m_impl->started = false;
    asio::post(m_impl->executor, [impl = m_impl] {
        error_code ignored;
        impl->acceptor.close(ignored);
        impl->look.cancel();
        for (const auto &stream : impl->streams)
            stream->cancel();
    });
    std::unique_lock lock(m_impl->mutex);
    m_impl->idle.wait(lock, [this] { return m_impl->running == 0; });
    if (m_impl->file && m_impl->file->change().empty())
        ::unlink(m_impl->path.c_str());
}

/// Whether somebody else answers there: another portal, when the data directory was replaced.
bool LocalSocket::Impl::taken() const
{
    asio::io_context context(1);
    stream_protocol::socket probe(context);
    error_code error;
    probe.open(stream_protocol(), error);
    probe.non_blocking(true, error);
    probe.connect(stream_protocol::endpoint(path), error);
    return !error || error == asio::error::would_block; // the latter: its queue is full
}

/// Whoever tidies up the data directory takes the socket's file along, or puts another in its place; nothing could
/// reach the portal any more, and nothing tells of it. It is made again as soon as that can be done.
awaitable<void> LocalSocket::Impl::keep()
{
    while (started) {
        error_code cancelled;
        look.expires_after(lookEvery);
        co_await look.async_wait(asio::redirect_error(use_awaitable, cancelled));
        if (!started || (file && file->change().empty()) || taken())
            continue;
        error_code ignored;
        acceptor.close(ignored); // which ends accept()
        if (open())
            run(&Impl::accept);
    }
    finished(nullptr);
}

awaitable<void> LocalSocket::Impl::accept()
{
    while (acceptor.is_open()) {
        error_code error;
        auto socket = co_await acceptor.async_accept(asio::redirect_error(use_awaitable, error));
        if (error == asio::error::operation_aborted || !acceptor.is_open())
            break;
        if (error) { // no file descriptors left, say: not asked again in a tight loop
            Timer pause(executor, std::chrono::milliseconds(50));
            error_code ignored;
            co_await pause.async_wait(asio::redirect_error(use_awaitable, ignored));
        }
        if (error || streams.size() >= maxConnections || !samePerson(socket.native_handle()))
            continue;
        auto stream = std::make_shared<Stream>(std::move(socket));
        streams.insert(stream);
        {
            const std::lock_guard lock(mutex);
            ++running;
        }
        asio::co_spawn(
            executor, [self = shared_from_this(), stream] { return self->serve(stream); }, asio::detached);
    }
    finished(nullptr);
}

void LocalSocket::Impl::finished(const std::shared_ptr<Stream> &stream)
{
    streams.erase(stream);
    const std::lock_guard lock(mutex);
    if (--running == 0)
        idle.notify_all();
}

awaitable<http::Response> LocalSocket::Impl::answer(http::Request &request)
{
    const auto match = router.match(request);
    if (!match.route)
        co_return http::problem(request, failure(ErrorKind::NotFound, "There is nothing at this address."));
    if (match.route->access.role > Role::Operator)
        co_return http::problem(request, failure(ErrorKind::Forbidden, "The control socket has an operator's rights."));
    std::exception_ptr thrown;
    try {
        co_return co_await match.route->handler(request);
    } catch (const std::exception &) {
        thrown = std::current_exception();
    }
    co_return http::problem(request, failure(ErrorKind::Internal, "The request failed."));
}

awaitable<void> LocalSocket::Impl::serve(std::shared_ptr<Stream> stream)
{
    beast::flat_buffer buffer(maxRequestBytes);
    for (bool more = true; more;) {
        bhttp::request_parser<bhttp::string_body> parser;
        parser.body_limit(maxRequestBytes);
        error_code error;
        stream->expires_after(requestDeadline);
        co_await bhttp::async_read(*stream, buffer, parser, asio::redirect_error(use_awaitable, error));
        if (error)
            break;
        more = parser.get().keep_alive();
        auto request = toRequest(parser.release());
        auto response = co_await answer(request);
        bhttp::response<bhttp::string_body> message(response.code, 11);
        message.set(bhttp::field::content_type, std::string(response.contentType));
        for (const auto &[name, value] : response.headers)
            message.set(std::string(name), value);
        message.body() = std::move(response.body);
        message.keep_alive(more);
        message.prepare_payload();
        stream->expires_after(requestDeadline);
        co_await bhttp::async_write(*stream, message, asio::redirect_error(use_awaitable, error));
        more = more && !error && started;
    }
    stream->close();
    finished(stream);
}

Result<std::string> getFromLocalSocket(const std::string &path, const std::string &target,
                                       std::chrono::milliseconds deadline)
{
    asio::io_context context(1);
    Stream stream(context.get_executor());
    stream.expires_after(deadline);
    Result<std::string> result = failure(ErrorKind::Timeout, "'" + path + "' did not answer in time.",
                                         "Is the server under heavy load? Try again, or read its log.");
    const auto exchange = [&]() -> awaitable<void> {
        error_code error;
        co_await stream.async_connect(stream_protocol::endpoint(path), asio::redirect_error(use_awaitable, error));
        std::error_code ignored;
        if (const auto folder = std::filesystem::path(path).parent_path();
            error && !std::filesystem::exists(folder, ignored)) {
            result =
                failure(ErrorKind::Unavailable, "There is no data directory '" + folder.string() + "'.",
                        "Start a portal with `portoland serve`, or name another with --data-dir or --url. One whose "
                        "directory was moved or deleted while it runs says so in its log: put the directory back.");
            co_return;
        }
        if (error) {
            result = failure(ErrorKind::Unavailable, "No portal answers at '" + path + "': " + error.message() + ".",
                             "Start it with `portoland serve`, or name another with --data-dir or --url.");
            co_return;
        }
        bhttp::request<bhttp::empty_body> request(bhttp::verb::get, target, 11);
        request.set(bhttp::field::host, "localhost");
        co_await bhttp::async_write(stream, request, asio::redirect_error(use_awaitable, error));
        beast::flat_buffer buffer;
        bhttp::response_parser<bhttp::string_body> parser;
        parser.body_limit(64 * 1024 * 1024);
        if (!error)
            co_await bhttp::async_read(stream, buffer, parser, asio::redirect_error(use_awaitable, error));
        if (error)
            co_return;
        if (parser.get().result() == bhttp::status::ok)
            result = std::move(parser.get().body());
        else
            result = failure(ErrorKind::Protocol, "The portal answered " + std::to_string(parser.get().result_int()) +
                                                      " to " + target + ".");
    };
    asio::co_spawn(context, exchange, asio::detached);
    context.run();
    return result;
}

} // namespace portolan::server
