// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/certificate.h"
#include "core/net/ssh_log.h"
#include "core/net/ssh_options.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace portolan::net {

/// Whose key ssh does not know yet: shown, and kept once somebody has confirmed it, never in silence. On one thread.
///
///     look(host) → the first hop's key → trust(it) → look(host) → the next hop's key → … → nothing: all are known
class SshHostKeys final
{
public:
    explicit SshHostKeys(SshOptions options) : m_options(std::move(options)) {}

    /// The first key on the way to `host`, from the first jump host on, that ssh would not take; nothing where it takes
    /// all. One with `known` set is another than the one that is kept there, or is marked as revoked: nobody can
    /// confirm it here. A host whose key is not known is asked for nothing but its key: no sign-in, no password, no
    /// agent. To hosts before it ssh signs in as ever. Errors as those of SshTunnel.
    awaitable<Result<std::optional<HostKeyFacts>>> look(std::string host, SteadyTime deadline);

    /// Appends a key that look() has shown, and somebody has compared, to the first of the user's files of known hosts
    /// (UserKnownHostsFile), with its name hashed where ssh would (HashKnownHosts). Blocks for the file. Conflict: it
    /// is not the one that was shown, or another is kept. Unavailable "tunnel-ssh-failed": the file cannot be written.
    Result<void> trust(const HostKeyFacts &key);

private:
    struct Hop
    {
        std::vector<std::string> arguments; ///< of ssh: where to
        std::string knownHosts;             ///< the file to append to
        bool hashed = false;
    };
    struct Shown
    {
        HostKeyFacts facts;
        std::string key; ///< "ssh-ed25519 AAAA…"
        Hop hop;
    };
    struct Run;

    awaitable<Result<std::vector<Hop>>> hopsTo(std::vector<std::string> arguments, SshFolder &folder, unsigned depth);
    awaitable<std::shared_ptr<Run>> run(std::vector<std::string> options, Hop hop, const SshFolder &folder,
                                        std::string host, SteadyTime deadline);
    awaitable<Result<HostKeyFacts>> learn(HostKeyFacts unknown, Hop hop, const SshFolder &folder, std::string host,
                                          SteadyTime deadline);

    const SshOptions m_options;
    std::vector<Shown> m_shown;
};

/// A line of a file of known hosts, "name kind key", as a person compares it. Protocol: it is none.
Result<HostKeyFacts> readHostKey(std::string_view line);

/// A host's name as ssh keeps it where HashKnownHosts is on: "|1|salt|hash". `salt`: 20 bytes.
std::string hashedHost(std::string_view name, std::string_view salt);

} // namespace portolan::net
