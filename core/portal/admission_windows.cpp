// SPDX-License-Identifier: GPL-3.0-or-later
// What admission asks of Redis, or of its own memory while that is away, and what it gives back.

#include "core/limits/keys.h"
#include "core/limits/packing.h"
#include "core/limits/redis_windows.h"
#include "core/portal/admission_visit.h"
#include "core/redis/client.h"

#include <array>

namespace portolan::portal {

namespace {

constexpr std::uint8_t onlySay = 1; ///< flags of admission.lua
constexpr std::uint8_t noteUse = 2;
constexpr std::uint8_t onlyLook = 4;

constexpr std::size_t index(Category category) { return static_cast<std::size_t>(category); }

} // namespace

awaitable<void> RequestAdmission::loadLimits(Visit &visit, Id user)
{
    visit.own = m_limits.known(user);
    if (!visit.own) {
        // With the database away everybody has the plan's windows rather than nobody getting in.
        if (auto loaded = co_await m_limits.load(user))
            visit.own = *loaded;
    }
    if (visit.own && visit.own->own[index(visit.category)])
        visit.caller = visit.own->own[index(visit.category)].get();
    visit.known = true;
}

awaitable<Result<RequestAdmission::Outcome>> RequestAdmission::ask(Visit &visit)
{
    if (visit.remembered && !visit.known && !visit.forged)
        co_await loadLimits(visit, visit.remembered->userId);
    if (!m_sessions.outage().mayAsk())
        co_return askMemory(visit);
    auto outcome = co_await askRedis(visit);
    if (outcome && outcome->status == Outcome::OnlySaid && !visit.forged) {
        m_sessions.memory().remember(*visit.session, *outcome->session);
        co_await loadLimits(visit, outcome->session->userId);
        outcome = co_await askRedis(visit);
    }
    if (outcome)
        m_sessions.redisAnswered(); // before adopt(): what Redis may have lost is told to it again
    if (outcome && visit.session && !outcome->session) {
        const bool adopted = co_await m_sessions.adopt(*visit.session);
        if (adopted) {
            outcome = co_await askRedis(visit);
        } else if (m_sessions.memory().isBornHere(*visit.session)) {
            // It reads and does not take what is written: what was born meanwhile lives on here.
            m_sessions.redisFailed();
            co_return askMemory(visit);
        } else {
            m_sessions.memory().forget(*visit.session);
        }
    }
    if (!outcome && auth::RedisOutage::means(outcome.error().kind)) {
        m_sessions.redisFailed();
        co_return askMemory(visit);
    }
    if (!outcome)
        co_return outcome.error();
    if (outcome->status == Outcome::Uncounted) {
        outcome->decision = countInMemory(visit, outcome->session);
        outcome->here = true;
    }
    if (!outcome->decision.allowed)
        outcome->status = Outcome::Limited;
    co_return outcome;
}

std::string RequestAdmission::scriptRequest(const Visit &visit) const
{
    using limits::put;
    const bool says = visit.session && (!visit.known || visit.forged);
    std::string text;
    text.reserve(20 + visit.caller->packed().size() + visit.address->packed().size());
    put(text, limits::tagOf(visit.category, false), 1);
    put(text, (says ? onlySay : 0u) | (visit.looksOnly ? onlyLook : visit.counted ? noteUse : 0u), 1);
    put(text, visit.caller->fixed(), 1);
    put(text, visit.caller->moving(), 1);
    put(text, visit.address->fixed(), 1);
    put(text, visit.address->moving(), 1);
    put(text, static_cast<std::uint64_t>(m_sessions.options().lifetime.count()), 4);
    put(text, m_options.usersCeiling.load(std::memory_order_relaxed), 4);
    put(text, limits::testTimeOf(m_testTime), 6);
    return text.append(visit.caller->packed()).append(visit.address->packed());
}

awaitable<Result<RequestAdmission::Outcome>> RequestAdmission::askRedis(const Visit &visit)
{
    const std::string session = visit.session ? auth::sessionKey(*visit.session) : visit.addressKey;
    // The key of the session stands for none: a user may lack the right to an empty name.
    const std::string &instead = visit.insteadKey.empty() ? session : visit.insteadKey;
    const std::string request = scriptRequest(visit);
    const std::array<std::string_view, 3> keys{session, visit.addressKey, instead};
    const auto reply = co_await m_client.evalTogether(m_script, keys, request, m_sessions.options().deadline);
    if (!reply)
        co_return reply.error();
    std::string_view text = reply->text;
    constexpr std::size_t fixedPart = 1 + 1 + 4 + 4 + 5 + 5;
    if (text.size() < fixedPart || static_cast<unsigned char>(text[0]) > Outcome::Uncounted)
        co_return failure(ErrorKind::Protocol, "Redis answered the admission script with something else.");
    Outcome outcome;
    outcome.status = static_cast<Outcome::Status>(limits::take(text, 1));
    outcome.noted = limits::take(text, 1) != 0;
    auto &decision = outcome.decision;
    decision.allowed = outcome.status != Outcome::Limited;
    decision.limit = static_cast<std::uint32_t>(limits::take(text, 4));
    decision.remaining = static_cast<std::uint32_t>(limits::take(text, 4));
    const auto reset = limits::take(text, 5);
    decision.limited = reset != 0;
    decision.reset = limits::timeOfScript(reset);
    decision.now = limits::timeOfScript(limits::take(text, 5));
    outcome.session = auth::decodeSession(text);
    co_return outcome;
}

Result<RequestAdmission::Outcome> RequestAdmission::askMemory(const Visit &visit)
{
    Outcome outcome;
    if (visit.session) {
        const auto session = m_sessions.findHere(*visit.session);
        if (!session)
            return session.error();
        outcome.session = *session;
    }
    if (outcome.session && visit.forged) {
        outcome.status = Outcome::OnlySaid;
        return outcome;
    }
    outcome.decision = countInMemory(visit, outcome.session);
    outcome.here = true;
    if (!outcome.decision.allowed)
        outcome.status = Outcome::Limited;
    return outcome;
}

limits::Decision RequestAdmission::countInMemory(const Visit &visit, const std::optional<auth::Session> &session)
{
    const std::string key = !session                   ? visit.addressKey
                            : visit.insteadKey.empty() ? limits::keys::user(session->userId)
                                                       : visit.insteadKey;
    const std::array<limits::Check, 2> checks{limits::Check{key, visit.category, false, visit.caller},
                                              limits::Check{visit.addressKey, visit.category, true, visit.address}};
    auto decision = m_memory.count(checks);
    if (visit.looksOnly && decision.limited && decision.allowed) {
        m_memory.giveBack(checks, decision.now);
        ++decision.remaining;
    }
    return decision;
}

awaitable<bool> RequestAdmission::giveBack(http::Request &request, const http::Route &route, const http::Charge &charge,
                                           http::status code)
{
    Visit visit;
    visit.addressKey = limits::keys::address(request.address);
    chooseWindows(visit, route);
    std::string caller = visit.addressKey;
    if (!charge.byAddress) {
        caller = limits::keys::user(request.principal.userId);
        co_await loadLimits(visit, request.principal.userId);
    }
    if (http::refusesForm(code) && !m_forms.count(caller))
        co_return false;
    if (code >= http::status::internal_server_error && !m_failures.count(caller))
        co_return false;
    if (charge.here) {
        const std::array<limits::Check, 2> checks{limits::Check{caller, visit.category, false, visit.caller},
                                                  limits::Check{visit.addressKey, visit.category, true, visit.address}};
        m_memory.giveBack(checks, charge.at);
        co_return true;
    }
    using limits::put;
    std::string text;
    put(text, limits::tagOf(visit.category, false), 1);
    const auto at = std::chrono::floor<std::chrono::milliseconds>(charge.at - limits::timeOfScript(0));
    put(text, static_cast<std::uint64_t>(at.count()), 5);
    put(text, visit.caller->fixed(), 1);
    put(text, visit.caller->moving(), 1);
    put(text, visit.address->fixed(), 1);
    put(text, visit.address->moving(), 1);
    text.append(visit.caller->packed()).append(visit.address->packed());
    const std::array<std::string_view, 2> keys{caller, visit.addressKey};
    const std::array<std::string_view, 1> arguments{text};
    const auto reply = co_await m_client.eval(m_giveBack, keys, arguments, m_sessions.options().deadline);
    co_return reply.has_value();
}

} // namespace portolan::portal
