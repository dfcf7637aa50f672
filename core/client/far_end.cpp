// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/client/far_end.h"

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
constexpr auto firstDial = 5'000ms;
constexpr auto laterDial = 2'000ms;
constexpr auto shortestPause = 250ms;
constexpr auto pauseWhileLookedAt = 2'000ms;
constexpr auto pauseForSomebody = 30'000ms; ///< nothing gets better by itself; so nobody looks
constexpr auto afterSleep = 1'500ms;        ///< for a sign of life
constexpr auto betweenOffers = 15'000ms;    ///< what can be done changes rarely
constexpr auto early = 250ms;               ///< a sample that is, is the one that was due
constexpr std::uint16_t signInEnded = 4001;
constexpr std::uint16_t tryLater = 1013; ///< RFC 6455's registry

std::chrono::milliseconds silenceOf(Look look) { return 6 * everyOf(look); }

bool somebodyHasTo(LinkReason reason)
{
    return reason == LinkReason::NotTrusted || reason == LinkReason::NotSignedIn || reason == LinkReason::RoleTooLow ||
           reason == LinkReason::OtherProtocol;
}

} // namespace

FarEnd::FarEnd(Spec spec, const Parts &parts, std::shared_ptr<Mailbox> mailbox)
    : m_address(spec.address),
      m_where(m_address.display()),
      m_parts(parts),
      m_dialer(std::make_shared<CappedDialer>(parts.dialer, firstDial)),
      m_calls(std::make_shared<PortalCalls>(
          spec.address, spec.trust, std::move(spec.who),
          PortalCalls::Parts{parts.executor, m_dialer, parts.trust, parts.files, parts.clock})),
      m_mailbox(std::move(mailbox)),
      m_silence(parts.executor),
      m_pause(parts.executor),
      m_sleep(parts.executor),
      m_wake(parts.clocks()),
      m_nextPause(shortestPause),
      m_random(std::random_device{}())
{}

void FarEnd::start(Look look)
{
    spawn(m_parts.executor, [self = shared_from_this(), look] {
        self->m_look = look;
        return self->run();
    });
}

void FarEnd::stop()
{
    asio::post(m_parts.executor, [self = shared_from_this()] { self->close(); });
}

void FarEnd::look(Look look)
{
    asio::post(m_parts.executor, [self = shared_from_this(), look] {
        if (std::exchange(self->m_look, look) == look)
            return;
        self->m_taken = {};
        self->m_pause.cancel();
        self->m_reopens = self->m_socket != nullptr;
        if (self->m_socket)
            self->m_socket->abort();
    });
}

void FarEnd::close()
{
    m_stopped = true;
    m_silence.cancel();
    m_pause.cancel();
    m_sleep.cancel();
    if (const auto socket = std::exchange(m_socket, nullptr))
        socket->abort();
    m_calls->close();
}

awaitable<void> FarEnd::run()
{
    const auto self = shared_from_this();
    watchSleep();
    while (!m_stopped) {
        auto ended = co_await live();
        m_silence.cancel();
        m_socket.reset();
        if (m_stopped)
            co_return;
        if (std::exchange(m_reopens, false))
            continue;
        if (!ended)
            ended = net::coded(ErrorKind::Unavailable, "ws-closed", m_where + " has ended the stream.");
        m_calls->away(ended->code == "ws-silent");
        m_dialer->cap(++m_failures % 4 == 0 ? firstDial : laterDial); // a way may just be slow
        m_mailbox->tellTrouble(*ended);
        co_await rest(std::move(*ended));
    }
}

/// Until it ends, and why it did.
awaitable<std::optional<Error>> FarEnd::live()
{
    auto offer = co_await askOffer();
    if (!offer)
        co_return offer.error();
    if (m_stopped)
        co_return std::nullopt;
    m_mailbox->tellOffer(std::move(*offer));
    auto tls = co_await m_calls->trusted();
    if (!tls)
        co_return tls.error();
    const auto headers = co_await m_calls->headers();
    if (!headers)
        co_return headers.error();
    if (m_stopped)
        co_return std::nullopt;
    auto failed = co_await openStream(*headers, std::move(*tls));
    if (failed)
        co_return failed;
    m_calls->live();
    co_return co_await receive(*headers);
}

awaitable<std::optional<Error>> FarEnd::openStream(net::Headers headers, std::shared_ptr<TlsClient> tls)
{
    for (;;) {
        const auto socket = std::make_shared<net::WebSocketClient>(m_parts.executor, m_dialer, tls, m_address.origin);
        m_socket = socket;
        const bool wishes = m_look != Look::Closely && m_knowsWishes;
        const auto opened = co_await socket->open(m_address.base + streamPath(m_look, m_knowsWishes), headers);
        if (opened)
            co_return std::nullopt;
        const Error error = opened.error();
        if (m_stopped || error.code != "ws-refused")
            co_return error;
        if (error.kind == ErrorKind::Unauthenticated)
            co_return m_calls->signInEnded(headers, error);
        if (error.kind != ErrorKind::Protocol || !wishes)
            co_return error;
        m_knowsWishes = false; // it may know no wishes at all: then it is asked for everything
    }
}

awaitable<std::optional<Error>> FarEnd::receive(net::Headers headers)
{
    const auto socket = m_socket;
    for (;;) {
        watchSilence(silenceOf(m_look));
        const auto text = co_await socket->receive();
        if (!text)
            co_return streamEnded(headers, text.error());
        if (auto failed = take(*text))
            co_return failed;
        if (!m_asksOffer && std::chrono::steady_clock::now() - m_offered >= betweenOffers)
            spawn(m_parts.executor, [self = shared_from_this()] { return self->refreshOffer(); });
    }
}

std::optional<Error> FarEnd::streamEnded(const net::Headers &headers, Error why)
{
    const auto code = m_socket ? m_socket->closeCode() : std::nullopt;
    if (code == signInEnded)
        return m_calls->signInEnded(
            headers, net::coded(ErrorKind::Unauthenticated, "portal-sign-in", m_where + " has ended the sign-in."));
    if (code == tryLater)
        return net::coded(ErrorKind::Unavailable, "portal-busy", m_where + " takes no more consoles.",
                          "Close one of those that watch it.");
    if (why.kind == ErrorKind::Cancelled) // here, and by watchSilence() unless the stream is to be another
        return net::coded(ErrorKind::Timeout, "ws-silent", m_where + " sends no samples.",
                          "It may hang, or the network to it is cut.");
    return why;
}

std::optional<Error> FarEnd::take(const std::string &text)
{
    // Who knows no wishes sends more often than is looked at.
    const auto now = std::chrono::steady_clock::now();
    if (m_look != Look::Closely && m_taken != SteadyTime() && now - m_taken < everyOf(m_look) - early)
        return std::nullopt;
    auto sample = readSample(text, m_look);
    if (!sample)
        return notUnderstood(m_where, sample.error());
    m_taken = now;
    m_nextPause = shortestPause;
    m_failures = 0;
    m_dialer->cap(firstDial);
    const auto ahead = std::chrono::duration_cast<std::chrono::milliseconds>(sample->time - m_parts.clock.wall());
    m_mailbox->tellSample(std::make_shared<const Snapshot>(std::move(*sample)), ahead);
    return std::nullopt;
}

void FarEnd::watchSilence(std::chrono::milliseconds most)
{
    m_silence.expires_after(most);
    m_silence.async_wait([socket = std::weak_ptr(m_socket)](const error_code &failed) {
        const auto watched = failed ? nullptr : socket.lock();
        if (watched)
            watched->abort();
    });
}

void FarEnd::watchSleep()
{
    m_sleep.expires_after(WakeWatch::interval);
    m_sleep.async_wait([weak = weak_from_this()](const error_code &failed) {
        const auto self = failed ? nullptr : weak.lock();
        if (!self || self->m_stopped)
            return;
        if (self->m_wake.slept(self->m_parts.clocks()))
            self->wokenUp();
        self->watchSleep();
    });
}

void FarEnd::wokenUp()
{
    m_nextPause = shortestPause;
    m_pause.cancel();
    if (m_socket && m_socket->open())
        watchSilence(everyOf(m_look) + afterSleep - 1s);
}

awaitable<Result<DeploymentAnswer>> FarEnd::askOffer()
{
    m_offered = std::chrono::steady_clock::now();
    Call question;
    question.path = std::string(routeOf(Tag<DeploymentQuestion>{}).path);
    question.again = false;
    const auto body = co_await m_calls->call(std::move(question));
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

std::chrono::milliseconds FarEnd::longestPause() const
{
    if (m_look == Look::Closely)
        return pauseWhileLookedAt;
    return pauseForSomebody;
}

awaitable<void> FarEnd::rest(Error after)
{
    std::chrono::milliseconds base = m_nextPause;
    if (somebodyHasTo(reasonOf(after)))
        base = pauseForSomebody;
    m_nextPause = std::min(m_nextPause * 2, longestPause());
    std::uniform_int_distribution<std::int64_t> spread(base.count() / 2, base.count() * 3 / 2);
    const auto pause =
        std::max<std::chrono::milliseconds>(std::chrono::milliseconds(spread(m_random)), after.retryAfter);
    m_pause.expires_after(pause);
    error_code woken;
    co_await m_pause.async_wait(asio::redirect_error(use_awaitable, woken));
}

} // namespace portolan::client
