// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/net/ssh_log.h"

#include "core/base/given_text.h"
#include "core/base/masking.h"
#include "core/base/utf8.h"
#include "core/net/coded.h"
#include "core/net/ssh_options.h"

#include <algorithm>
#include <optional>

namespace portolan::net {

namespace {

constexpr std::size_t sshCuts = 100;      ///< a target's name, in "Connection to"
constexpr std::size_t mostChannels = 512; ///< that are not open yet
constexpr std::size_t mostLine = 4096;

/// The text between two others; nothing where they are not there in this order.
std::optional<std::string> between(std::string_view line, std::string_view before, std::string_view after)
{
    const auto at = line.find(before);
    if (at == line.npos)
        return std::nullopt;
    line.remove_prefix(at + before.size());
    const auto end = after.empty() ? line.size() : line.find(after);
    return end == line.npos ? std::nullopt : std::optional(std::string(line.substr(0, end)));
}

bool has(std::string_view line, std::string_view part) { return line.find(part) != line.npos; }

void keepFirst(std::string &into, std::string_view line)
{
    if (into.empty())
        into = visible(cutText(maskSecrets(line), SshLog::longestLine));
}

Error sshError(ErrorKind kind, std::string_view code, std::string message, std::string hint, std::string about,
               std::string_view told, std::string mend = {})
{
    Error error = coded(kind, code, std::move(message), std::move(hint));
    error.about = std::move(about);
    error.told = told;
    error.mend = std::move(mend);
    return error;
}

std::string said(std::string_view words)
{
    return words.empty() ? std::string(".") : " (" + std::string(words.substr(0, 300)) + ").";
}

} // namespace

std::string targetKey(const Target &target)
{
    if (!target.path.empty())
        return target.path.substr(0, sshCuts) + " -2"; // PORT_STREAMLOCAL of OpenSSH
    error_code noAddress;
    const auto address = asio::ip::make_address(target.host, noAddress);
    const std::string host = noAddress ? target.host : address.to_string();
    return host.substr(0, sshCuts) + " " + std::to_string(target.port);
}

SshEvent SshLog::read(std::string_view line)
{
    line = line.substr(0, mostLine);
    if (line.ends_with('\r'))
        line.remove_suffix(1);
    SshEvent event = readChannel(line);
    if (line.starts_with("debug")) {
        readProgress(line);
        return event;
    }
    if (line.starts_with("OpenSSH_")) // what -v begins with
        return event;
    if (line.starts_with("Authenticated ")) { // also "using … with partial success": the key has signed
        m_signedIn = m_signedIn || line.starts_with("Authenticated to ");
        m_acceptedKey.clear();
    }
    event.shown = trimmed(line).empty() ? std::string() : visible(cutText(maskSecrets(line), longestLine));
    if (event.kind == SshEvent::Kind::None)
        readTrouble(line);
    return event;
}

void SshLog::readProgress(std::string_view line)
{
    // "debug1: Server accepts key: /home/u/.ssh/id_ed25519 ED25519 SHA256:… explicit": where nothing follows but the
    // end of all methods, it could not be opened without its passphrase.
    if (auto key = between(line, "debug1: Server accepts key: ", " SHA256:"))
        m_acceptedKey = key->substr(0, key->rfind(' '));
}

SshEvent SshLog::readChannel(std::string_view line)
{
    if (line.starts_with("debug1: Connection to port ")) {
        const auto host = between(line, " forwarding to ", " port ");
        const auto rest =
            host ? std::optional(line.substr(line.find(" forwarding to ") + 15 + host->size())) : std::nullopt;
        const auto port = rest ? between(*rest, " port ", " requested.") : std::nullopt;
        m_asked = port ? *host + " " + *port : std::string();
        m_tells = m_tells || port.has_value();
        return {};
    }
    const auto number = between(line, "channel ", ":");
    if (!number || number->empty() || number->size() > 6)
        return {};
    if (line.starts_with("debug1: channel ") && has(line, ": new ") && has(line, "direct-") && !m_asked.empty()) {
        if (m_channels.size() < mostChannels)
            m_channels[*number] = m_asked;
        return {SshEvent::Kind::Asked, std::exchange(m_asked, {}), {}};
    }
    const auto channel = m_channels.find(*number);
    if (channel == m_channels.end())
        return {};
    SshEvent event{SshEvent::Kind::None, channel->second, {}};
    if (line.starts_with("debug2: ") && has(line, "open confirm"))
        event.kind = SshEvent::Kind::Opened;
    else if (line.starts_with("channel ") && has(line, ": open failed: ")) {
        event.kind = SshEvent::Kind::Refused;
        event.why = visible(cutText(*between(line, ": open failed: ", ""), 300));
    } else if (line.starts_with("debug1: channel ") && has(line, ": free: ")) {
        event.kind = SshEvent::Kind::Refused;
    } else {
        return {};
    }
    m_channels.erase(channel);
    return event;
}

bool SshLog::readHostKey(std::string_view line)
{
    if (const auto host = between(line, " host key is known for ", " and you have requested")) {
        if (!m_hostKey)
            m_hostKey = HostKeyFacts{visible(*host), between(line, "No ", " host key").value_or(""), {}, {}};
        keepFirst(m_keyWords, line);
        return true;
    }
    const auto revoked = between(line, " host key for ", " was revoked and you have requested");
    if (const auto host = revoked ? revoked : between(line, "ost key for ", " has changed and you have requested")) {
        if (!m_hostKey)
            m_hostKey = HostKeyFacts{visible(*host), m_newKind, m_newSha256, m_offending};
        keepFirst(m_keyWords, line);
        return true;
    }
    if (line.starts_with("SHA256:"))
        m_newSha256 = line.substr(0, line.find_last_not_of('.') + 1);
    else if (auto kind = between(line, "The fingerprint for the ", " key sent by the remote host"))
        m_newKind = visible(*kind);
    else if (auto where = line.starts_with("Offending ") ? between(line, " key in ", "") : std::nullopt)
        m_offending = visible(*where);
    else if (has(line, "REVOKED HOST KEY DETECTED"))
        m_revoked = true;
    else
        return has(line, "Host key verification failed") || has(line, "HOST IDENTIFICATION HAS CHANGED");
    return true;
}

void SshLog::readTrouble(std::string_view line)
{
    if (readHostKey(line))
        return;
    if (has(line, "Permission denied (") || has(line, "Too many authentication failures") ||
        has(line, "signing failed for "))
        keepFirst(m_denied, line);
    else if (has(line, "Could not resolve hostname "))
        keepFirst(m_noName, line);
    else if (line.starts_with("channel ") && has(line, ": open failed: "))
        keepFirst(m_hopWhy, line.substr(line.find(": open failed: ") + 15));
    else if (line.starts_with("ssh: connect to host ") || has(line, "timed out") || has(line, "onnection reset") ||
             has(line, "onnection closed") || has(line, "not responding"))
        keepFirst(m_noWay, line);
    else if (has(line, "onfiguration option") || has(line, "Bad owner or permissions on "))
        keepFirst(m_config, line);
    else if (!line.starts_with('@') && !trimmed(line).empty() && !line.starts_with("stdio forwarding failed"))
        m_lastWords = visible(cutText(maskSecrets(line), longestLine));
}

void SshLog::connected()
{
    m_noWay.clear();
    m_hopWhy.clear();
    m_lastWords.clear();
}

Error SshLog::hostKeyError() const
{
    const auto &key = *m_hostKey;
    const bool changed = !key.known.empty() || !key.sha256.empty();
    if (m_revoked)
        return sshError(ErrorKind::Unavailable, "tunnel-ssh-host-key-changed",
                        "The key of " + m_host + " is marked as revoked in the files of known hosts.",
                        "Ask whoever runs it for its new key. Somebody may stand in between.", key.host, m_keyWords);
    if (changed)
        return sshError(ErrorKind::Unavailable, "tunnel-ssh-host-key-changed",
                        key.host + " shows another key than the one that is kept in " +
                            (key.known.empty() ? "the files of known hosts" : key.known) + ".",
                        "Ask whoever runs it whether its key was renewed, and compare " +
                            (key.sha256.empty() ? "it" : key.sha256) +
                            "; only then take the old one away. Somebody may stand in between.",
                        key.known.empty() ? key.host : key.known, m_keyWords,
                        "ssh-keygen -R " + shellWord(key.host) +
                            (key.known.empty() ? "" : " -f " + shellWord(key.known.substr(0, key.known.rfind(':')))));
    return sshError(ErrorKind::Unavailable, "tunnel-ssh-host-key-unknown",
                    "The key of " + key.host + " is not known on this machine.",
                    "Compare its fingerprint with what whoever runs it says, and confirm it.", key.host, m_keyWords,
                    "ssh -o StrictHostKeyChecking=ask " + shellWord(m_host) + " true");
}

Error SshLog::signInError() const
{
    if (!m_acceptedKey.empty())
        return sshError(ErrorKind::Unavailable, "tunnel-ssh-passphrase",
                        "The key " + quotable(m_acceptedKey, 200) + " is locked by a passphrase.",
                        "Give it to the agent of ssh, which then signs for it.", m_acceptedKey, m_denied,
                        "ssh-add " + shellWord(m_acceptedKey));
    return sshError(ErrorKind::Unavailable, "tunnel-ssh-auth", "ssh may not sign in at " + m_host + said(m_denied),
                    "Put a key of yours there, or load it into the agent; passwords are not asked for.", m_host,
                    m_denied, "ssh-copy-id " + shellWord(m_host));
}

Error SshLog::whyNotUp(const std::string &ending) const
{
    if (m_hostKey)
        return hostKeyError();
    if (!m_noName.empty())
        return sshError(ErrorKind::Unavailable, "tunnel-ssh-name", "ssh does not find " + m_host + said(m_noName),
                        "Write a name of ~/.ssh/config, a host name or an address.", m_host, m_noName);
    if (!m_denied.empty())
        return signInError();
    if (!m_hopWhy.empty() && has(m_hopWhy, "prohibited"))
        return sshError(ErrorKind::Unavailable, "tunnel-ssh-forbidden",
                        "A jump host to " + m_host + " may not forward.", "Allow it in its sshd_config.", m_host,
                        m_hopWhy, "AllowTcpForwarding local");
    if (!m_hopWhy.empty())
        return sshError(ErrorKind::Unavailable, "tunnel-ssh-unreachable",
                        "A jump host cannot reach the next on the way to " + m_host + said(m_hopWhy),
                        "Check the host's name and port as the jump host sees them.", m_host, m_hopWhy);
    if (!m_noWay.empty())
        return sshError(ErrorKind::Unavailable, "tunnel-ssh-unreachable", "ssh cannot reach " + m_host + said(m_noWay),
                        "Check its name and port in ~/.ssh/config, and this machine's network.", m_host, m_noWay);
    if (ending.empty())
        return sshError(ErrorKind::Timeout, "tunnel-ssh-unreachable", m_host + " does not let ssh in within its time.",
                        "Check that it answers, and that nothing on the way drops what it gets.", m_host, m_lastWords);
    const std::string &told = m_config.empty() ? m_lastWords : m_config;
    return sshError(ErrorKind::Unavailable, "tunnel-ssh-failed",
                    "ssh to " + m_host + " ended with " + ending + said(told), "Try it by hand as this user.", m_host,
                    told, "ssh " + shellWord(m_host) + " true");
}

Error SshLog::whyGone(const std::string &ending) const
{
    const std::string &told = m_noWay.empty() ? m_lastWords : m_noWay;
    return sshError(ErrorKind::Unavailable, "tunnel-ssh-gone",
                    "The tunnel through " + m_host + " broke: ssh ended with " + ending + said(told),
                    "It is made anew by itself. If it stays so, look at " + m_host + " and at the network.", m_host,
                    told);
}

Error SshLog::whyHung() const
{
    return sshError(ErrorKind::Unavailable, "tunnel-ssh-gone",
                    "The tunnel through " + m_host + " broke: ssh does not answer on this machine.",
                    "It is made anew by itself.", m_host, {});
}

Error notInTime(const std::string &host, const Target &target) { return forwardError(host, target, "timed out"); }

Error forwardError(const std::string &host, const Target &target, std::string_view why)
{
    const std::string there = target.display();
    const bool local = !target.path.empty();
    if (has(why, "prohibited") || has(why, "ot permitted"))
        return sshError(ErrorKind::Unavailable, "tunnel-ssh-forbidden",
                        host + " may not forward to " + there + said(why),
                        "Allow it in its sshd_config, or in the line of this key in its authorized_keys.", there, why,
                        local ? "AllowStreamLocalForwarding local" : "AllowTcpForwarding local");
    if (has(why, "efused"))
        return sshError(ErrorKind::Unavailable, "tunnel-ssh-refused",
                        "Nothing listens at " + there + " as seen from " + host + " (connection refused).",
                        "Check host and port, and that the server runs.", there, why);
    if (has(why, "not known") || has(why, "resol") || has(why, "No address"))
        return sshError(ErrorKind::Unavailable, "tunnel-ssh-name",
                        host + " knows no host of the name in " + there + said(why),
                        "Write the name or the address by which " + host + " reaches it.", there, why);
    if (has(why, "timed out"))
        return sshError(ErrorKind::Timeout, "tunnel-ssh-unreachable",
                        "There is no answer from " + there + " through " + host + ".",
                        "Check host and port, and what " + host + " may reach.", there, why);
    if (has(why, "unreachable") || has(why, "No route"))
        return sshError(ErrorKind::Unavailable, "tunnel-ssh-unreachable",
                        "No network leads to " + there + " from " + host + said(why),
                        "Check the host, and whether another way leads there.", there, why);
    if (local)
        return sshError(
            ErrorKind::Unavailable, "tunnel-ssh-refused", host + " cannot open the Unix socket " + there + said(why),
            "Check its path, its rights, that the server runs, and AllowStreamLocalForwarding of sshd.", there, why);
    return sshError(ErrorKind::Unavailable, "tunnel-ssh-failed", host + " cannot connect to " + there + said(why),
                    "Check host and port as " + host + " sees them.", there, why);
}

} // namespace portolan::net
