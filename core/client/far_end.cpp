// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/client/far_end.h"

#include "core/base/json.h"
#include "core/base/json_answer.h"
#include "core/base/runtime.h"
#include "core/client/portal_error.h"
#include "core/net/coded.h"

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>

#include <algorithm>
#include <utility>

namespace portolan::client {
namespace {

using namespace std::chrono_literals;

constexpr JsonLimits limits{.depth = 32, .string = 1 << 20, .items = 1'000'000};
constexpr auto shortestPause = 250ms;
constexpr auto longestPause = 2'000ms;
constexpr auto pauseForSomebody = 30'000ms; ///< nothing gets better by itself
constexpr auto silence = 6'000ms;
constexpr auto betweenOffers = 15'000ms; ///< what can be done changes rarely
constexpr std::uint16_t signInEnded = 4001;
constexpr std::uint16_t tryLater = 1013; ///< RFC 6455's registry

bool somebodyHasTo(LinkReason reason)
{
    return reason == LinkReason::NotTrusted || reason == LinkReason::NotSignedIn || reason == LinkReason::RoleTooLow ||
           reason == LinkReason::OtherProtocol;
}

Error stopped() { return net::coded(ErrorKind::Cancelled, "", "The call was given up."); }

} // namespace

FarEnd::FarEnd(PortalAddress address, TrustSpec trust, Secret token, const Parts &parts,
               std::shared_ptr<Mailbox> mailbox)
    : m_address(std::move(address)),
      m_where(m_address.display()),
      m_trust(std::move(trust)),
      m_token(std::move(token)),
      m_parts(parts),
      m_mailbox(std::move(mailbox)),
      m_silence(parts.executor),
      m_pause(parts.executor),
      m_nextPause(shortestPause),
      m_random(std::random_device{}())
{}

void FarEnd::start()
{
    spawn(m_parts.executor, [self = shared_from_this()] { return self->run(); });
}

void FarEnd::stop()
{
    asio::post(m_parts.executor, [self = shared_from_this()] { self->close(); });
}

void FarEnd::close()
{
    m_stopped = true;
    m_silence.cancel();
    m_pause.cancel();
    if (const auto socket = std::exchange(m_socket, nullptr))
        socket->abort();
    if (const auto http = std::exchange(m_http, nullptr))
        http->close();
}

awaitable<void> FarEnd::run()
{
    const auto self = shared_from_this();
    while (!m_stopped) {
        Error ended = co_await live();
        m_silence.cancel();
        m_socket.reset();
        if (m_stopped)
            co_return;
        m_mailbox->tellTrouble(ended);
        co_await rest(std::move(ended));
    }
}

/// Until it ends, and why it did.
awaitable<Error> FarEnd::live()
{
    auto offer = co_await askOffer();
    if (!offer)
        co_return offer.error();
    m_mailbox->tellOffer(std::move(*offer));
    const auto tls = co_await trusted();
    if (!tls)
        co_return tls.error();
    if (m_stopped)
        co_return stopped();
    const auto socket =
        std::make_shared<net::WebSocketClient>(m_parts.executor, m_parts.dialer, *tls, m_address.origin);
    m_socket = socket;
    const auto opened = co_await socket->open(m_address.base + "/api/admin/stream", headers());
    if (!opened)
        co_return opened.error();
    Error ended = co_await receive();
    co_return ended;
}

awaitable<Error> FarEnd::receive()
{
    const auto socket = m_socket;
    for (;;) {
        watchSilence();
        const auto text = co_await socket->receive();
        if (!text) {
            if (socket->closeCode() == signInEnded)
                co_return net::coded(ErrorKind::Unauthenticated, "portal-sign-in", m_where + " has ended the sign-in.",
                                     "The token has expired or was revoked: make another one.");
            if (socket->closeCode() == tryLater)
                co_return net::coded(ErrorKind::Unavailable, "portal-busy", m_where + " takes no more consoles.",
                                     "Close one of those that watch it.");
            if (text.error().kind == ErrorKind::Cancelled && !m_stopped)
                co_return net::coded(ErrorKind::Timeout, "ws-silent", m_where + " sends no samples.",
                                     "It may hang, or the network to it is cut.");
            co_return text.error();
        }
        auto sample = readJson<Snapshot>(*text, JsonMode::Lenient, limits);
        if (!sample)
            co_return notUnderstood(m_where, sample.error());
        m_nextPause = shortestPause;
        const auto ahead = std::chrono::duration_cast<std::chrono::milliseconds>(sample->time - m_parts.clock.wall());
        m_mailbox->tellSample(std::make_shared<const Snapshot>(std::move(*sample)), ahead);
        if (!m_asksOffer && std::chrono::steady_clock::now() - m_offered >= betweenOffers)
            spawn(m_parts.executor, [self = shared_from_this()] { return self->refreshOffer(); });
    }
}

void FarEnd::watchSilence()
{
    m_silence.expires_after(silence);
    m_silence.async_wait([weak = weak_from_this(), socket = std::weak_ptr(m_socket)](const error_code &failed) {
        const auto watched = failed ? nullptr : socket.lock();
        if (watched)
            watched->abort();
    });
}

awaitable<Result<DeploymentAnswer>> FarEnd::askOffer()
{
    m_offered = std::chrono::steady_clock::now();
    Call question;
    question.path = std::string(routeOf(Tag<DeploymentQuestion>{}).path);
    const auto body = co_await call(std::move(question));
    if (!body)
        co_return body.error();
    auto offer = readAnswer<DeploymentAnswer>(*body, limits);
    if (!offer)
        co_return notUnderstood(m_where, offer.error());
    co_return offer;
}

awaitable<void> FarEnd::refreshOffer()
{
    const auto self = shared_from_this();
    m_asksOffer = true;
    auto offer = co_await askOffer();
    m_asksOffer = false;
    if (offer && !m_stopped)
        m_mailbox->tellOffer(std::move(*offer));
}

awaitable<void> FarEnd::rest(Error after)
{
    const auto base = somebodyHasTo(reasonOf(after)) ? pauseForSomebody : m_nextPause;
    m_nextPause = std::min<std::chrono::milliseconds>(m_nextPause * 2, longestPause);
    std::uniform_int_distribution<std::int64_t> spread(base.count() / 2, base.count() * 3 / 2);
    const auto pause =
        std::max<std::chrono::milliseconds>(std::chrono::milliseconds(spread(m_random)), after.retryAfter);
    m_pause.expires_after(pause);
    error_code woken;
    co_await m_pause.async_wait(asio::redirect_error(use_awaitable, woken));
}

awaitable<Result<std::shared_ptr<TlsClient>>> FarEnd::trusted()
{
    if (!m_address.origin.secure)
        co_return std::shared_ptr<TlsClient>();
    co_return co_await m_parts.trust.client(m_parts.files, m_trust);
}

awaitable<Result<std::shared_ptr<net::HttpClient>>> FarEnd::client()
{
    const auto tls = co_await trusted();
    if (!tls)
        co_return tls.error();
    if (m_stopped)
        co_return stopped();
    if (!m_http) // another call may have made it meanwhile
        m_http = std::make_shared<net::HttpClient>(m_parts.executor, m_parts.dialer, *tls, m_address.origin);
    co_return m_http;
}

net::Headers FarEnd::headers() const { return {{"Authorization", "Bearer " + std::string(m_token.reveal())}}; }

awaitable<Result<std::string>> FarEnd::call(Call call)
{
    const auto self = shared_from_this();
    const auto deadline = std::chrono::steady_clock::now() + call.deadline;
    if (m_stopped)
        co_return stopped();
    auto http = m_http;
    if (!http) {
        auto made = co_await client();
        if (!made)
            co_return made.error();
        http = std::move(*made);
    }
    for (;;) {
        net::HttpRequest request;
        request.verb = call.verb;
        request.target = m_address.base + call.path;
        request.headers = headers();
        if (call.verb != net::Verb::Get)
            request.headers.push_back({"Content-Type", "application/json"});
        request.body = call.body;
        request.deadline =
            std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
        auto answer = co_await http->send(std::move(request));
        if (!answer)
            co_return answer.error();
        if (answer->status / 100 == 2)
            co_return std::move(answer->body);
        Error error = errorOf(*answer, m_where);
        const auto again = std::chrono::steady_clock::now() + std::max<std::chrono::milliseconds>(error.retryAfter, 1s);
        if (error.kind != ErrorKind::RateLimited || again >= deadline || m_stopped)
            co_return error;
        Timer pause(m_parts.executor, again);
        error_code woken;
        co_await pause.async_wait(asio::redirect_error(use_awaitable, woken));
    }
}

} // namespace portolan::client
