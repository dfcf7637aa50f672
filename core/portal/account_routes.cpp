// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/portal/account_routes.h"

#include "core/base/json.h"
#include "core/base/json_append.h"
#include "core/base/json_schema.h"
#include "core/http/cookie.h"
#include "core/http/problem.h"
#include "core/portal/account_service.h"
#include "core/portal/admission.h"

#include <boost/beast/core/string.hpp>

#include <algorithm>

namespace portolan::portal {

namespace {

struct CredentialsBody
{
    std::string email;
    Secret password;
};
BOOST_DESCRIBE_STRUCT(CredentialsBody, (), (email, password))

constexpr std::string_view credentialsSchema =
    R"({"type":"object","required":["email","password"],"additionalProperties":false,"properties":)"
    R"({"email":{"type":"string","format":"email"},"password":{"type":"string","minLength":8,"maxLength":128}}})";
constexpr std::string_view signedInSchema =
    R"({"type":"object","properties":{"user":{"type":"object"},"access_token":{"type":"string"},"expires_in":{"type":"integer"}}})";
constexpr std::string_view csrfSchema = R"({"type":"object","properties":{"csrf_token":{"type":"string"}}})";

/// Answers that hold a secret, or depend on who asks, are nothing for a cache.
http::Response fresh(http::Response response)
{
    response.with("Cache-Control", "no-store");
    return response;
}

http::Response signedIn(const User &user, const std::string &token, std::chrono::seconds expiresIn)
{
    std::string body = R"({"user":)";
    body.append(userJson(user)).append(R"(,"access_token":")").append(token);
    body.append(R"(","expires_in":)").append(std::to_string(expiresIn.count())).append("}");
    return fresh(http::json(std::move(body)));
}

Result<AccountService::Credentials> credentialsOf(const http::Request &request)
{
    auto body = readJson<CredentialsBody>(request.body, JsonMode::Strict);
    if (!body)
        return body.error();
    return AccountService::Credentials{std::move(body->email), std::move(body->password)};
}

/// A page elsewhere can make a browser send a form, even one whose text is JSON, but not this type without asking
/// first: so nobody is signed in as somebody else by a page he only looked at.
std::optional<http::Response> refuseForms(const http::Request &request)
{
    const auto type = request.header(http::field::content_type);
    if (boost::beast::iequals(type.substr(0, std::min(type.find(';'), type.size())), "application/json"))
        return std::nullopt;
    Error error = failure(ErrorKind::Invalid, "The body must be JSON.", "Send Content-Type: application/json.");
    error.code = "media-type";
    return http::problem(request, error, http::status::unsupported_media_type);
}

/// Who is let in without one, as an operator at the control socket, has none to end or to speak for.
http::Response noSession(const http::Request &request)
{
    return http::problem(request, failure(ErrorKind::Unauthenticated, "Nobody is signed in here.", "Sign in first."));
}

} // namespace

std::string userJson(const User &user)
{
    std::string text;
    text.reserve(192 + user.email.size());
    appendJson(text, user);
    return text;
}

AccountRoutes::AccountRoutes(AccountService &accounts, const auth::CsrfTokens &csrf,
                             std::chrono::seconds sessionLifetime, bool secureCookies)
    : m_accounts(accounts), m_csrf(csrf), m_lifetime(sessionLifetime), m_secureCookies(secureCookies)
{}

void AccountRoutes::mount(http::Router &router)
{
    using http::Request;
    http::Access open{Role::Anonymous, Category::Auth};
    open.csrf = false;
    open.identifies = true;
    http::Access again{Role::User, Category::Auth};
    again.identifies = true;
    router.post("/auth/register", open, [this](Request &request) { return registerUser(request); },
                {"Make an account", credentialsSchema, answerSchema<User>()});
    router.post("/auth/login", open, [this](Request &request) { return login(request); },
                {"Sign in: sets the cookie sid and answers an access token", credentialsSchema, signedInSchema});
    router.post("/auth/logout", {Role::User, Category::Unlimited}, [this](Request &request) { return logout(request); },
                {"Sign out: ends the session and its access tokens", {}, {}});
    router.post("/auth/token", again, [this](Request &request) { return token(request); },
                {"A fresh access token for the session", {}, signedInSchema});
    router.get("/auth/csrf", {Role::User, Category::Unlimited}, [this](Request &request) { return csrf(request); },
               {"The session's CSRF token, to send as X-CSRF-Token", {}, csrfSchema});
    router.get("/api/me", {Role::User, Category::Api}, [this](Request &request) { return me(request); },
               {"Who is signed in", {}, answerSchema<User>()});
}

awaitable<http::Response> AccountRoutes::registerUser(http::Request &request)
{
    if (auto refused = refuseForms(request))
        co_return std::move(*refused);
    auto credentials = credentialsOf(request);
    if (!credentials)
        co_return http::problem(request, credentials.error());
    const auto user = co_await m_accounts.registerUser(std::move(*credentials));
    if (!user)
        co_return http::problem(request, user.error());
    co_return fresh(http::json(userJson(*user), http::status::created));
}

awaitable<http::Response> AccountRoutes::login(http::Request &request)
{
    if (auto refused = refuseForms(request))
        co_return std::move(*refused);
    auto credentials = credentialsOf(request);
    if (!credentials)
        co_return http::problem(request, credentials.error());
    AccountService::Origin origin{std::string(request.address), std::string(request.header(http::field::user_agent))};
    const auto result = co_await m_accounts.signIn(std::move(*credentials), std::move(origin));
    if (!result)
        co_return http::problem(request, result.error());
    // A session this browser had is of no use any more, whoever's it was.
    if (const Caller *caller = callerOf(request); caller && !caller->bearer)
        (void)co_await m_accounts.signOut(caller->session);
    auto response = signedIn(result->user, result->accessToken, result->expiresIn);
    response.with("Set-Cookie", cookie(request, result->token.reveal(), m_lifetime));
    co_return response;
}

awaitable<http::Response> AccountRoutes::logout(http::Request &request)
{
    const Caller *caller = callerOf(request);
    if (!caller)
        co_return noSession(request);
    const auto done = co_await m_accounts.signOut(caller->session);
    if (!done)
        co_return http::problem(request, done.error());
    auto response = fresh(http::noContent());
    response.with("Set-Cookie", cookie(request, "", std::chrono::seconds(0)));
    co_return response;
}

awaitable<http::Response> AccountRoutes::token(http::Request &request)
{
    // By the cookie only: a token that leaked must not be able to renew itself.
    const Caller *caller = callerOf(request);
    if (!caller)
        co_return noSession(request);
    if (caller->bearer)
        co_return http::problem(request, failure(ErrorKind::Forbidden, "A token is made from the cookie, not a token.",
                                                 "Send the cookie 'sid', or sign in again."));
    const auto made = co_await m_accounts.accessToken(caller->session, request.principal);
    if (!made)
        co_return http::problem(request, made.error());
    co_return signedIn(made->user, made->token, made->expiresIn);
}

awaitable<http::Response> AccountRoutes::csrf(http::Request &request)
{
    const Caller *caller = callerOf(request);
    if (!caller)
        co_return noSession(request);
    std::string body = R"({"csrf_token":")";
    body.append(m_csrf.of(caller->session)).append("\"}");
    co_return fresh(http::json(std::move(body)));
}

awaitable<http::Response> AccountRoutes::me(http::Request &request)
{
    const auto user = co_await m_accounts.user(request.principal.userId);
    if (!user)
        co_return http::problem(request, user.error());
    co_return fresh(http::json(userJson(**user)));
}

std::string AccountRoutes::cookie(const http::Request &request, std::string_view value, std::chrono::seconds life) const
{
    http::CookieAttributes attributes;
    attributes.maxAge = life;
    attributes.secure = request.secure || m_secureCookies;
    return http::cookieHeader("sid", value, attributes);
}

} // namespace portolan::portal
