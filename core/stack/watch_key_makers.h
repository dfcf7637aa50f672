// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/credentials.h"
#include "core/stack/watch_keys.h"
#include "core/stack/watch_values.h"

#include <string>
#include <utility>
#include <vector>

/// Makes entries of the table of keys. `access` takes the file and the value, and answers the member it goes to.
namespace portolan::stack {

/// Everything an entry of the table says but how it is read.
struct About
{
    std::string key;
    std::string_view meaning;
    std::string_view fallback{};
    bool required = false;
    bool name = false; ///< WatchKey::name
};

/// Of a key that takes names or patterns.
inline About named(About about)
{
    about.name = true;
    return about;
}

using Set = std::function<Result<void>(WatchFile &, WatchValue &)>;

inline WatchKey entry(About about, Set set, bool list = false)
{
    return {std::move(about.key), list, about.name, about.meaning, about.fallback, about.required, std::move(set)};
}

/// `read` makes of the text what `access` answers a place for.
template <class Access, class Read> WatchKey one(About about, Access access, Read read)
{
    return entry(std::move(about), [access, read](WatchFile &file, WatchValue &value) -> Result<void> {
        auto made = read(std::string_view(value.entry.text));
        if (!made)
            return made.error();
        access(file, value) = std::move(*made);
        return {};
    });
}

template <class Access> WatchKey text(About about, Access access, std::size_t most = 200)
{
    return one(std::move(about), access, [most](std::string_view given) { return readText(given, most); });
}

template <class Access> WatchKey flag(About about, Access access) { return one(std::move(about), access, readFlag); }

template <class Access> WatchKey count(About about, std::uint32_t least, std::uint32_t most, Access access)
{
    return one(std::move(about), access, [=](std::string_view given) { return readCount(given, least, most); });
}

template <class Access>
WatchKey time(About about, std::chrono::milliseconds least, std::chrono::milliseconds most, Access access)
{
    return one(std::move(about), access, [=](std::string_view given) { return readTime(given, least, most); });
}

template <class Access> WatchKey url(About about, Access access) { return one(std::move(about), access, readHttpUrl); }

template <class Access> WatchKey reach(About about, Access access)
{
    return entry(std::move(about), [access](WatchFile &file, WatchValue &value) -> Result<void> {
        auto made = readReach(value.entry.text);
        if (!made)
            return made.error();
        value.shown = value.entry.text; // hosts and a user, or it was refused
        access(file, value) = std::move(*made);
        return {};
    });
}

/// A reference, as text or as `{ command = [PROGRAM, ARG], env = [NAME] }`, whose keys have entries of their own.
template <class Access> WatchKey secret(About about, Access access)
{
    return entry(std::move(about), [access](WatchFile &file, WatchValue &value) -> Result<void> {
        auto reference = parseSecretRef(value.entry.text, value.folder);
        if (!reference)
            return reference.error();
        value.shown = shown(*reference);
        value.secret = *reference;
        value.program = reference->program;
        access(file, value) = std::move(*reference);
        return {};
    });
}

template <class Access> WatchKey secretCommand(About about, Access access)
{
    about.key += ".command";
    about.required = true;
    return entry(
        std::move(about),
        [access](WatchFile &file, WatchValue &value) -> Result<void> {
            SecretRef &place = access(file, value);
            auto reference = secretOfProgram(value.entry.items, place.sees);
            if (!reference)
                return reference.error();
            value.shown = shown(*reference);
            value.secret = *reference;
            value.program = reference->program;
            place = std::move(*reference);
            return {};
        },
        true);
}

template <class Access> WatchKey secretVariables(About about, Access access)
{
    about.key += ".env";
    return entry(
        std::move(about),
        [access](WatchFile &file, WatchValue &value) -> Result<void> {
            SecretRef &place = access(file, value);
            const std::vector<std::string> any{"any"};
            auto reference = secretOfProgram(place.program.empty() ? any : place.program, value.entry.items);
            if (!reference)
                return reference.error();
            place.sees = std::move(reference->sees);
            return {};
        },
        true);
}

template <class Access>
void addSecret(std::vector<WatchKey> &keys, const std::string &key, std::string_view meaning, Access access)
{
    keys.push_back(secret({key, meaning}, access));
    keys.push_back(secretCommand({key, "a program whose first line is it, and its arguments"}, access));
    keys.push_back(secretVariables({key, "variables that program sees beside PATH, HOME and LANG"}, access));
}

inline Result<void> takeFile(WatchValue &value, std::string &into)
{
    auto path = readPath(value.entry.text, value.folder);
    if (!path)
        return path.error();
    into = std::move(*path);
    value.file = into;
    return {};
}

template <class Access> WatchKey file(About about, Access access)
{
    return entry(std::move(about),
                 [access](WatchFile &watched, WatchValue &value) { return takeFile(value, access(watched, value)); });
}

/// ca and pin: whose word is taken.
template <class Access> void addTrust(std::vector<WatchKey> &keys, const std::string &part, Access access)
{
    const auto roots = [access](Roots kind, WatchFile &watched, WatchValue &value) -> Result<TrustSpec *> {
        TrustSpec &trust = access(watched, value);
        if (trust.roots != Roots::System)
            return failure(ErrorKind::Invalid, "ca and pin exclude each other",
                           "A pinned certificate is trusted whoever signed it");
        trust.roots = kind;
        return &trust;
    };
    keys.push_back(entry({part + "ca", "PEM file of the authority that signed the other end's certificate"},
                         [roots](WatchFile &watched, WatchValue &value) -> Result<void> {
                             const auto trust = roots(Roots::File, watched, value);
                             return trust ? takeFile(value, (*trust)->value) : Result<void>(trust.error());
                         }));
    keys.push_back(entry({part + "pin", "SHA-256 of the one certificate that is trusted"},
                         [roots](WatchFile &watched, WatchValue &value) -> Result<void> {
                             auto pin = readPin(value.entry.text);
                             if (!pin)
                                 return pin.error();
                             const auto trust = roots(Roots::Pin, watched, value);
                             if (!trust)
                                 return trust.error();
                             (*trust)->value = std::move(*pin);
                             return {};
                         }));
}

/// What a certificate is asked for, and what we show ourselves.
template <class Access> void addIdentity(std::vector<WatchKey> &keys, const std::string &part, Access access)
{
    keys.push_back(one(
        {part + "server_name", "name its certificate must have, instead of the URL's host"},
        [access](WatchFile & f, WatchValue & v) -> auto & { return access(f, v).serverName; },
        [](std::string_view given) -> Result<std::string> {
            if (const auto fit = checkHost(given); !fit)
                return fit.error();
            return std::string(given);
        }));
    keys.push_back(file(
        {part + "certificate", "PEM file of the certificate to sign in with"},
        [access](WatchFile & f, WatchValue & v) -> auto & { return access(f, v).clientCertificate; }));
    keys.push_back(file(
        {part + "key", "PEM file of that certificate's key"}, [access](WatchFile & f, WatchValue & v) -> auto & {
            return access(f, v).clientKey;
        }));
}

template <class Access> void addReach(std::vector<WatchKey> &keys, const std::string &part, Access access)
{
    keys.push_back(reach(
        {part + "through", "the way there: direct, ssh:HOST, socks5:HOST:PORT, http:HOST:PORT", "direct"},
        [access](WatchFile & f, WatchValue & v) -> auto & { return access(f, v).through; }));
    addTrust(
        keys, part, [access](WatchFile & f, WatchValue & v) -> auto & { return access(f, v).trust; });
}

template <class Access, class Read> WatchKey list(About about, Access access, Read read)
{
    return entry(
        std::move(about),
        [access, read](WatchFile &watched, WatchValue &value) -> Result<void> {
            auto made = read(value.entry.items);
            if (!made)
                return made.error();
            access(watched, value) = std::move(*made);
            return {};
        },
        true);
}

/// A Redis URL into an endpoint: shown without what may stand before its host.
template <class Access> WatchKey redisUrl(About about, Access access, std::string_view before = {})
{
    return entry(std::move(about), [access, before](WatchFile &watched, WatchValue &value) -> Result<void> {
        auto endpoint = readRedisUrl(value.entry.text, before);
        if (!endpoint)
            return endpoint.error();
        value.shown = endpoint->display();
        access(watched, value) = std::move(*endpoint);
        return {};
    });
}

/// In watch_keys_redis.cpp.
void addRedisKeys(std::vector<WatchKey> &keys);
void addCeleryKeys(std::vector<WatchKey> &keys);

} // namespace portolan::stack
