// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/auth/tokens.h"

#include "core/base/ids.h"
#include "core/base/names.h"

#include <boost/json/monotonic_resource.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>

#include <sodium.h>

namespace portolan::auth {

namespace {

/// {"alg":"HS256","typ":"JWT"}
constexpr std::string_view header = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";

std::int64_t secondsOf(const Clock &clock)
{
    return std::chrono::floor<std::chrono::seconds>(clock.wall()).time_since_epoch().count();
}

std::string_view bytesOf(const Mac &mac) { return {reinterpret_cast<const char *>(mac.data()), mac.size()}; }

std::optional<std::string_view> text(const boost::json::object &claims, std::string_view name)
{
    const auto *value = claims.if_contains(name);
    if (!value || !value->is_string())
        return std::nullopt;
    return std::string_view(value->get_string());
}

std::optional<std::int64_t> number(const boost::json::object &claims, std::string_view name)
{
    const auto *value = claims.if_contains(name);
    if (!value || !value->is_int64())
        return std::nullopt;
    return value->get_int64();
}

std::optional<AccessClaims> claimsOf(const std::string &payload, std::int64_t now)
{
    boost::json::error_code failed;
    boost::json::monotonic_resource memory;
    boost::json::parse_options options;
    options.max_depth = 2;
    const auto value = boost::json::parse(payload, failed, &memory, options);
    if (failed || !value.is_object())
        return std::nullopt;
    const auto &claims = value.get_object();
    constexpr std::size_t known = 6;
    const auto sid = text(claims, "sid");
    const auto sub = text(claims, "sub");
    const auto role = text(claims, "role");
    const auto issued = number(claims, "iat");
    const auto notBefore = number(claims, "nbf");
    const auto expires = number(claims, "exp");
    if (claims.size() != known || !sid || !sub || !role || !issued || !notBefore || !expires)
        return std::nullopt;
    const auto session = SessionId::parse(*sid);
    const auto user = parseId(*sub);
    const auto knownRole = enumFromName<Role>(*role);
    if (!session || !user || !knownRole || *knownRole == Role::Anonymous)
        return std::nullopt;
    if (now >= *expires || *notBefore > now + AccessTokens::leeway || *issued > now + AccessTokens::leeway)
        return std::nullopt;
    return AccessClaims{*session, *user, *knownRole, *issued, *expires};
}

} // namespace

AccessTokens::AccessTokens(const SecretKey &key, const Clock &clock, std::chrono::seconds lifetime)
    : m_mac(key.derive("portolan access token")), m_clock(clock), m_lifetime(lifetime)
{}

std::string AccessTokens::issue(const SessionId &session, Id user, Role role) const
{
    const std::int64_t now = secondsOf(m_clock);
    // Every value is of a closed alphabet: nothing here needs escaping.
    std::string payload = "{\"sid\":\"";
    payload.append(session.view()).append("\",\"sub\":\"").append(formatId(user));
    payload.append("\",\"role\":\"").append(enumName(role));
    payload.append("\",\"iat\":").append(std::to_string(now)).append(",\"nbf\":").append(std::to_string(now));
    payload.append(",\"exp\":").append(std::to_string(now + m_lifetime.count())).append("}");
    std::string token(header);
    token.append(".").append(encodeBase64Url(payload));
    const Mac mac = m_mac.of(token);
    return token.append(".").append(encodeBase64Url(bytesOf(mac)));
}

std::optional<AccessClaims> AccessTokens::read(std::string_view token) const
{
    constexpr std::size_t macCharacters = 43;
    if (token.size() > maxBytes || token.size() < header.size() + macCharacters + 2 || !token.starts_with(header) ||
        token[header.size()] != '.')
        return std::nullopt;
    const std::size_t dot = token.size() - macCharacters - 1;
    if (token[dot] != '.' || dot <= header.size())
        return std::nullopt;
    const auto mac = decodeBase64Url(token.substr(dot + 1));
    if (!mac || mac->size() != std::tuple_size_v<Mac>)
        return std::nullopt;
    const Mac right = m_mac.of(token.substr(0, dot));
    if (sodium_memcmp(mac->data(), right.data(), right.size()) != 0)
        return std::nullopt;
    const auto payload = decodeBase64Url(token.substr(header.size() + 1, dot - header.size() - 1));
    if (!payload)
        return std::nullopt;
    return claimsOf(*payload, secondsOf(m_clock));
}

} // namespace portolan::auth
