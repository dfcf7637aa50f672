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

struct Admitted
{
    std::optional<Response> refusal; ///< answered instead of the handler's, without reading the body
    std::optional<LimitHeaders> limits;
    std::shared_ptr<void> hold; ///< kept until the answer is written: a place under a ceiling, or nothing
};

/// Decides whether a request may go on, knowing its headers only. `http` knows no session and no limit: the portal
/// implements this. Called on the connection's thread, for every matched route whose category or role asks for it.
/// Sets request.principal and request.admission.
class Admission
{
public:
    virtual ~Admission() = default;
    virtual awaitable<Admitted> admit(Request &request, const Route &route) = 0;
};

/// Lets everybody in, as nobody: for tests and for the bare responder of the bench.
class AdmitAll final : public Admission
{
public:
    awaitable<Admitted> admit(Request &, const Route &) override { co_return Admitted{}; }
};

} // namespace portolan::http
