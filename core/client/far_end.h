// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/client/mailbox.h"
#include "core/client/portal_calls.h"
#include "core/client/sample_reader.h"
#include "core/client/wake_watch.h"
#include "core/net/web_socket_client.h"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>

namespace portolan::client {

/// The connection to one portal, kept up: its name, the way to it, TLS and the sign-in first, then what it offers, then
/// its samples over a WebSocket, then whatever ended them, and the same again after a pause. Calls go beside it
/// (portal_calls.h).
///
/// The pause after a failure is 250 ms and doubles to 2 s, give or take a half, and dialing takes 2 s at most from the
/// second time on but for every fourth, so that a portal that comes back is seen within 5 s and a hundred consoles do
/// not knock at once. It grows to 30 s where somebody has to do something first (a certificate that is not trusted, a
/// token that has ended), and where nobody looks closely. A sample clears it, and so does waking up from sleep. Without
/// a sample for six times as long as they are apart, though pings may be answered, the connection is given up: what
/// sends them hangs, or the network between is cut.
///
/// Lives on its executor's thread but for start(), stop(), look() and the constructor, which may be called from any.
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
        std::function<WakeWatch::Clocks()> clocks = WakeWatch::machine;
    };
    struct Spec
    {
        PortalAddress address;
        TrustSpec trust;
        Credentials who;
    };
    using Call = PortalCalls::Call;

    FarEnd(Spec spec, const Parts &parts, std::shared_ptr<Mailbox> mailbox);

    void start(Look look = Look::Closely);
    /// Closes what is open; what is under way ends with Cancelled. Nothing is told any more.
    void stop();
    void look(Look look); ///< from now on

    awaitable<Result<std::string>> call(Call call) { return m_calls->call(std::move(call)); }

private:
    awaitable<void> run();
    awaitable<std::optional<Error>> live();
    awaitable<std::optional<Error>> openStream(net::Headers headers, std::shared_ptr<TlsClient> tls);
    awaitable<std::optional<Error>> receive(net::Headers headers);
    std::optional<Error> streamEnded(const net::Headers &headers, Error why);
    std::optional<Error> take(const std::string &text);
    awaitable<Result<DeploymentAnswer>> askOffer();
    awaitable<void> refreshOffer();
    awaitable<void> rest(Error after);
    std::chrono::milliseconds longestPause() const;
    void watchSilence(std::chrono::milliseconds most);
    void watchSleep();
    void wokenUp();
    void close();

    const PortalAddress m_address;
    const std::string m_where;
    const Parts m_parts;
    const std::shared_ptr<CappedDialer> m_dialer;
    const std::shared_ptr<PortalCalls> m_calls;
    const std::shared_ptr<Mailbox> m_mailbox;

    std::shared_ptr<net::WebSocketClient> m_socket;
    Timer m_silence;
    Timer m_pause;
    Timer m_sleep;
    WakeWatch m_wake;
    std::chrono::milliseconds m_nextPause;
    unsigned m_failures = 0; ///< in a row
    SteadyTime m_offered{};  ///< when the offer was last asked for
    SteadyTime m_taken{};    ///< when the last sample was
    Look m_look = Look::Closely;
    bool m_knowsWishes = true; ///< the portal's stream
    bool m_reopens = false;    ///< the stream, because it is to be another
    bool m_asksOffer = false;
    bool m_stopped = false;
    std::minstd_rand m_random;
};

} // namespace portolan::client
