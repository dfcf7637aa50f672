// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"
#include "core/api/result.h"
#include "core/base/asio.h"

#include <boost/asio/ip/address.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace portolan {

/// Host names to addresses, by the system's resolver (getaddrinfo, so /etc/hosts and all that the machine is set up
/// for), on threads of its own: a look-up cannot be given up, and one for a dead name server takes ten seconds and
/// more. Asio's has one thread for a whole io_context, on which 20 dead names would keep a good one waiting for
/// minutes.
///
/// Who asks for a name that is being looked up waits with the others; what was found is kept for 30 s, that there is
/// nothing for 3 s. Any thread. It ends before the executors it answers on, and does not wait for look-ups under way.
class Resolver final
{
public:
    using Addresses = std::vector<asio::ip::address>;
    /// Blocks as long as it likes; any thread. An error says why there is no address.
    using LookUp = std::function<Result<Addresses>(const std::string &host)>;

    struct Options
    {
        LookUp lookUp;                      ///< empty: the system's
        const Clock *clock = nullptr;       ///< outlives the Resolver; null: the machine's
        unsigned threads = 64;              ///< look-ups at a time
        std::size_t waiting = 256;          ///< names that may wait for a thread
        std::chrono::seconds keepFound{30}; ///< an answer
        std::chrono::seconds keepFailed{3}; ///< a failure
    };

    Resolver();
    explicit Resolver(Options options);
    ~Resolver();
    Resolver(const Resolver &) = delete;
    Resolver &operator=(const Resolver &) = delete;

    /// At least one address, in the order they should be tried (RFC 6724). A host that is an address already, also in
    /// brackets, is answered at once. `deadline`: of the machine's steady clock; an answer that comes later is kept for
    /// who asks next.
    ///
    /// Unavailable "name-unknown" (there is no such name), "name-failed" (the name servers do not say), "name-busy"
    /// (too many wait); Timeout "name-timeout"; Invalid "name-invalid" (no host at all).
    awaitable<Result<Addresses>> resolve(std::string host, SteadyTime deadline);

private:
    struct State;
    std::shared_ptr<State> m_state;
};

} // namespace portolan
