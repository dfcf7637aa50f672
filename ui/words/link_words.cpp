// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/words/link_words.h"

#include "core/api/acl_command.h"
#include "core/api/sentences.h"
#include "ui/support/format.h"
#include "ui/support/zones.h"

#include <QCoreApplication>
#include <algorithm>
#include <iterator>

namespace portolan::ui {

namespace {

QString tr(const char *source) { return QCoreApplication::translate("links", source); }

struct Reason
{
    std::string_view code;
    const char *phrase;   ///< both to be translated in the context "links"
    const char *advice;   ///< or null
    bool besides = false; ///< the advice holds too where there is a command that mends
};

constexpr Reason reasons[]{
    {"redis-away", QT_TRANSLATE_NOOP("links", "not reachable"), nullptr},
    {"redis-lost", QT_TRANSLATE_NOOP("links", "the connection broke"), nullptr},
    {"redis-timeout", QT_TRANSLATE_NOOP("links", "no answer in time"),
     QT_TRANSLATE_NOOP("links", "Look whether Redis is overloaded or stuck.")},
    {"redis-busy", QT_TRANSLATE_NOOP("links", "too many calls at once"), nullptr},
    {"redis-busy-script", QT_TRANSLATE_NOOP("links", "a script occupies Redis"),
     QT_TRANSLATE_NOOP("links", "SCRIPT KILL ends it.")},
    {"redis-loading", QT_TRANSLATE_NOOP("links", "Redis is loading its data"),
     QT_TRANSLATE_NOOP("links", "Wait a moment.")},
    {"redis-read-only", QT_TRANSLATE_NOOP("links", "Redis refuses writes"),
     QT_TRANSLATE_NOOP("links", "Look at its disk, and whether it is a replica.")},
    {"redis-auth", QT_TRANSLATE_NOOP("links", "Redis refuses the user of this portal"),
     QT_TRANSLATE_NOOP("links", "Check user and password in the Redis URL.")},
    {"redis-rights", QT_TRANSLATE_NOOP("links", "Redis refuses commands that are needed"),
     QT_TRANSLATE_NOOP("links", "Allow them in Redis (ACL SETUSER, rename-command), or name another Redis; the log "
                                "lists all that is missing.")},
    {"redis-renamed", QT_TRANSLATE_NOOP("links", "Redis refuses commands that are needed"),
     QT_TRANSLATE_NOOP("links",
                       "Take back the rename-command of what the server does not know, or name another Redis."),
     true},
    {"redis-database", QT_TRANSLATE_NOOP("links", "Redis refuses the number of the database"),
     QT_TRANSLATE_NOOP("links", "Name another in the Redis URL; 0 is always there.")},
    {"redis-cluster", QT_TRANSLATE_NOOP("links", "a Redis Cluster is not supported"),
     QT_TRANSLATE_NOOP("links", "Name a single Redis server.")},
    {"redis-full", QT_TRANSLATE_NOOP("links", "Redis has no room left"),
     QT_TRANSLATE_NOOP("links", "Clean up a key family, or raise its maxmemory.")},
    {"redis-evicts", QT_TRANSLATE_NOOP("links", "this Redis evicts any key when it is full"),
     QT_TRANSLATE_NOOP("links", "Run it with maxmemory-policy noeviction, or name another.")},
    {"redis-moved", QT_TRANSLATE_NOOP("links", "the files of Redis are not in their place"),
     QT_TRANSLATE_NOOP("links", "Put the very same folder back (moved, not copied), or restart the portal.")},
    {"redis-wrong-type", QT_TRANSLATE_NOOP("links", "Redis holds something else under a key that is needed"),
     QT_TRANSLATE_NOOP("links", "Rename or delete it there, or give this portal a database of its own.")},
    {"redis-tls-untrusted", QT_TRANSLATE_NOOP("links", "its certificate is by an authority unknown here"),
     QT_TRANSLATE_NOOP("links", "Name the file of its authority in the Redis URL: ssl_ca_certs=FILE.")},
    {"redis-tls-self-signed", QT_TRANSLATE_NOOP("links", "its certificate is signed by itself"),
     QT_TRANSLATE_NOOP("links", "Name its file as that of its authority in the Redis URL: ssl_ca_certs=FILE.")},
    {"redis-tls-expired", QT_TRANSLATE_NOOP("links", "its certificate has expired"),
     QT_TRANSLATE_NOOP("links", "Renew it.")},
    {"redis-tls-not-yet", QT_TRANSLATE_NOOP("links", "its certificate is not valid yet"),
     QT_TRANSLATE_NOOP("links", "Look at the clocks of this machine and of who signed it.")},
    {"redis-tls-name", QT_TRANSLATE_NOOP("links", "its certificate is for another name"),
     QT_TRANSLATE_NOOP("links", "Name it in the Redis URL by a name that its certificate has.")},
    {"redis-tls-pin", QT_TRANSLATE_NOOP("links", "its certificate is not the pinned one"),
     QT_TRANSLATE_NOOP("links", "If it was renewed, compare it there and pin the new one.")},
    {"redis-tls-plain", QT_TRANSLATE_NOOP("links", "it does not speak TLS on this port"),
     QT_TRANSLATE_NOOP("links", "Name the port that does, or write redis:// instead of rediss://.")},
    {"redis-tls-client-certificate",
     QT_TRANSLATE_NOOP("links", "it wants a certificate of this portal, or another one"),
     QT_TRANSLATE_NOOP("links",
                       "Name one by an authority it trusts in the Redis URL: ssl_certfile=FILE&ssl_keyfile=FILE.")},
    {"redis-tls-version", QT_TRANSLATE_NOOP("links", "it speaks no version of TLS that is still safe"),
     QT_TRANSLATE_NOOP("links", "Let it speak TLS 1.2 or 1.3.")},
    {"redis-tls-closed", QT_TRANSLATE_NOOP("links", "it closed the connection during the TLS handshake"),
     QT_TRANSLATE_NOOP("links", "Look whether this port speaks TLS; the log of Redis says why it hung up.")},
    {"redis-tls-timeout", QT_TRANSLATE_NOOP("links", "it did not finish the TLS handshake in time"),
     QT_TRANSLATE_NOOP("links", "Look whether this port speaks TLS.")},
    {"redis-tls-failed", QT_TRANSLATE_NOOP("links", "TLS failed"),
     QT_TRANSLATE_NOOP("links", "The log of Redis may say more.")},
    {"redis-tls-file", QT_TRANSLATE_NOOP("links", "a file of certificates cannot be read"),
     QT_TRANSLATE_NOOP("links", "Put it in its place, or correct its name in the Redis URL.")},
    {"redis-sentinel-away", QT_TRANSLATE_NOOP("links", "no Sentinel answers"),
     QT_TRANSLATE_NOOP("links", "Check that they run, and their addresses.")},
    {"redis-sentinel-name", QT_TRANSLATE_NOOP("links", "the Sentinels know no primary of that name"),
     QT_TRANSLATE_NOOP("links", "Name it as sentinel monitor does in their configuration.")},
    {"redis-sentinel-auth", QT_TRANSLATE_NOOP("links", "the Sentinels refuse the user or the password"),
     QT_TRANSLATE_NOOP("links", "They have a user and a password of their own: check those.")},
    {"redis-sentinel-address", QT_TRANSLATE_NOOP("links", "the address that the Sentinels tell is not reachable"),
     QT_TRANSLATE_NOOP("links", "Wait for the failover, or announce one that is reachable (replica-announce-ip).")},
    {"redis-password-slow", QT_TRANSLATE_NOOP("links", "its password could not be read in time"),
     QT_TRANSLATE_NOOP("links", "Look what keeps the program that prints it.")},
    {"redis-tunnel-ssh-refused",
     QT_TRANSLATE_NOOP("links", "nobody listens there, as seen from the far end of the tunnel"),
     QT_TRANSLATE_NOOP("links", "Check host and port in the Redis URL, and that Redis runs.")},
    {"redis-tunnel-ssh-name", QT_TRANSLATE_NOOP("links", "a name on the way through ssh leads to no address"),
     QT_TRANSLATE_NOOP("links", "Write each name as the host before it knows it.")},
    {"redis-tunnel-ssh-forbidden", QT_TRANSLATE_NOOP("links", "the host of the tunnel may not forward there"),
     QT_TRANSLATE_NOOP("links", "Allow it in its sshd_config (AllowTcpForwarding, PermitOpen).")},
    {"redis-tunnel-ssh-auth", QT_TRANSLATE_NOOP("links", "ssh may not sign in at the host of the tunnel"),
     QT_TRANSLATE_NOOP("links", "Put a key of yours there, or load it into the agent of ssh.")},
    {"redis-tunnel-ssh-passphrase", QT_TRANSLATE_NOOP("links", "the key of the tunnel is locked by a passphrase"),
     QT_TRANSLATE_NOOP("links", "Load it into the agent of ssh: ssh-add.")},
    {"redis-tunnel-ssh-host-key-unknown", QT_TRANSLATE_NOOP("links", "the key of a host on the way is not known here"),
     QT_TRANSLATE_NOOP("links", "Compare its fingerprint with what whoever runs it says, and confirm it.")},
    {"redis-tunnel-ssh-host-key-changed",
     QT_TRANSLATE_NOOP("links", "a host on the way shows another key than the known one"),
     QT_TRANSLATE_NOOP("links", "Ask whoever runs it whether its key was renewed. Somebody may stand in between.")},
    {"redis-tunnel-ssh-unreachable", QT_TRANSLATE_NOOP("links", "the tunnel does not get there"),
     QT_TRANSLATE_NOOP("links", "Check the hosts on the way, and the network.")},
    {"redis-tunnel-ssh-gone", QT_TRANSLATE_NOOP("links", "the tunnel broke"), nullptr},
    {"redis-tunnel-ssh-missing", QT_TRANSLATE_NOOP("links", "ssh is not installed on this machine"),
     QT_TRANSLATE_NOOP("links", "Install the client of OpenSSH.")},
    {"redis-tunnel-ssh-busy", QT_TRANSLATE_NOOP("links", "too many connections through the tunnel are being made"),
     nullptr},
    {"redis-tunnel-ssh-failed", QT_TRANSLATE_NOOP("links", "the tunnel failed"),
     QT_TRANSLATE_NOOP("links", "Try ssh by hand as this user.")},
    {"queue-cancelled", QT_TRANSLATE_NOOP("links", "a control message told the worker to take no tasks"),
     QT_TRANSLATE_NOOP("links", "`celery control add_consumer` with the queue's name, or a restart, takes that back.")},
    {"database-lost", QT_TRANSLATE_NOOP("links", "not reachable"), nullptr},
    {"database-busy", QT_TRANSLATE_NOOP("links", "others are writing to it"), nullptr},
    {"database-connections", QT_TRANSLATE_NOOP("links", "its server takes no more connections"),
     QT_TRANSLATE_NOOP("links", "Raise max_connections of the server, or make the pools smaller.")},
    {"database-resources", QT_TRANSLATE_NOOP("links", "its server is short of resources"),
     QT_TRANSLATE_NOOP("links", "Look at its memory and its max_connections.")},
    {"database-refused", QT_TRANSLATE_NOOP("links", "it refuses the user of this portal"),
     QT_TRANSLATE_NOOP("links", "Check user and password in the URL of the database.")},
    {"database-not-allowed", QT_TRANSLATE_NOOP("links", "its server lets nobody in from here by this name"),
     QT_TRANSLATE_NOOP("links", "Allow this user and address in the server's pg_hba.conf.")},
    {"database-peer", QT_TRANSLATE_NOOP("links", "its server lets this system user in by no other name"),
     QT_TRANSLATE_NOOP("links", "Use the database user of the same name as the system user, or a password.")},
    {"database-rights", QT_TRANSLATE_NOOP("links", "the user of this portal lacks a right"),
     QT_TRANSLATE_NOOP("links", "Grant it the rights on the database's schema.")},
    {"database-missing", QT_TRANSLATE_NOOP("links", "it does not exist"),
     QT_TRANSLATE_NOOP("links", "Create the database or the role, or correct its URL.")},
    {"database-moved", QT_TRANSLATE_NOOP("links", "its file is not in its place"),
     QT_TRANSLATE_NOOP("links", "Put the very same file back (moved, not copied); or stop the portal, put a backup "
                                "back, and start it again.")},
    {"database-unwritable", QT_TRANSLATE_NOOP("links", "it cannot be written"),
     QT_TRANSLATE_NOOP("links", "Give this user the right to write it.")},
    {"database-standby", QT_TRANSLATE_NOOP("links", "its server is a read-only standby"),
     QT_TRANSLATE_NOOP("links", "Name the primary in the URL of the database.")},
    {"database-schema", QT_TRANSLATE_NOOP("links", "a table is missing"),
     QT_TRANSLATE_NOOP("links", "Put a backup back.")},
    {"database-corrupt", QT_TRANSLATE_NOOP("links", "it is damaged"),
     QT_TRANSLATE_NOOP("links", "Keep a copy of it, then put a backup back.")},
    {"disk-full", QT_TRANSLATE_NOOP("links", "the disk is full"),
     QT_TRANSLATE_NOOP("links", "Free space on it; nothing is lost, and reading still works.")},
    {"disk-error", QT_TRANSLATE_NOOP("links", "the disk failed"),
     QT_TRANSLATE_NOOP("links", "Check the disk, its quota and the system log.")},
    {"data-dir-moved", QT_TRANSLATE_NOOP("links", "it is not in its place"),
     QT_TRANSLATE_NOOP("links", "Put the very same one back (moved, not copied), or restart the portal.")},
    {"data-dir-hangs", QT_TRANSLATE_NOOP("links", "its file system does not answer"),
     QT_TRANSLATE_NOOP("links", "Look at the disk or the network drive it is on.")},
};

const Reason *wordsFor(std::string_view code)
{
    const auto found = std::ranges::find(reasons, code, &Reason::code);
    return found == std::end(reasons) ? nullptr : found;
}

QString capitalised(QString words)
{
    if (!words.isEmpty())
        words[0] = words[0].toUpper();
    return words;
}

} // namespace

QString linkPhrase(std::string_view reason, const std::string &about, const std::string &told)
{
    const Reason *const known = wordsFor(reason);
    if (!known)
        return about.empty() || told.empty() ? text(about + told) : tr("%1: %2").arg(text(about), text(told));
    QString words = tr(known->phrase);
    if (!about.empty())
        words = tr("%1: %2").arg(words, text(about));
    return told.empty() ? words : tr("%1 (%2)").arg(words, text(told));
}

/// The queue and the sessions may be down although Redis answers.
QString silentText(const LinkStatus &link)
{
    if (link.name == "queue")
        return tr("tasks cannot be queued or run");
    if (link.name == "sessions")
        return tr("sessions cannot be kept in Redis");
    if (link.name == "data_dir")
        return tr("the data directory cannot be used");
    if (link.name == "database" && !link.reason.empty() && link.reason != "database-lost")
        return tr("the database cannot be written");
    return tr("%1 does not answer").arg(linkTitle(link));
}

QString linkAdvice(const LinkStatus &link)
{
    const Reason *const known = wordsFor(link.reason);
    const QString advice = known && known->advice ? tr(known->advice) : QString();
    if (link.mend.empty())
        return advice;
    QString words = tr("Run `%1` in Redis.").arg(text(link.mend));
    const auto acl = aclCommandOf(link.mend);
    if (acl && (acl->dropsKeys || acl->dropsChannels)) {
        const QString what = !acl->dropsChannels ? tr("keys")
                             : !acl->dropsKeys   ? tr("channels")
                                                 : tr("keys and channels");
        words +=
            ' ' + tr("It first takes all patterns of %1 from this user: add those that others need, as `ACL GETUSER "
                     "%2` tells them.")
                      .arg(what, text(acl->user));
    }
    return known && known->besides ? words + ' ' + advice : words;
}

QString troubleText(const LinkStatus &link)
{
    QString what = capitalised(linkPhrase(link.reason, link.about, link.told));
    if (what.endsWith(')')) // inSentences() takes a bracket for the end of a sentence
        what += '.';
    return text(inSentences(what.toStdString(), linkAdvice(link).toStdString()));
}

} // namespace portolan::ui
