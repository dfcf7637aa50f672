// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/net/http_client.h"

#include "core/base/byte_stream.h"
#include "core/net/coded.h"
#include "core/net/http_exchange.h"
#include "core/net/request_head.h"

#include <boost/asio/redirect_error.hpp>

#include <algorithm>
#include <deque>
#include <utility>

namespace portolan::net {

namespace {

using Piece = AnswerParser::Piece;

Error cancelled() { return coded(ErrorKind::Cancelled, "", "The call was given up."); }

Error badRedirect(const Origin &from, const std::string &why)
{
    return coded(ErrorKind::Protocol, "http-redirect", from.display() + " sends elsewhere, " + why + ".",
                 "Name the address it sends to itself.");
}

/// Nobody knows whether it was done.
Error unknown(Error why)
{
    why.message += " It may have been done all the same.";
    why.hint = "Look whether it was done before you do it again.";
    if (why.kind == ErrorKind::Cancelled)
        return why;
    return coded(ErrorKind::Timeout, "http-unknown", std::move(why.message), std::move(why.hint));
}

bool isRedirect(unsigned status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

} // namespace

class HttpClient::Impl final : public std::enable_shared_from_this<HttpClient::Impl>
{
public:
    Impl(Executor executor, std::shared_ptr<Dialer> dialer, std::shared_ptr<TlsClient> tls, Origin origin,
         HttpLimits limits)
        : m_executor(executor),
          m_dialer(std::move(dialer)),
          m_tls(std::move(tls)),
          m_origin(std::move(origin)),
          m_limits(limits),
          m_sweep(executor)
    {}

    static awaitable<Result<HttpAnswer>> call(std::shared_ptr<Impl> self, HttpRequest request, Piece piece);
    void close();

private:
    struct Connection
    {
        std::shared_ptr<ByteStream> stream;
        std::optional<CertificateFacts> certificate;
        SteadyTime idleSince{};
    };
    struct Waiter
    {
        Waiter(Executor executor, SteadyTime deadline) : timer(executor, deadline) {}
        Timer timer;
        bool woken = false;
    };
    /// The right to a connection, for one call.
    class Slot final
    {
    public:
        explicit Slot(std::shared_ptr<Impl> owner) : m_owner(std::move(owner)) {}
        ~Slot() { m_owner->release(); }
        Slot(const Slot &) = delete;
        Slot &operator=(const Slot &) = delete;

    private:
        const std::shared_ptr<Impl> m_owner;
    };

    static awaitable<Result<std::shared_ptr<Slot>>> takeSlot(std::shared_ptr<Impl> self, SteadyTime deadline);
    static awaitable<Result<HttpAnswer>> once(std::shared_ptr<Impl> self, const HttpRequest &request,
                                              const Piece &piece, SteadyTime start, SteadyTime deadline);
    static awaitable<Result<Connection>> connect(std::shared_ptr<Impl> self, SteadyTime deadline);
    std::shared_ptr<Impl> elsewhere(const Origin &origin);
    Result<HttpUrl> redirected(const HttpUrl &from, const HttpAnswer &answer) const;
    void release();
    std::optional<Connection> takeIdle();
    void keep(Connection connection);
    void sweep();

    const Executor m_executor;
    const std::shared_ptr<Dialer> m_dialer;
    const std::shared_ptr<TlsClient> m_tls;
    const Origin m_origin;
    const HttpLimits m_limits;
    std::size_t m_busy = 0;
    std::deque<std::shared_ptr<Waiter>> m_waiting;
    std::deque<Connection> m_idle; ///< the last used at the end
    std::vector<std::weak_ptr<ByteStream>> m_active;
    std::vector<std::weak_ptr<Impl>> m_elsewhere; ///< where redirects have led
    Timer m_sweep;
    bool m_closed = false;
};

awaitable<Result<HttpAnswer>> HttpClient::Impl::call(std::shared_ptr<Impl> self, HttpRequest request, Piece piece)
{
    const SteadyTime start = std::chrono::steady_clock::now();
    const SteadyTime deadline = start + std::min<std::chrono::milliseconds>(request.deadline, std::chrono::hours(24));
    if (auto flaw = requestFlaw(request.target, request.headers))
        co_return *flaw;
    HttpUrl at{self->m_origin, request.target};
    std::shared_ptr<Impl> client = self;
    for (unsigned followed = 0;; ++followed) {
        auto answer = co_await once(client, request, piece, start, deadline);
        if (!answer)
            co_return answer;
        answer->took = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start);
        if (!isRedirect(answer->status) || followed >= request.redirects || !isRepeatable(request.verb))
            co_return answer;
        auto next = client->redirected(at, *answer);
        if (!next)
            co_return next.error();
        if (next->origin != at.origin) {
            dropCredentials(request.headers);
            client = self->elsewhere(next->origin);
        }
        at = std::move(*next);
        request.target = at.target;
        if (auto flaw = requestFlaw(request.target, request.headers))
            co_return *flaw;
    }
}

/// For one call, and closed with this one.
std::shared_ptr<HttpClient::Impl> HttpClient::Impl::elsewhere(const Origin &origin)
{
    const auto made = std::make_shared<Impl>(m_executor, m_dialer, m_tls, origin, m_limits);
    made->m_closed = m_closed;
    std::erase_if(m_elsewhere, [](const auto &one) { return one.expired(); });
    m_elsewhere.push_back(made);
    return made;
}

Result<HttpUrl> HttpClient::Impl::redirected(const HttpUrl &from, const HttpAnswer &answer) const
{
    const auto location = header(answer.headers, "Location");
    if (location.empty())
        return badRedirect(from.origin, "without saying where");
    auto next = resolveLocation(from, location);
    if (!next)
        return badRedirect(from.origin, "to no address that can be asked");
    if (from.origin.secure && !next->origin.secure)
        return badRedirect(from.origin, "from https to " + next->origin.display());
    if (next->origin.secure && !m_tls)
        return badRedirect(from.origin, "to " + next->origin.display() + ", for which no trust is set");
    return next;
}

awaitable<Result<std::shared_ptr<HttpClient::Impl::Slot>>> HttpClient::Impl::takeSlot(std::shared_ptr<Impl> self,
                                                                                      SteadyTime deadline)
{
    if (self->m_closed)
        co_return cancelled();
    if (self->m_busy >= self->m_limits.connections) {
        if (self->m_waiting.size() >= self->m_limits.waiting)
            co_return coded(ErrorKind::Unavailable, "http-busy",
                            "Too many calls of " + self->m_origin.display() + " wait for a connection.",
                            "Wait until it answers again.");
        const auto waiter = std::make_shared<Waiter>(self->m_executor, deadline);
        self->m_waiting.push_back(waiter);
        error_code woken;
        co_await waiter->timer.async_wait(asio::redirect_error(use_awaitable, woken));
        if (!waiter->woken) {
            std::erase(self->m_waiting, waiter);
            if (self->m_closed)
                co_return cancelled();
            co_return coded(ErrorKind::Timeout, "http-timeout",
                            "No connection to " + self->m_origin.display() + " became free in time.",
                            "It answers slowly; try again.");
        }
    } else {
        ++self->m_busy;
    }
    co_return std::make_shared<Slot>(self);
}

/// Hands its place on, to who has waited longest.
void HttpClient::Impl::release()
{
    if (m_waiting.empty()) {
        --m_busy;
        return;
    }
    m_waiting.front()->woken = true;
    m_waiting.front()->timer.cancel();
    m_waiting.pop_front();
}

std::optional<HttpClient::Impl::Connection> HttpClient::Impl::takeIdle()
{
    sweep();
    while (!m_idle.empty()) {
        Connection connection = std::move(m_idle.back());
        m_idle.pop_back();
        if (connection.stream->quiet())
            return connection;
        connection.stream->close();
    }
    return std::nullopt;
}

awaitable<Result<HttpClient::Impl::Connection>> HttpClient::Impl::connect(std::shared_ptr<Impl> self,
                                                                          SteadyTime deadline)
{
    while (!self->m_idle.empty() && self->m_busy + self->m_idle.size() > self->m_limits.connections) {
        self->m_idle.front().stream->close();
        self->m_idle.pop_front();
    }
    if (self->m_origin.secure && !self->m_tls)
        co_return badRequest("there is no trust set for " + self->m_origin.display());
    const auto tls = self->m_origin.secure ? self->m_tls : nullptr;
    const Target target{self->m_origin.host, self->m_origin.port, {}};
    auto stream = co_await ByteStream::open(self->m_executor, self->m_dialer, tls, target, deadline);
    if (!stream)
        co_return stream.error();
    auto certificate = (*stream)->certificate();
    Connection made{std::move(*stream), std::move(certificate), {}};
    co_return made;
}

awaitable<Result<HttpAnswer>> HttpClient::Impl::once(std::shared_ptr<Impl> self, const HttpRequest &request,
                                                     const Piece &piece, SteadyTime start, SteadyTime deadline)
{
    const auto slot = co_await takeSlot(self, deadline);
    if (!slot)
        co_return slot.error();
    const bool again = isRepeatable(request.verb);
    auto kept = again ? self->takeIdle() : std::nullopt;
    for (;;) {
        const bool reused = kept.has_value();
        auto opened = reused ? Result<Connection>(std::move(*kept)) : Result<Connection>(Connection{});
        kept.reset();
        if (!reused)
            opened = co_await connect(self, deadline);
        if (self->m_closed) // what was opened meanwhile is closed with its last owner
            co_return cancelled();
        if (!opened)
            co_return opened.error();
        const auto stream = opened->stream;
        std::erase_if(self->m_active, [](const auto &active) { return active.expired(); });
        self->m_active.push_back(stream);
        Exchange exchange(request, piece, self->m_origin.display(), start);
        co_await exchange.run(stream, requestHead(request, self->m_origin), deadline);
        if (exchange.reusable)
            self->keep(*opened);
        if (!exchange.error) {
            exchange.answer.certificate = opened->certificate;
            co_return std::move(exchange.answer);
        }
        if (self->m_closed && again)
            co_return cancelled();
        if (self->m_closed)
            co_return unknown(cancelled());
        if (exchange.silent && reused) // closed while nobody used it: a repeatable one, as no other takes a used one
            continue;
        // Who refuses our certificate, which in TLS 1.3 comes behind the handshake, has not read what came with it.
        const bool unread = exchange.error->code == "tls-client-certificate";
        co_return again || unread ? *exchange.error : unknown(*exchange.error);
    }
}

void HttpClient::Impl::keep(Connection connection)
{
    if (m_closed || m_idle.size() >= m_limits.connections) {
        connection.stream->close();
        return;
    }
    connection.idleSince = std::chrono::steady_clock::now();
    m_idle.push_back(std::move(connection));
    sweep();
}

/// Closes what has been idle for too long, and looks again when the next will have been.
void HttpClient::Impl::sweep()
{
    const auto now = std::chrono::steady_clock::now();
    while (!m_idle.empty() && now - m_idle.front().idleSince >= m_limits.idle) {
        m_idle.front().stream->close();
        m_idle.pop_front();
    }
    if (m_idle.empty())
        return;
    m_sweep.expires_at(m_idle.front().idleSince + m_limits.idle);
    m_sweep.async_wait([weak = weak_from_this()](const error_code &failed) {
        const auto self = failed ? nullptr : weak.lock();
        if (self)
            self->sweep();
    });
}

void HttpClient::Impl::close()
{
    m_closed = true;
    m_sweep.cancel();
    for (const auto &connection : m_idle)
        connection.stream->close();
    m_idle.clear();
    for (const auto &active : m_active)
        if (const auto stream = active.lock())
            stream->close();
    for (const auto &waiter : std::exchange(m_waiting, {}))
        waiter->timer.cancel();
    for (const auto &made : std::exchange(m_elsewhere, {}))
        if (const auto client = made.lock())
            client->close();
}

HttpClient::HttpClient(Executor executor, std::shared_ptr<Dialer> dialer, std::shared_ptr<TlsClient> tls, Origin origin,
                       HttpLimits limits)
    : m_impl(std::make_shared<Impl>(executor, std::move(dialer), std::move(tls), std::move(origin), limits))
{}

HttpClient::~HttpClient() { m_impl->close(); }

void HttpClient::close() { m_impl->close(); }

awaitable<Result<HttpAnswer>> HttpClient::send(HttpRequest request)
{
    return Impl::call(m_impl, std::move(request), {});
}

awaitable<Result<HttpAnswer>> HttpClient::read(HttpRequest request, std::function<bool(std::string_view piece)> piece)
{
    return Impl::call(m_impl, std::move(request), std::move(piece));
}

} // namespace portolan::net
