// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/commands/link_words.h"

#include "core/api/acl_command.h"
#include "core/api/sentences.h"

#include <algorithm>
#include <iterator>

namespace portolan::commands {

namespace {

struct Reason
{
    std::string_view code;
    std::string_view phrase;
    std::string_view advice; ///< or empty
    bool besides = false;    ///< the advice holds too where there is a command that mends
};

constexpr Reason reasons[]{
    {"redis-away", "not reachable", ""},
    {"redis-lost", "the connection broke", ""},
    {"redis-timeout", "no answer in time", "Look whether Redis is overloaded or stuck."},
    {"redis-busy", "too many calls at once", ""},
    {"redis-busy-script", "a script occupies Redis", "SCRIPT KILL ends it."},
    {"redis-loading", "Redis is loading its data", "Wait a moment."},
    {"redis-read-only", "Redis refuses writes", "Look at its disk, and whether it is a replica."},
    {"redis-auth", "Redis refuses the user of this portal", "Check user and password in the Redis URL."},
    {"redis-rights", "Redis refuses commands that are needed",
     "Allow them in Redis (ACL SETUSER, rename-command), or name another Redis; the log lists all that is missing."},
    {"redis-renamed", "Redis refuses commands that are needed",
     "Take back the rename-command of what the server does not know, or name another Redis.", true},
    {"redis-database", "Redis refuses the number of the database", "Name another in the Redis URL; 0 is always there."},
    {"redis-cluster", "a Redis Cluster is not supported", "Name a single Redis server."},
    {"redis-full", "Redis has no room left", "Clean up a key family, or raise its maxmemory."},
    {"redis-evicts", "this Redis evicts any key when it is full",
     "Run it with maxmemory-policy noeviction, or name another."},
    {"redis-moved", "the files of Redis are not in their place",
     "Put the very same folder back (moved, not copied), or restart the portal."},
    {"redis-wrong-type", "Redis holds something else under a key that is needed",
     "Rename or delete it there, or give this portal a database of its own."},
    {"redis-tls-untrusted", "its certificate is by an authority unknown here",
     "Name the file of its authority in the Redis URL: ssl_ca_certs=FILE."},
    {"redis-tls-self-signed", "its certificate is signed by itself",
     "Name its file as that of its authority in the Redis URL: ssl_ca_certs=FILE."},
    {"redis-tls-expired", "its certificate has expired", "Renew it."},
    {"redis-tls-not-yet", "its certificate is not valid yet",
     "Look at the clocks of this machine and of who signed it."},
    {"redis-tls-name", "its certificate is for another name",
     "Name it in the Redis URL by a name that its certificate has."},
    {"redis-tls-pin", "its certificate is not the pinned one",
     "If it was renewed, compare it there and pin the new one."},
    {"redis-tls-plain", "it does not speak TLS on this port",
     "Name the port that does, or write redis:// instead of rediss://."},
    {"redis-tls-client-certificate", "it wants a certificate of this portal, or another one",
     "Name one by an authority it trusts in the Redis URL: ssl_certfile=FILE&ssl_keyfile=FILE."},
    {"redis-tls-version", "it speaks no version of TLS that is still safe", "Let it speak TLS 1.2 or 1.3."},
    {"redis-tls-closed", "it closed the connection during the TLS handshake",
     "Look whether this port speaks TLS; the log of Redis says why it hung up."},
    {"redis-tls-timeout", "it did not finish the TLS handshake in time", "Look whether this port speaks TLS."},
    {"redis-tls-failed", "TLS failed", "The log of Redis may say more."},
    {"redis-tls-file", "a file of certificates cannot be read",
     "Put it in its place, or correct its name in the Redis URL."},
    {"redis-sentinel-away", "no Sentinel answers", "Check that they run, and their addresses."},
    {"redis-sentinel-name", "the Sentinels know no primary of that name",
     "Name it as sentinel monitor does in their configuration."},
    {"redis-sentinel-auth", "the Sentinels refuse the user or the password",
     "They have a user and a password of their own: check those."},
    {"redis-sentinel-address", "the address that the Sentinels tell is not reachable",
     "Wait for the failover, or announce one that is reachable (replica-announce-ip)."},
    {"redis-password-slow", "its password could not be read in time", "Look what keeps the program that prints it."},
    {"redis-tunnel-ssh-refused", "nobody listens there, as seen from the far end of the tunnel",
     "Check host and port in the Redis URL, and that Redis runs."},
    {"redis-tunnel-ssh-name", "a name on the way through ssh leads to no address",
     "Write each name as the host before it knows it."},
    {"redis-tunnel-ssh-forbidden", "the host of the tunnel may not forward there",
     "Allow it in its sshd_config (AllowTcpForwarding, PermitOpen)."},
    {"redis-tunnel-ssh-auth", "ssh may not sign in at the host of the tunnel",
     "Put a key of yours there, or load it into the agent of ssh."},
    {"redis-tunnel-ssh-passphrase", "the key of the tunnel is locked by a passphrase",
     "Load it into the agent of ssh: ssh-add."},
    {"redis-tunnel-ssh-host-key-unknown", "the key of a host on the way is not known here",
     "Compare its fingerprint with what whoever runs it says, and confirm it."},
    {"redis-tunnel-ssh-host-key-changed", "a host on the way shows another key than the known one",
     "Ask whoever runs it whether its key was renewed. Somebody may stand in between."},
    {"redis-tunnel-ssh-unreachable", "the tunnel does not get there", "Check the hosts on the way, and the network."},
    {"redis-tunnel-ssh-gone", "the tunnel broke", ""},
    {"redis-tunnel-ssh-missing", "ssh is not installed on this machine", "Install the client of OpenSSH."},
    {"redis-tunnel-ssh-busy", "too many connections through the tunnel are being made", ""},
    {"redis-tunnel-ssh-failed", "the tunnel failed", "Try ssh by hand as this user."},
    {"queue-cancelled", "a control message told the worker to take no tasks",
     "`celery control add_consumer` with the queue's name, or a restart, takes that back."},
    {"database-lost", "not reachable", ""},
    {"database-busy", "others are writing to it", ""},
    {"database-connections", "its server takes no more connections",
     "Raise max_connections of the server, or make the pools smaller."},
    {"database-resources", "its server is short of resources", "Look at its memory and its max_connections."},
    {"database-refused", "it refuses the user of this portal", "Check user and password in the URL of the database."},
    {"database-not-allowed", "its server lets nobody in from here by this name",
     "Allow this user and address in the server's pg_hba.conf."},
    {"database-peer", "its server lets this system user in by no other name",
     "Use the database user of the same name as the system user, or a password."},
    {"database-rights", "the user of this portal lacks a right", "Grant it the rights on the database's schema."},
    {"database-missing", "it does not exist", "Create the database or the role, or correct its URL."},
    {"database-moved", "its file is not in its place",
     "Put the very same file back (moved, not copied); or stop the portal, put a backup back, and start it again."},
    {"database-unwritable", "it cannot be written", "Give this user the right to write it."},
    {"database-standby", "its server is a read-only standby", "Name the primary in the URL of the database."},
    {"database-schema", "a table is missing", "Put a backup back."},
    {"database-corrupt", "it is damaged", "Keep a copy of it, then put a backup back."},
    {"disk-full", "the disk is full", "Free space on it; nothing is lost, and reading still works."},
    {"disk-error", "the disk failed", "Check the disk, its quota and the system log."},
    {"data-dir-moved", "it is not in its place",
     "Put the very same one back (moved, not copied), or restart the portal."},
    {"data-dir-hangs", "its file system does not answer", "Look at the disk or the network drive it is on."},
};

const Reason *wordsFor(std::string_view code)
{
    const auto found = std::ranges::find(reasons, code, &Reason::code);
    return found == std::end(reasons) ? nullptr : found;
}

/// What to do about it: the command that mends it, or what there is to look at.
std::string adviceOn(const LinkStatus &link)
{
    const Reason *const reason = wordsFor(link.reason);
    if (link.mend.empty())
        return reason ? std::string(reason->advice) : std::string();
    std::string advice = "Run `" + link.mend + "` in Redis.";
    const auto acl = aclCommandOf(link.mend);
    if (acl && (acl->dropsKeys || acl->dropsChannels))
        advice.append(" It first takes all patterns of ")
            .append(!acl->dropsChannels ? "keys"
                    : !acl->dropsKeys   ? "channels"
                                        : "keys and channels")
            .append(" from this user: add those that others need, as `ACL GETUSER ")
            .append(acl->user)
            .append("` tells them.");
    return reason && reason->besides ? advice.append(" ").append(reason->advice) : advice;
}

} // namespace

/// The queue and the sessions may be down although Redis answers.
std::string downText(const LinkStatus &link)
{
    return link.name == "queue"                                    ? "tasks cannot be queued or run"
           : link.name == "sessions"                               ? "sessions cannot be kept in Redis"
           : link.name == "data_dir"                               ? "the data directory cannot be used"
           : link.name == "redis"                                  ? "Redis does not answer"
           : link.name != "database"                               ? link.name + " does not answer"
           : link.reason.empty() || link.reason == "database-lost" ? "the database does not answer"
                                                                   : "the database cannot be written";
}

std::string_view phraseOf(std::string_view code)
{
    const Reason *const reason = wordsFor(code);
    return reason ? reason->phrase : std::string_view();
}

std::string troubleText(const LinkStatus &link, bool mend)
{
    std::string text(phraseOf(link.reason));
    if (text.empty())
        text = link.about.empty() || link.told.empty() ? link.about + link.told : link.about + ": " + link.told;
    else
        text.append(link.about.empty() ? "" : ": " + link.about)
            .append(link.told.empty() ? "" : " (" + link.told + ")");
    const std::string advice = mend ? adviceOn(link) : std::string();
    if (advice.empty())
        return text;
    return inSentences(text.ends_with(')') ? text + '.' : text, advice); // which takes a bracket for the end of one
}

} // namespace portolan::commands
