// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/http/admission.h"
#include "core/http/peer.h"
#include "core/http/request_parser.h"
#include "core/http/server_core.h"
#include "core/http/transport.h"

#include <boost/beast/core/flat_buffer.hpp>

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace portolan::http {

/// One client's connection: run() is its only coroutine, on its shard's thread. Everything that waits has a deadline in
/// m_deadline, which the shard's timer compares with the clock; there is no timer of its own.
class Connection final : public std::enable_shared_from_this<Connection>
{
public:
    Connection(std::shared_ptr<ServerCore> core, std::shared_ptr<Shard> shard, std::unique_ptr<Transport> transport,
               Peer peer);
    ~Connection(); ///< on the shard's thread

    /// Serves until the connection ends. Once, on the shard's thread.
    awaitable<void> run();

    void checkDeadline(SteadyTime now);
    void cut();   ///< ends it at once
    void drain(); ///< ends it after the request under way; a WebSocket is closed with 1001
    /// As cut(), but a request whose handler still runs is answered 503 first.
    void giveUp();
    /// Its place was given to another when waitingSince() was `since`: ends it, after the request that has come
    /// meanwhile, if one has.
    void giveWay(std::int64_t since);

    /// Since when it has waited for its client: for the whole head of its next request, for that one's body, or for an
    /// answer to be read on. Steady nanoseconds; 0: it does not. Any thread.
    std::int64_t waitingSince() const { return m_waitingSince.load(std::memory_order_relaxed); }
    Executor executor() const { return m_shard->executor(); }
    const std::string &place() const { return m_peer.place; } ///< in the table of addresses

private:
    friend class Shard;

    /// What is being waited for; decides what happens at the deadline.
    enum class Phase {
        Handshake, ///< cut
        Idle,      ///< cut: nothing of a request has come
        Headers,   ///< 408
        Body,      ///< 408
        Handler,   ///< 504, past the handler's back
        Writing,   ///< cut
        Closing,   ///< cut, and not counted: the answer is out
        WebSocket, ///< looks after itself, until it is asked to close
    };

    static constexpr std::size_t keptCapacity = 64 * 1024; ///< of buffers between requests
    static constexpr std::chrono::seconds farewellTime{2}; ///< for the last answer to get out
    static constexpr std::chrono::seconds stalledTime{2};  ///< nothing of an answer is taken: the client is waited for

    struct Served
    {
        const Route *route = nullptr;
        std::optional<LimitHeaders> limits;
        std::optional<Charge> charge; ///< until it is clear whether the request counts
        SteadyTime started{};         ///< first byte
        bool keepAlive = false;
    };

    void wait(Phase phase, SteadyTime deadline)
    {
        m_phase = phase;
        m_deadline = deadline;
    }

    // connection.cpp: a request's way, and deadlines.
    awaitable<void> serveRequests();
    awaitable<bool> awaitHead(bool split);
    awaitable<bool> readMore(std::size_t size);
    awaitable<void> serve();
    Router::Match findRoute(const Router &router);
    awaitable<bool> admit(const Route &route);
    awaitable<void> settle(const Route &route, status code);
    awaitable<std::optional<Response>> lookAtLimits(const std::vector<verb> &methods);
    awaitable<void> answerEarly(Response response);
    awaitable<bool> receiveBody(const Route &route);
    awaitable<bool> readBody(std::optional<Response> &refusal);
    awaitable<void> handle(const Route &route);
    awaitable<void> openWebSocket(const Route &route);
    awaitable<void> refuseOversizedHead();
    void checkWebSocket(SteadyTime now);
    bool skipEmptyLines();
    void beginRequest();
    void startWaiting();
    void stopWaiting() { m_waitingSince.store(0, std::memory_order_relaxed); }

    // connection_output.cpp: answers on their way out.
    /// Puts an answer behind those not yet written, and tells the observer. True where the body is too large to be
    /// copied and is to be written from `response`.
    bool append(Response &response);
    /// The answer to come ends the connection. `unread`: the client may still be sending.
    void closeAfter(bool unread);
    awaitable<bool> flush();
    void flushWhileHandling();
    awaitable<bool> flushRest(Transport::Buffers rest);
    awaitable<bool> flushWith(std::string body);
    awaitable<void> farewell();
    awaitable<void> finishLate();
    void startLateAnswer(const Error &error);
    bool loseClient();

    // connection_checks.cpp: what a request is, and the answers that need no handler.
    enum class Flaw { Syntax, Size, Cookies, Time };
    void refuseHead(Flaw flaw);
    std::optional<Response> understandHead();
    std::optional<Response> checkVersionAndFraming();
    std::optional<Response> checkTarget();
    bool asksForHttp2() const;
    bool awaitsContinue() const;
    std::string ownAddress() const;
    std::optional<Response> checkHost(std::string_view authority);
    std::optional<Response> checkOrigin(std::string_view authority);
    Response foreignOrigin(std::string_view origin);
    std::optional<Response> checkUpgrade();
    std::optional<Response> checkEncoding() const;
    std::string socketOwner() const;
    Response tooManySockets(const std::string &who) const; ///< "You have 32"
    bool ownOrigin(std::string_view origin) const;
    bool wantsWebSocket() const;
    bool originAllowed(std::string_view origin) const;
    void identifyClient();
    void chooseRequestId();
    Response unmatched(const std::vector<verb> &allowed);
    Response redirectTo(std::string_view path) const;
    Response tooLarge(bool cookies) const;
    std::string notHttp() const;
    Response answerOptions(const std::vector<verb> &allowed);
    Response malformed(std::string detail) const;
    Response bodyFailure(error_code ec) const;
    Response timedOut() const;
    Response failed(std::string_view what) const;

    const std::shared_ptr<ServerCore> m_core;
    const std::shared_ptr<Shard> m_shard;
    const std::unique_ptr<Transport> m_transport;
    const Peer m_peer;
    bool m_listed = false;
    std::size_t m_slot = 0; ///< in the shard's list

    std::atomic<std::int64_t> m_waitingSince;
    Phase m_phase = Phase::Handshake;
    SteadyTime m_deadline;
    SteadyTime m_started{};                   ///< first byte of a head that came in parts
    SteadyTime m_wrote{};                     ///< when something of the answer under way went out last
    SteadyTime m_closeBy = SteadyTime::max(); ///< of a WebSocket's closing handshake
    bool m_timedOut = false;                  ///< the read under way was cancelled at its deadline
    bool m_draining = false;
    bool m_closeAfter = false;
    bool m_unread = false;
    bool m_over = false; ///< cut, or answered past the handler's back: run() touches nothing any more

    boost::beast::flat_buffer m_buffer;
    HeadScanner m_scanner;
    std::optional<RequestParser> m_parser;
    Request m_request;
    std::string m_client;    ///< behind a proxy: whom it forwards
    std::string m_plainPath; ///< what m_request.path looks at where the request spells it otherwise
    Served m_served;
    std::shared_ptr<void> m_hold;
    std::string m_out;
    std::shared_ptr<WebSocketSession> m_webSocket;
};

} // namespace portolan::http
