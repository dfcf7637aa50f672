// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/asio.h"
#include "core/http/message.h"
#include "core/http/router.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>

namespace portolan::http {

/// The figures of X-RateLimit-*: of the tightest window.
struct LimitHeaders
{
    std::uint32_t limit = 0;
    std::uint32_t remaining = 0;
    std::int64_t reset = 0; ///< Unix seconds, rounded up
};

/// That a request used something up of its limits, and what it takes to give it back.
struct Charge
{
    WallTime at{};          ///< by the clock that counted
    bool here = false;      ///< counted in this process alone
    bool byAddress = false; ///< in the windows of the address, not in those of who is signed in
};

struct Admitted
{
    std::optional<Response> refusal; ///< answered instead of the handler's, without reading the body
    std::optional<LimitHeaders> limits;
    std::shared_ptr<void> hold;   ///< kept until the answer is written: a place under a ceiling, or nothing
    std::optional<Charge> charge; ///< nothing: the request used nothing up
};

/// Decides whether a request may go on, knowing its headers only. `http` knows no session and no limit: the portal
/// implements this. Called on the connection's thread, for every matched route whose category or role asks for it.
/// Sets request.principal and request.admission.
class Admission
{
public:
    virtual ~Admission() = default;
    virtual awaitable<Admitted> admit(Request &request, const Route &route) = 0;

    /// The request turned out to be one that uses nothing up (countsFor() in router.h): it is answered with `code`.
    /// Called before its answer is written, so that whoever reads the answer finds the room there again. False where it
    /// could not be done.
    virtual awaitable<bool> giveBack(Request &request, const Route &route, const Charge &charge, status code)
    {
        (void)request;
        (void)route;
        (void)charge;
        (void)code;
        co_return false;
    }

    /// What `route` would leave whoever asks, without using anything up: for a HEAD of a path that has no GET. A
    /// refusal where even looking is asked for too often.
    virtual awaitable<Admitted> look(Request &request, const Route &route)
    {
        (void)request;
        (void)route;
        co_return Admitted{};
    }
};

} // namespace portolan::http
