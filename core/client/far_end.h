// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/end_spec.h"
#include "core/api/secret.h"
#include "core/base/dial.h"
#include "core/base/trust.h"
#include "core/client/mailbox.h"
#include "core/client/portal_address.h"
#include "core/net/http_client.h"
#include "core/net/web_socket_client.h"

#include <chrono>
#include <memory>
#include <random>
#include <string>

namespace portolan {
class BlockingPool;
}

namespace portolan::client {

/// The connection to one portal, kept up: what it offers first, then its samples over a WebSocket, then whatever ended
/// them, and the same again after a pause. Calls go beside it over HTTP, on two connections at most.
///
/// The pause after a failure is 250 ms, and doubles to 2 s, give or take a half, so that a portal that comes back is
/// seen within 5 s and a hundred consoles do not knock at once; to 30 s where somebody has to do something first (a
/// certificate that is not trusted, a token that has ended). A sample clears it. Without one for 6 s, though pings may
/// be answered, the connection is given up: what sends them hangs, or this machine has slept.
///
/// Lives on its executor's thread but for start(), stop() and the constructor, which may be called from any.
class FarEnd final : public std::enable_shared_from_this<FarEnd>
{
public:
    struct Parts
    {
        Executor executor;
        std::shared_ptr<Dialer> dialer;
        TlsClients &trust;   ///< outlives what runs on the executor, as `files`
        BlockingPool &files; ///< authorities are read there
        const Clock &clock;  ///< outlives it too
    };
    struct Call
    {
        net::Verb verb = net::Verb::Get;
        std::string path; ///< and query, without the address' base
        std::string body = {};
        std::chrono::milliseconds deadline = std::chrono::seconds(10);
    };

    FarEnd(PortalAddress address, TrustSpec trust, Secret token, const Parts &parts, std::shared_ptr<Mailbox> mailbox);

    void start();
    /// Closes what is open; what is under way ends with Cancelled. Nothing is told any more.
    void stop();

    /// The body of a success. An action whose answer did not come is Timeout "http-unknown", and never sent twice; what
    /// was refused for its pace (429) is sent again when it may be, within the deadline.
    awaitable<Result<std::string>> call(Call call);

private:
    awaitable<void> run();
    awaitable<Error> live();
    awaitable<Error> receive();
    awaitable<Result<DeploymentAnswer>> askOffer();
    awaitable<void> refreshOffer();
    awaitable<Result<std::shared_ptr<net::HttpClient>>> client();
    awaitable<void> rest(Error after);
    awaitable<Result<std::shared_ptr<TlsClient>>> trusted();
    net::Headers headers() const;
    bool take(const std::string &text);
    void watchSilence();
    void close();

    const PortalAddress m_address;
    const std::string m_where;
    const TrustSpec m_trust;
    const Secret m_token;
    const Parts m_parts;
    const std::shared_ptr<Mailbox> m_mailbox;

    std::shared_ptr<net::HttpClient> m_http;
    std::shared_ptr<net::WebSocketClient> m_socket;
    Timer m_silence;
    Timer m_pause;
    std::chrono::milliseconds m_nextPause;
    SteadyTime m_offered{}; ///< when the offer was last asked for
    bool m_asksOffer = false;
    bool m_stopped = false;
    std::minstd_rand m_random;
};

} // namespace portolan::client
