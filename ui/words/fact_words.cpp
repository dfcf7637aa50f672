// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/words/fact_words.h"

#include "ui/support/format.h"
#include "ui/words/error_words.h"

#include <QCoreApplication>
#include <QStringList>
#include <algorithm>
#include <array>

namespace portolan::ui {

namespace {

QString tr(const char *source) { return QCoreApplication::translate("facts", source); }

/// What somebody named, in one line, however many they wrote.
QString inLine(const std::string &name) { return text(name).simplified(); }

QString counted(std::uint64_t count, const char *one, const char *many)
{
    return tr("%1 %2").arg(countText(count), count == 1 ? tr(one) : tr(many));
}

QString counted(const std::optional<std::uint64_t> &count, const char *one, const char *many)
{
    return counted(count.value_or(0), one, many);
}

QString counted(const Amount &amount)
{
    switch (amount.of) {
    case Counted::Users:
        return counted(amount.count, "user", "users");
    case Counted::Admins:
        return counted(amount.count, "admin", "admins");
    case Counted::Operators:
        return counted(amount.count, "operator", "operators");
    case Counted::Sessions:
        return counted(amount.count, "session", "sessions");
    case Counted::Tasks:
        return counted(amount.count, "task", "tasks");
    case Counted::Waiting:
        return counted(amount.count, "task waits", "tasks wait");
    case Counted::Running:
        return counted(amount.count, "task runs", "tasks run");
    case Counted::Results:
        return counted(amount.count, "result", "results");
    case Counted::Analyses:
        return counted(amount.count, "finished analysis", "finished analyses");
    case Counted::AuditEntries:
        return counted(amount.count, "audit entry", "audit entries");
    }
    return {};
}

/// "412 result keys", "1 key of app"; without a count "result keys".
QString keysOf(const std::string &family, const std::optional<std::uint64_t> &count, bool atLeast = false)
{
    constexpr std::array<std::pair<std::string_view, const char *>, 9> own{
        {{"sessions", QT_TRANSLATE_NOOP("facts", "session")},
         {"results", QT_TRANSLATE_NOOP("facts", "result")},
         {"limits", QT_TRANSLATE_NOOP("facts", "limit")},
         {"cache", QT_TRANSLATE_NOOP("facts", "cache")},
         {"tickers", QT_TRANSLATE_NOOP("facts", "ticker")},
         {"push", QT_TRANSLATE_NOOP("facts", "push")},
         {"queue", QT_TRANSLATE_NOOP("facts", "queue")},
         {"instances", QT_TRANSLATE_NOOP("facts", "instance")},
         {"other", QT_TRANSLATE_NOOP("facts", "other")}}};
    const bool one = count == std::uint64_t{1};
    const QString noun = one ? tr("key") : tr("keys");
    const auto known =
        std::ranges::find(own, std::string_view(family), &std::pair<std::string_view, const char *>::first);
    const QString named =
        known == own.end() ? tr("%1 of %2").arg(noun, inLine(family)) : tr("%1 %2").arg(tr(known->second), noun);
    if (!count)
        return named;
    const QString number = countText(*count);
    return tr("%1 %2").arg(atLeast ? tr("at least %1").arg(number) : number, named);
}

/// "40 users, 8 sessions and 6 results"; what there is none of is left out.
QString listed(const std::vector<Amount> &amounts)
{
    QStringList parts;
    for (const Amount &amount : amounts) {
        if (amount.count > 0)
            parts << counted(amount);
    }
    if (parts.size() < 2)
        return parts.join(QString());
    const QString last = parts.takeLast();
    return tr("%1 and %2").arg(parts.join(tr(", ")), last);
}

QString withArticle(const std::optional<Role> &role)
{
    switch (role.value_or(Role::Anonymous)) {
    case Role::Admin:
        return tr("an admin");
    case Role::Operator:
        return tr("an operator");
    case Role::User:
        return tr("a user");
    case Role::Anonymous:
        break;
    }
    return tr("nobody");
}

/// What people miss when the keys of a family are gone. Empty: of a family nobody here knows.
QString lossOf(const std::string &family)
{
    return family == "sessions"  ? tr("People are signed out.")
           : family == "results" ? tr("Finished analyses cannot be fetched any more.")
           : family == "limits"  ? tr("Windows are reset, so people can make more calls than their limits say.")
           : family == "cache"   ? tr("It is computed again when it is asked for.")
           : family == "tickers" ? tr("Prices are fetched again when they are asked for.")
           : family == "push"    ? tr("What was not delivered to open pages is not delivered any more.")
           : family == "queue"   ? tr("Tasks that wait are lost.")
                                 : QString();
}

QString stopText(const Fact &fact)
{
    const bool waitingKnown = std::ranges::find(fact.amounts, Counted::Waiting, &Amount::of) != fact.amounts.end();
    const auto running = std::ranges::find(fact.amounts, Counted::Running, &Amount::of);
    QString load = listed(fact.amounts);
    if (!waitingKnown)
        load = load.isEmpty() ? tr("how many wait is not known") : tr("how many wait is not known, %1").arg(load);
    if (load.isEmpty())
        load = tr("none waits or runs");
    const QString sentence = tr("%1 takes no task any more: %2.").arg(inLine(fact.name), load);
    const bool someRun = running != fact.amounts.end() && running->count > 0;
    return someRun ? tr("%1 Those that run still end.").arg(sentence) : sentence;
}

/// Kinds of which a preview and an outcome say the same.
QString eitherText(const Fact &fact)
{
    const QString name = inLine(fact.name);
    switch (fact.kind) {
    case FactKind::FamilyLost:
        return lossOf(fact.name);
    case FactKind::NoKeys:
        return fact.time ? tr("No %1 were idle that long.").arg(keysOf(fact.name, {}))
                         : tr("There are no %1.").arg(keysOf(fact.name, {}));
    case FactKind::CleanupGoesOn:
        return tr("That is not all: the cleanup goes on.");
    case FactKind::RunningTasksGoOn:
        return fact.count == 1 ? tr("1 task that runs goes on.")
                               : tr("%1 tasks that run go on.").arg(countText(fact.count));
    case FactKind::TasksOver:
        return fact.count == 1 ? tr("1 has ended already.") : tr("%1 have ended already.").arg(countText(fact.count));
    case FactKind::AllTasksOver:
        return fact.count == 1 ? tr("The task has ended already.") : tr("All of these tasks have ended already.");
    case FactKind::NoSession:
        return tr("%1 has no session.").arg(name);
    case FactKind::NoMadeUpUsers:
        return tr("No made-up user is left to delete.");
    case FactKind::MadeUpUsersThere:
        return tr("All %1 made-up users are there already.").arg(countText(fact.count));
    case FactKind::LastAdminStays:
        return tr("One is the last admin who can sign in, and stays.");
    case FactKind::RolesAmongThem:
        return fact.amounts.empty() ? tr("All have the role user, and nobody knows their passwords.")
                                    : tr("Among them: %1. Nobody knows their passwords.").arg(listed(fact.amounts));
    case FactKind::TheyCanBeTakenBack:
        return tr("They can be removed again.");
    case FactKind::WhereAuditIs:
        return tr("Of the audit entries, Overview shows those of the last 24 h and Users those of one account; all are "
                  "at /api/admin/audit.");
    case FactKind::OthersRefused:
        return tr("%1 could not be.").arg(counted(fact.count, "other", "others"));
    default:
        return {};
    }
}

QString willOfRedisAndTasks(const Fact &fact)
{
    const QString name = inLine(fact.name);
    switch (fact.kind) {
    case FactKind::ConnectionsClosed: {
        const QString connections = counted(fact.count, "connection", "connections");
        return name.isEmpty() ? tr("Closes %1. Their owners may connect again.").arg(connections)
                              : tr("Closes %1 of %2.").arg(connections, name);
    }
    case FactKind::KeysDeleted:
        return tr("Deletes %1, about %2.")
            .arg(keysOf(fact.name, fact.count.value_or(0), fact.atLeast), sizeText(fact.bytes));
    case FactKind::OnlyIdleKeys:
        return tr("Only those nobody has used for %1.").arg(durationText(fact.time));
    case FactKind::WorkerResized:
        return fact.before ? tr("%1 runs %2 at once now, then %3.")
                                 .arg(name, counted(fact.before, "task", "tasks"), countText(fact.count))
                           : tr("%1 then runs %2 at once.").arg(name, counted(fact.count, "task", "tasks"));
    case FactKind::WorkerStopped:
        return stopText(fact);
    case FactKind::RunningTasksEnded:
        return tr("Ends %1.").arg(counted(fact.count, "task that runs", "tasks that run"));
    case FactKind::TasksKeptFromStart:
        return tr("Keeps %1 from running.").arg(counted(fact.count, "task", "tasks"));
    case FactKind::TasksEnqueued:
        return fact.count == 1 ? tr("Enqueues 1 task again with its original arguments, as a new one.")
                               : tr("Enqueues %1 tasks again with their original arguments, as new ones.")
                                     .arg(countText(fact.count));
    default:
        return {};
    }
}

QString willOfAccounts(const Fact &fact)
{
    const QString name = inLine(fact.name);
    switch (fact.kind) {
    case FactKind::AccountMade:
        return tr("Makes an account for %1, %2, with a password that is shown once.").arg(name, withArticle(fact.role));
    case FactKind::PasswordMade:
        return tr("Resets the password of %1. The new one is shown once; the old one stops working.").arg(name);
    case FactKind::RoleGiven:
        return tr("Makes %1 %2.").arg(name, withArticle(fact.role));
    case FactKind::AccountDisabled:
        return tr("Keeps %1 from signing in.").arg(name);
    case FactKind::AccountEnabled:
        return tr("Lets %1 sign in.").arg(name);
    case FactKind::SessionsEnded:
        return tr("Ends %1 of %2.").arg(counted(fact.count, "session", "sessions"), name);
    case FactKind::AccountDeleted: {
        const QString with = fact.count.value_or(0) > 0
                                 ? tr("%1 and its own limits").arg(counted(fact.count, "session", "sessions"))
                                 : tr("its own limits");
        return tr("Deletes the account %1 for good, with %2. What the audit log says of it stays.").arg(name, with);
    }
    case FactKind::TokenRevoked:
        return tr("Ends the token %1, which has the rights of %2. Consoles and scripts that use it are shut out within "
                  "ten seconds.")
            .arg(name, withArticle(fact.role));
    default:
        return {};
    }
}

QString willOfPortal(const Fact &fact)
{
    switch (fact.kind) {
    case FactKind::PortalStarted:
        return tr("Lets people use the portal.");
    case FactKind::PortalStopped:
    case FactKind::PortalRestarted:
        return tr("Nobody can use the portal until it runs again.");
    case FactKind::PeopleInterrupted:
        return tr("%1 it now.").arg(counted(fact.count, "person uses", "people use"));
    case FactKind::TasksInterrupted:
        return tr("%1 put back if not done in time.").arg(counted(fact.count, "task runs and is", "tasks run and are"));
    case FactKind::DatabaseSetAside:
        return tr("Moves what is left of the database aside and starts with nobody registered. Nothing is deleted.");
    case FactKind::RedisSetAside:
        return tr("Moves the damaged files of the private Redis aside and starts without them: everybody signs in "
                  "again, and waiting tasks are gone. Nothing is deleted.");
    case FactKind::RedisMended:
        return tr("Copies the damaged files of the private Redis, then leaves out what cannot be read, and starts.");
    case FactKind::CopyKept:
        return tr("A copy of what is damaged is kept.");
    case FactKind::MadeUpUsersAdded: {
        const QString added = tr("Adds %1 of example.com").arg(counted(fact.count, "made-up user", "made-up users"));
        return fact.before.value_or(0) == 0 ? tr("%1.").arg(added)
                                            : tr("%1; %2 there already.").arg(added, counted(fact.before, "is", "are"));
    }
    case FactKind::SignInsAdded:
        return tr("Adds sign-ins.");
    case FactKind::AnalysesAdded:
        return tr("Adds a few analyses of theirs.");
    case FactKind::Added:
        return fact.amounts.empty() ? tr("There is nothing to add.") : tr("Adds %1.").arg(listed(fact.amounts));
    case FactKind::MadeUpUsersDeleted:
        return tr("Deletes %1 that seeding made, with their sessions. Results of their analyses expire by themselves.")
            .arg(counted(fact.count, "user", "users"));
    case FactKind::ContentsDeleted:
        return fact.amounts.empty() ? tr("Nobody and nothing is in this portal.")
                                    : tr("Deletes %1 of this portal.").arg(listed(fact.amounts));
    case FactKind::EverythingDeleted:
        return tr("Deletes every user, session, task, result and audit entry of this portal. How many there are could "
                  "not be counted in time.");
    case FactKind::EverythingUnseen:
        return tr("Deletes every user, session, task, result and audit entry of this portal. How many there are is not "
                  "counted while the portal is stopped.");
    case FactKind::StartedEmpty:
        return tr("Then starts it empty.");
    case FactKind::StartedWithMadeUp:
        return tr("Then starts it with new made-up users, who show what it can do.");
    default:
        return {};
    }
}

QString didOfRedisAndTasks(const Fact &fact)
{
    const QString name = inLine(fact.name);
    switch (fact.kind) {
    case FactKind::ConnectionsClosed:
        return tr("Closed %1.").arg(counted(fact.count, "connection", "connections"));
    case FactKind::KeysDeleted:
        return tr("Deleted %1.").arg(keysOf(fact.name, fact.count.value_or(0)));
    case FactKind::WorkerResized:
        return tr("%1 runs %2 at once.")
            .arg(name.isEmpty() ? tr("The worker") : name, counted(fact.count, "task", "tasks"));
    case FactKind::WorkerStopped:
        return tr("%1 takes no task any more.").arg(name.isEmpty() ? tr("The worker") : name);
    case FactKind::TasksRevoked:
        return tr("Revoked %1.").arg(name.isEmpty() ? counted(fact.count, "task", "tasks") : name);
    case FactKind::TasksEnqueued:
        return tr("Enqueued again: %1.").arg(name.isEmpty() ? counted(fact.count, "task", "tasks") : name);
    default:
        return {};
    }
}

QString didOfAccounts(const Fact &fact)
{
    const QString name = inLine(fact.name);
    switch (fact.kind) {
    case FactKind::AccountMade:
        return tr("Created %1, %2.").arg(name, withArticle(fact.role));
    case FactKind::PasswordMade:
        return tr("Reset the password of %1.").arg(name);
    case FactKind::RoleGiven:
        return tr("Made %1 %2.").arg(name, withArticle(fact.role));
    case FactKind::AccountDisabled:
        return tr("Disabled %1.").arg(name);
    case FactKind::AccountEnabled:
        return tr("Enabled %1.").arg(name);
    case FactKind::SignedOut:
        return tr("Signed %1 out everywhere.").arg(name);
    case FactKind::SessionsEnded:
        return tr("Ended %1 of %2.").arg(counted(fact.count, "session", "sessions"), name);
    case FactKind::AccountDeleted:
        return tr("Deleted %1.").arg(name);
    case FactKind::TokenRevoked:
        return tr("Revoked the token %1.").arg(name);
    default:
        return {};
    }
}

QString didOfPortal(const Fact &fact)
{
    switch (fact.kind) {
    case FactKind::PortalStarted:
        return tr("The portal is running.");
    case FactKind::PortalStopped:
        return tr("The portal is stopped.");
    case FactKind::PortalRestarted:
        return tr("The portal runs again.");
    case FactKind::CopyKept:
        return tr("A copy of what was damaged was kept.");
    case FactKind::Added:
        return fact.amounts.empty() ? tr("Added nothing: all of it is there already.")
                                    : tr("Added %1.").arg(listed(fact.amounts));
    case FactKind::MadeUpUsersDeleted:
        return tr("Deleted %1.").arg(counted(fact.count, "made-up user", "made-up users"));
    case FactKind::ContentsDeleted:
        return fact.amounts.empty() ? tr("Nothing was there to delete.") : tr("Deleted %1.").arg(listed(fact.amounts));
    case FactKind::StartedEmpty:
        return tr("The portal is empty again.");
    case FactKind::StartedWithMadeUp:
        return tr("The portal was emptied; the demonstration fills it again.");
    default:
        return {};
    }
}

QString firstOf(std::initializer_list<QString> texts)
{
    for (const QString &one : texts) {
        if (!one.isEmpty())
            return one;
    }
    return {};
}

QString willText(const Fact &fact)
{
    return firstOf({eitherText(fact), willOfRedisAndTasks(fact), willOfAccounts(fact), willOfPortal(fact)});
}

QString didText(const Fact &fact)
{
    return firstOf({eitherText(fact), didOfRedisAndTasks(fact), didOfAccounts(fact), didOfPortal(fact)});
}

QString joined(const std::vector<Fact> &facts, QString (*sentence)(const Fact &))
{
    QStringList sentences;
    for (const Fact &fact : facts) {
        if (const QString one = sentence(fact); !one.isEmpty())
            sentences << one;
    }
    return sentences.join(' ');
}

} // namespace

QString previewText(const ActionPreview &preview) { return joined(preview.facts, willText); }

QString outcomeText(const std::vector<Fact> &facts) { return joined(facts, didText); }

QString outcomeText(const ActionOutcome &outcome)
{
    const QString done = outcomeText(outcome.facts);
    return outcome.refusal ? tr("%1 %2").arg(done, errorText(*outcome.refusal)) : done;
}

QString touchedText(const Touched &touched)
{
    QString line = touched.name.empty() && !touched.id.empty() ? tr("(no name)") : inLine(touched.name);
    if (!touched.id.empty())
        line += ' ' + inLine(touched.id);
    if (!touched.owner.empty())
        line += tr(", %1").arg(inLine(touched.owner));
    if (!touched.detail.empty())
        line += tr(": %1").arg(inLine(touched.detail));
    if (touched.bytes)
        line += tr(", %1").arg(sizeText(touched.bytes));
    return line;
}

} // namespace portolan::ui
