// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/end_spec.h"
#include "core/base/trust.h"
#include "core/client/capped_dialer.h"
#include "core/client/sign_in.h"
#include "core/net/http_client.h"

#include <chrono>
#include <memory>
#include <string>

namespace portolan {
class BlockingPool;
}

namespace portolan::client {

/// Requests to one portal, signed in, on two connections at most. Beside its stream, and by whether that lives it
/// knows whether there is somebody to ask. All on the executor's thread.
///
/// What was refused for its pace (429) is sent again when it may be, what was not signed in any longer (401) once, both
/// within the deadline: neither was done. A GET whose connection broke is asked again once, when the portal is back. An
/// action is not: where its answer did not come it is Timeout "http-unknown".
class PortalCalls final : public std::enable_shared_from_this<PortalCalls>
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
        bool again = true; ///< a GET may wait until the portal is back; not that of whoever connects to it
    };

    PortalCalls(PortalAddress address, TrustSpec trust, Credentials who, const Parts &parts);

    /// The body of a success.
    awaitable<Result<std::string>> call(Call call);

    /// What signs in to the stream, and what it is trusted by; null where it is reached without TLS.
    awaitable<Result<net::Headers>> headers();
    awaitable<Result<std::shared_ptr<TlsClient>>> trusted();
    Error signInEnded(const net::Headers &headers, Error why); ///< those of the stream were not taken, or no longer

    void live(); ///< the stream is open
    /// It has ended, whether because nothing comes through any more: then what is under way is given up.
    void away(bool cut);
    void close(); ///< what is under way ends with Cancelled

private:
    void prepare();
    awaitable<Result<std::shared_ptr<net::HttpClient>>> client();
    static awaitable<Result<net::HttpAnswer>> send(std::shared_ptr<PortalCalls> self, net::HttpRequest request);
    awaitable<Result<net::HttpAnswer>> once(Call call, net::Headers headers, SteadyTime deadline);
    awaitable<bool> backAgain(SteadyTime deadline);
    awaitable<void> pause(SteadyTime until);
    bool mayBeAskedAgain(const Call &call, const Error &error) const;
    Error asEnded(const Call &call, Error error) const;

    const PortalAddress m_address;
    const std::string m_where;
    const TrustSpec m_trust;
    const Credentials m_who;
    const Parts m_parts;
    std::shared_ptr<SignIn> m_signIn; ///< from the first call on
    std::shared_ptr<net::HttpClient> m_http;
    Waiters m_back;
    bool m_live = false;
    bool m_wasLive = false;
    bool m_closed = false;
};

} // namespace portolan::client
