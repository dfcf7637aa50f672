// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/stack/probe/probe_call.h"

#include "core/stack/probe/certificate_look.h"

#include <functional>
#include <utility>

namespace portolan::stack {

namespace {

constexpr std::size_t mostBody = 64 * 1024;
constexpr unsigned mostRedirects = 3;

bool isRedirect(unsigned status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

std::chrono::milliseconds left(SteadyTime until)
{
    const auto rest = std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
    return std::max(rest, std::chrono::milliseconds(1));
}

awaitable<Result<net::HttpAnswer>> ask(const ProbeRequest &request, const net::HttpUrl &url, SteadyTime until)
{
    const auto tls = url.origin.secure ? request.tls : nullptr;
    const auto client =
        std::make_shared<net::HttpClient>(request.executor, request.dialer, tls, url.origin, net::HttpLimits{});
    net::HttpRequest asked;
    asked.target = url.target;
    asked.deadline = left(until);
    asked.most = std::size_t{1} << 40; // nothing is kept
    const auto taken = std::make_shared<std::size_t>(0);
    std::function<bool(std::string_view)> piece = [taken](std::string_view bytes) {
        *taken += bytes.size();
        return *taken < mostBody;
    };
    auto answer = co_await client->read(std::move(asked), std::move(piece));
    client->close();
    co_return answer;
}

} // namespace

awaitable<ProbeOutcome> probeOnce(ProbeRequest request)
{
    const SteadyTime begun = std::chrono::steady_clock::now();
    const SteadyTime until = begun + request.deadline;
    ProbeOutcome outcome;
    net::HttpUrl url = request.url;
    for (unsigned followed = 0;; ++followed) {
        const auto answer = co_await ask(request, url, until);
        outcome.took = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begun);
        if (!answer) {
            outcome.error = answer.error();
            break;
        }
        if (followed == 0)
            outcome.certificate = answer->certificate;
        outcome.status = answer->status;
        if (!request.follow || !isRedirect(answer->status) || followed == mostRedirects)
            break;
        auto next = net::resolveLocation(url, net::header(answer->headers, "Location"));
        if (!next || (url.origin.secure && !next->origin.secure) || (next->origin.secure && !request.tls))
            break; // the redirect is the answer
        url = std::move(*next);
        outcome.status.reset();
    }
    const bool unseen = outcome.error && outcome.error->code.starts_with("tls-") && !outcome.certificate;
    if (!unseen || !request.url.origin.secure)
        co_return outcome;
    const Target target{request.url.origin.host, request.url.origin.port, {}};
    outcome.certificate = co_await lookAtCertificate(request.executor, request.dialer, request.tls, target, until);
    co_return outcome;
}

} // namespace portolan::stack
