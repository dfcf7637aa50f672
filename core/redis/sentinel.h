// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/redis/client.h"
#include "core/redis/password.h"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace portolan {
class TlsClient;
} // namespace portolan

/// Redis Sentinel: several servers that watch a primary and its replicas, and make a replica the primary when it fails.
/// https://redis.io/docs/latest/develop/reference/sentinel-clients/
namespace portolan::redis {

struct SentinelOptions
{
    struct Place
    {
        std::string host; ///< name or address
        std::uint16_t port = 26379;
        std::string display() const; ///< "host:26379"
        bool operator==(const Place &) const = default;
    };

    std::vector<Place> places;                  ///< the Sentinels, from 1 to 32 of them; asked in turn
    std::string primary;                        ///< what they call it: "mymaster"
    std::string user{};                         ///< ACL user of the Sentinels; empty: default
    std::shared_ptr<PasswordKeeper> password{}; ///< the Sentinels' own; null: they have none
    std::optional<TrustSpec> tls{};             ///< nothing: they are spoken to without TLS
    std::chrono::milliseconds timeout{1000};    ///< for each of them, from dialing on; longer through a tunnel
    std::shared_ptr<Dialer> way{};              ///< to them; null: straight
    std::shared_ptr<TlsClients> trust{};        ///< null: the system's authorities are read for these alone
    /// How the primary is spoken to: all of it but host and port, which the Sentinels tell. The host is one that its
    /// certificate may name where they tell bare addresses.
    Endpoint server{};
};

/// Finds the primary by asking Sentinels. For a Client and a Subscriber, any thread:
///
///     auto sentinel = Sentinel::make(std::move(sentinelOptions));
///     (*sentinel)->use(options);                  // of the Client: where it connects to from now on
///     Client client(executor, server, options);   // `server` as in the SentinelOptions
///
/// Whoever is connected so sees by itself that the server it is connected to is a replica, at first or later, and comes
/// back here (ClientOptions::primaryOnly); Sentinel hangs up on a demoted primary's clients besides.
class Sentinel final : public std::enable_shared_from_this<Sentinel>
{
public:
    /// Reads the files of `tls`, so not on an I/O thread. Invalid "redis-sentinel": no places or too many, or no name;
    /// "redis-tls-file", "redis-tls-pin".
    static Result<std::shared_ptr<Sentinel>> make(SentinelOptions options);

    /// Sets `locate`, `explain` and `primaryOnly`.
    void use(ClientOptions &options);

    /// Where the primary is, as the first Sentinel knows it that answers: each is asked over a connection of its own,
    /// closed afterwards, for `timeout` at most. The next call begins with the next one: the last one's word has not
    /// led anywhere, or its server has failed.
    ///
    /// Where none knows, as kind "code", `about` what they were asked and `told` what each said:
    ///   NotFound "redis-sentinel-name"      they answer, and know no primary of that name; the message has those they
    ///                                       know, `mend` the line of the file where that is one
    ///   Unavailable "redis-sentinel-auth"   they refuse the user, the password or the command; `mend` an ACL line
    ///   Unavailable "redis-sentinel-away"   none can be reached, or speaks as a Sentinel
    awaitable<Result<Endpoint>> locate();

    /// Why a primary could not be connected to: away, or a replica. Names it and the Sentinel that told of it;
    /// "redis-sentinel-address" where nothing can be reached at that address, else the code it had.
    Error explain(const Endpoint &located, Error why) const;

private:
    struct Refusal;
    struct Word;

    Sentinel(SentinelOptions options, std::shared_ptr<TlsClient> tls);
    awaitable<Word> ask(SentinelOptions::Place place);
    awaitable<std::vector<std::string>> namesAt(SentinelOptions::Place place);
    Endpoint endpointOf(const SentinelOptions::Place &place, const std::optional<Secret> &password) const;
    Endpoint announced(const std::string &host, std::uint16_t port) const;
    Error unknownName(const std::vector<std::string> &others, std::string told) const;
    Error refusedAll(const Refusal &first, std::string told) const;
    Error silent(const Refusal &first, std::string told) const;

    const SentinelOptions m_options;
    const std::shared_ptr<TlsClient> m_tls;
    const std::shared_ptr<Dialer> m_way;
    std::atomic<std::size_t> m_next{0};

    mutable std::mutex m_mutex;
    std::map<std::string, std::string> m_said; ///< which Sentinel named an address last; a few
};

} // namespace portolan::redis
