// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/certificate.h"
#include "core/api/result.h"
#include "core/base/dial.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

/// What OpenSSH's ssh says on standard error: it is the only word it has of why it does not connect, and of what
/// becomes of a forwarded connection. Read with `-vv`; the texts are those of OpenSSH 9.2, most of them 20 years old.
/// Lines come from elsewhere too, a server's banner or a ProxyCommand: they are judged, never trusted.
namespace portolan::net {

/// What became of one forwarded connection.
struct SshEvent
{
    enum class Kind : std::uint8_t {
        None,
        Asked,   ///< ssh has taken it, and asks its server
        Opened,  ///< it stands
        Refused, ///< the server cannot make it
    };
    Kind kind = Kind::None;
    std::string target;     ///< as targetKey() has it
    std::string why;        ///< the server's words
    std::string shown = {}; ///< the line, masked and cut, for people; empty: it is for programmers
};

/// A target as SshEvent names it. ssh cuts its name to 100 bytes.
std::string targetKey(const Target &target);

/// The log of one ssh, line by line.
class SshLog final
{
public:
    static constexpr std::size_t longestLine = 500;

    /// `host`: as ssh was asked for it, for the errors' words.
    explicit SshLog(std::string host) : m_host(std::move(host)) {}

    SshEvent read(std::string_view line);        ///< without its line end
    void connected();                            ///< what was said until now was of the way there
    bool signedIn() const { return m_signedIn; } ///< at the last hop that said so
    bool tellsOfConnections() const { return m_tells; }

    /// The host key that stands in the way: one seen for the first time, of which ssh tells no fingerprint; or another
    /// than the one that is kept.
    const std::optional<HostKeyFacts> &hostKey() const { return m_hostKey; }
    bool refusedSignIn() const { return !m_denied.empty(); }

    /// Why it ended before it was connected, by the first step that failed; of a chain of hosts that is the one that
    /// matters, for those behind only see their way end. `ending`: "exit code 255", "signal 9"; empty: it still runs,
    /// and its time is over.
    Error whyNotUp(const std::string &ending) const;
    /// Why it ended afterwards. Unavailable "tunnel-ssh-gone".
    Error whyGone(const std::string &ending) const;
    Error whyHung() const; ///< the same of one that does not answer

private:
    void readProgress(std::string_view line);
    SshEvent readChannel(std::string_view line);
    void readTrouble(std::string_view line);
    bool readHostKey(std::string_view line);
    Error hostKeyError() const;
    Error signInError() const;

    const std::string m_host;
    std::string m_asked;                           ///< whose channel comes next
    std::map<std::string, std::string> m_channels; ///< number → target, while it is not open
    bool m_tells = false;
    bool m_signedIn = false;
    std::string m_acceptedKey; ///< a file whose public key the server took, and which did not sign yet
    // The first of each kind; as ssh said it, for Error::told.
    std::string m_denied;
    std::string m_noName;
    std::string m_noWay;  ///< no connection to a hop
    std::string m_hopWhy; ///< a jump host's word on the next hop
    std::string m_config;
    std::string m_lastWords;
    std::string m_keyWords;
    std::string m_offending; ///< FILE:LINE
    std::string m_newKind;
    std::string m_newSha256;
    bool m_revoked = false;
    std::optional<HostKeyFacts> m_hostKey;
};

/// Of a forwarded connection that the server could not make: `why` are its words (SshEvent::why, or empty).
///   tunnel-ssh-refused      nobody listens there
///   tunnel-ssh-name         it knows no such host
///   tunnel-ssh-forbidden    it may not forward there
///   tunnel-ssh-unreachable  no network leads there, or there is no answer (Timeout)
///   tunnel-ssh-failed       something else
Error forwardError(const std::string &host, const Target &target, std::string_view why);
Error notInTime(const std::string &host, const Target &target);

} // namespace portolan::net
